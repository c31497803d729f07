#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/ed25519.h"
#include "crypto/sha256.h"

namespace sealtrail::crypto {
namespace {

// RFC 4231 §4.3.
TEST(HmacTest, KnownAnswer) {
  EXPECT_EQ(HexEncode(HmacSha256(AsBytes("Jefe"), AsBytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

std::string Hex(const auto& bytes) {
  return HexEncode(bytes);
}

// FIPS 180-4 examples.
TEST(Sha256Test, KnownAnswers) {
  EXPECT_EQ(Hex(Sha256(ByteView{})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256(AsBytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Sha256(AsBytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256Test, PiecesGiveTheSameAsTheWhole) {
  const std::string text(1000, 'x');
  for (size_t cut : {0u, 1u, 63u, 64u, 65u, 999u}) {
    const std::string_view whole = text;
    EXPECT_EQ(Sha256({AsBytes(whole.substr(0, cut)), AsBytes(whole.substr(cut))}),
              Sha256(AsBytes(whole)));
  }
}

// RFC 8032 §7.1, test 2.
TEST(Ed25519Test, KnownAnswer) {
  const Bytes seed =
      HexDecode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").value();
  const Bytes message = {0x72};
  const auto key = Ed25519PrivateKey::FromSeed(seed);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(Hex(key->public_key()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(Hex(key->Sign(message)),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(VerifyEd25519(key->public_key(), message, key->Sign(message)).ok());
}

TEST(Ed25519Test, RefusesWhatDoesNotFit) {
  const auto key = Ed25519PrivateKey::FromSeed(Bytes(32, 7));
  ASSERT_TRUE(key.ok());
  const Bytes message = {1, 2, 3};
  Ed25519Signature signature = key->Sign(message);
  EXPECT_EQ(VerifyEd25519(key->public_key(), Bytes{1, 2, 4}, signature).code(),
            StatusCode::kDataLoss);
  signature[5] ^= 1;
  EXPECT_EQ(VerifyEd25519(key->public_key(), message, signature).code(), StatusCode::kDataLoss);
  EXPECT_EQ(VerifyEd25519(key->public_key(), message, ByteView(signature).first(63)).code(),
            StatusCode::kInvalidArgument);
  EXPECT_FALSE(Ed25519PrivateKey::FromSeed(Bytes(31)).ok());
}

}  // namespace
}  // namespace sealtrail::crypto
