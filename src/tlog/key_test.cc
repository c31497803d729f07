#include "tlog/key.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tlog/note.h"
#include "tlog/testing/test_log.h"
#include "tlog/testing/vectors.h"

namespace sealtrail::tlog {
namespace {

TEST(KeyTest, KnownKeys) {
  for (const std::string& text :
       {std::string(testing::kTestLogVkey), testing::TlogVector("signed-note/foo.vkey.txt"),
        std::string("witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")}) {
    const auto key = ParseVkey(text);
    ASSERT_TRUE(key.ok()) << key.status().ToString();
    EXPECT_EQ(FormatVkey(*key), text.substr(0, text.find('\n')));
  }
  const auto signer = ParseSignerKey(testing::kTestLogSigner, SignatureType::kEd25519);
  ASSERT_TRUE(signer.ok());
  EXPECT_EQ(FormatSignerKey(*signer), std::string(testing::kTestLogSigner) + "\n");
}

TEST(KeyTest, RefusesOtherShapes) {
  const std::string good(testing::kTestLogVkey);
  const size_t id = good.find('+') + 1, key = good.find('+', id) + 1;
  const auto with = [&](std::string_view name, std::string_view hex, std::string_view base64) {
    return fmt::format("{}+{}+{}", name, hex, base64);
  };
  const std::string name = good.substr(0, id - 1), hex = good.substr(id, 8);
  const std::string base64 = good.substr(key);
  ASSERT_TRUE(ParseVkey(with(name, hex, base64)).ok());
  for (const std::string& bad :
       {std::string(), std::string("+"), std::string("++"), name, name + "+" + hex,
        with("", hex, base64), with("other.example", hex, base64), with(name + " ", hex, base64),
        with(name, "", base64), with(name, "33D7B496", base64), with(name, "33d7b497", base64),
        with(name, "33d7b49", base64), with(name, "33d7b49600", base64), with(name, hex, ""),
        with(name, hex, base64 + "AAAA"), with(name, hex, "AQ=="), good + " ", good + "\n\n"}) {
    EXPECT_EQ(ParseVkey(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(KeyTest, RefusesNamesThatNoKeyMayHave) {
  const Bytes raw(32, 7);
  const auto vkey = [&](std::string_view name) {
    const KeyId id = MakeKeyId(name, SignatureType::kEd25519, raw);
    return FormatVkey({std::string(name), id, SignatureType::kEd25519, raw});
  };
  EXPECT_TRUE(ParseVkey(vkey("a.example/log")).ok());
  for (const std::string_view bad : {"", "a b", "a\nb", "a\u3000b", "\xff"}) {
    EXPECT_FALSE(ParseVkey(vkey(bad)).ok()) << bad;
  }
}

// Type bytes are kept apart: one key and name have another id, and no reader takes one for another.
TEST(KeyTest, TypesAreKeptApart) {
  const Bytes raw(32, 7);
  const auto vkey = [&](uint8_t type, const Bytes& key) {
    const auto t = static_cast<SignatureType>(type);
    return FormatVkey({"a.example", MakeKeyId("a.example", t, key), t, key});
  };
  EXPECT_NE(MakeKeyId("a.example", SignatureType::kEd25519, raw),
            MakeKeyId("a.example", SignatureType::kCosignature, raw));
  EXPECT_TRUE(Verifier::FromVkey(vkey(0x01, raw)).ok());
  EXPECT_EQ(Verifier::FromVkey(vkey(0x04, raw)).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(ParseVkey(vkey(0x06, Bytes(1312, 7))).ok());
  EXPECT_EQ(ParseVkey(vkey(0x06, raw)).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Verifier::FromVkey(vkey(0x06, Bytes(1312, 7))).status().code(),
            StatusCode::kInvalidArgument);
  for (const int type : {0x00, 0x02, 0x03, 0x05, 0x07, 0xfa, 0xfe, 0xff}) {
    EXPECT_EQ(ParseVkey(vkey(static_cast<uint8_t>(type), raw)).status().code(),
              StatusCode::kUnimplemented)
        << type;
  }
}

TEST(KeyTest, SignerKeysOfAnotherTypeOrKeyAreRefused) {
  const std::string good(testing::kTestLogSigner);
  EXPECT_FALSE(ParseSignerKey(good, SignatureType::kCosignature).ok());
  EXPECT_FALSE(ParseSignerKey(testing::kTestLogVkey, SignatureType::kEd25519).ok());
  std::string other_id = good;
  other_id.replace(other_id.find("33d7b496"), 8, "33d7b497");
  EXPECT_TRUE(ParseSignerKey(other_id, SignatureType::kEd25519).ok());
  EXPECT_FALSE(Signer::FromText(other_id).ok());
}

}  // namespace
}  // namespace sealtrail::tlog
