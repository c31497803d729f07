#include "tlog/cosignature.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/endian.h"
#include "tlog/testing/test_log.h"
#include "tlog/testing/vectors.h"

namespace sealtrail::tlog {
namespace {

constexpr std::string_view kName = "witness.example/w1";
constexpr std::string_view kVkey =
    "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
constexpr int64_t kTime = 1679315147;

Bytes CountingSeed() {
  Bytes seed(32);
  for (size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<uint8_t>(i);
  return seed;
}

std::string CheckpointBody() {
  return ParseNote(testing::TestLogCheckpoint())->text;
}

NoteSignature SignatureOf(const Cosigner& cosigner, std::string_view text, int64_t time_s) {
  return ParseSignatureLines(cosigner.SignatureLine(text, time_s).value()).value()[0];
}

// Recomputed independently: the test log's last checkpoint, cosigned with the seed 00 01 … 1f.
TEST(CosignatureTest, KnownAnswer) {
  const auto cosigner = Cosigner::FromSeed(std::string(kName), CountingSeed());
  ASSERT_TRUE(cosigner.ok());
  EXPECT_EQ(cosigner->verifier().vkey(), kVkey);
  const auto line = cosigner->SignatureLine(CheckpointBody(), kTime);
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(*line,
            "— witness.example/w1 "
            "519lMgAAAABkGFDLo0vvaVMnQBetpNUCKKILroiWxoSAyyV9iB/"
            "cgczFo9ONQdSuKdatX9+k2ggtjAKaVSHrTWaVvipK5HiRqnepAA==\n");

  const auto verifier = CosignatureVerifier::FromVkey(kVkey);
  ASSERT_TRUE(verifier.ok());
  const NoteVerifier* const known[] = {&*verifier};
  const auto cosigned = AddSignatureLines(testing::TestLogCheckpoint(), *line);
  const auto opened = OpenNote(cosigned.value(), known);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  ASSERT_EQ(opened->signatures.size(), 1u);
  EXPECT_EQ(CosignatureTime(opened->signatures[0].signature).value(), kTime);
}

// The specification's example: its message, and the time in its line. (Its key is not published.)
TEST(CosignatureTest, PublishedExample) {
  const auto note = ParseNote(testing::TlogVector("cosignature/behind-the-sofa.cosigned.txt"));
  ASSERT_TRUE(note.ok());
  ASSERT_EQ(note->signatures.size(), 2u);
  const NoteSignature& cosignature = note->signatures[1];
  EXPECT_EQ(cosignature.name, "witness.example.com/w1");
  EXPECT_EQ(CosignatureTime(cosignature.signature).value(), kTime);
  EXPECT_EQ(CosignatureMessage(note->text, kTime),
            testing::TlogVector("cosignature/behind-the-sofa.signed-message.txt"));
}

TEST(CosignatureTest, CoversTheTimeAndTheWholeText) {
  const auto cosigner = Cosigner::FromSeed("w.example", Bytes(32, 4));
  const CosignatureVerifier& verifier = cosigner->verifier();
  const std::string text = CheckpointBody() + "extension\n";
  const NoteSignature good = SignatureOf(*cosigner, text, kTime);
  ASSERT_TRUE(verifier.Verify(text, good.signature).ok());
  EXPECT_EQ(verifier.Verify(CheckpointBody(), good.signature).code(), StatusCode::kDataLoss);
  for (size_t i = 0; i < good.signature.size(); ++i) {
    Bytes changed = good.signature;
    changed[i] ^= 1;
    EXPECT_EQ(verifier.Verify(text, changed).code(), StatusCode::kDataLoss) << i;
  }
  for (const size_t size : {0u, 8u, 64u, 71u, 73u}) {
    Bytes changed = good.signature;
    changed.resize(size);
    EXPECT_EQ(verifier.Verify(text, changed).code(), StatusCode::kDataLoss) << size;
  }
}

// A signed time above 2^63 − 1 is refused, though its signature is good.
TEST(CosignatureTest, TimesHave63Bits) {
  const Bytes seed(32, 4);
  const auto key = crypto::Ed25519PrivateKey::FromSeed(seed);
  const CosignatureVerifier verifier("w.example", key->public_key());
  for (const auto& [time_s, good] : {std::pair{uint64_t{0}, true},
                                     {(uint64_t{1} << 63) - 1, true},
                                     {uint64_t{1} << 63, false}}) {
    const std::string message =
        fmt::format("cosignature/v1\ntime {}\n{}", time_s, CheckpointBody());
    Bytes signature(8);
    PutBig64(signature.data(), time_s);
    AppendTo(signature, key->Sign(AsBytes(message)));
    EXPECT_EQ(verifier.Verify(CheckpointBody(), signature).ok(), good) << time_s;
    EXPECT_EQ(CosignatureTime(signature).ok(), good) << time_s;
  }
}

TEST(CosignatureTest, SignsNothingElse) {
  const auto cosigner = Cosigner::FromSeed("w.example", Bytes(32, 4));
  EXPECT_FALSE(cosigner->SignatureLine(CheckpointBody(), 0).ok());
  EXPECT_FALSE(cosigner->SignatureLine(CheckpointBody(), -1).ok());
  EXPECT_FALSE(cosigner->SignatureLine("no checkpoint\n", kTime).ok());
}

// Neither is a log's plain signature a cosignature, nor the other way round, even of one key.
TEST(CosignatureTest, IsNoPlainSignature) {
  const Bytes seed(32, 4);
  const auto signer = Signer::FromSeed("w.example", seed);
  const auto cosigner = Cosigner::FromSeed("w.example", seed);
  EXPECT_NE(signer->verifier().id(), cosigner->verifier().id());
  EXPECT_FALSE(CosignatureVerifier::FromVkey(signer->verifier().vkey()).ok());
  EXPECT_FALSE(Verifier::FromVkey(cosigner->verifier().vkey()).ok());
  const NoteVerifier* const witness[] = {&cosigner->verifier()};
  EXPECT_EQ(OpenNote(signer->Sign(CheckpointBody()), witness).status().code(),
            StatusCode::kUnauthenticated);
}

TEST(CosignatureTest, KeyTextsRoundTrip) {
  const Bytes seed(32, 5);
  const auto cosigner = Cosigner::FromSeed("w.example", seed);
  const std::string text = Cosigner::KeyText(cosigner->verifier(), seed);
  const auto again = Cosigner::FromText(text);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->verifier().vkey(), cosigner->verifier().vkey());
  EXPECT_FALSE(Signer::FromText(text).ok());
  EXPECT_FALSE(
      Cosigner::FromText(Signer::KeyText(Signer::FromSeed("w.example", seed)->verifier(), seed))
          .ok());
  EXPECT_FALSE(Cosigner::FromSeed("w example", seed).ok());
  std::string other_id = text;
  other_id[std::string("PRIVATE+KEY+w.example+").size()] ^= 1;
  EXPECT_FALSE(Cosigner::FromText(other_id).ok());
}

}  // namespace
}  // namespace sealtrail::tlog
