#include "tlog/tlog_proof.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tlog/testing/test_log.h"

namespace sealtrail::tlog {
namespace {

using testing::SlowTree;

// Index 3 of 15 in the public test log: the specification's sections put together.
const std::string kKnownProof =
    "c2sp.org/tlog-proof@v1\n"
    "index 3\n"
    "Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=\n"
    "T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4=\n"
    "g0ZoeYWtIV8Q8i+4CmgqPnBvH2il107lyCgTQsyB7H4=\n"
    "5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks=\n"
    "\n" +
    testing::TestLogCheckpoint();

Verifier TestLog() {
  return Verifier::FromVkey(testing::kTestLogVkey).value();
}

TEST(TlogProofTest, KnownProof) {
  const auto proof = ParseTlogProof(kKnownProof);
  ASSERT_TRUE(proof.ok()) << proof.status().ToString();
  EXPECT_EQ(proof->index, Seq{3});
  EXPECT_EQ(proof->hashes, SlowTree::TestLog().Path(3, {0, 15}));
  EXPECT_EQ(EncodeTlogProof(*proof), kKnownProof);

  const auto checkpoint = VerifyTlogProof(*proof, LeafHash(AsBytes("four")), TestLog());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  EXPECT_EQ(Value(checkpoint->size), 15u);
  EXPECT_EQ(VerifyTlogProof(*proof, LeafHash(AsBytes("five")), TestLog()).status().code(),
            StatusCode::kDataLoss);
}

TEST(TlogProofTest, TheOnlyLeafNeedsNoHash) {
  const auto log = Signer::FromSeed("log.example", Bytes(32, 1));
  const Hash leaf = LeafHash(AsBytes("one"));
  const std::string checkpoint =
      log->Sign(CheckpointText({.origin = "log.example", .size = TreeSize{1}, .root = leaf}));
  const std::string text = "c2sp.org/tlog-proof@v1\nindex 0\n\n" + checkpoint;
  const auto proof = ParseTlogProof(text);
  ASSERT_TRUE(proof.ok());
  EXPECT_EQ(EncodeTlogProof(*proof), text);
  EXPECT_TRUE(VerifyTlogProof(*proof, leaf, log->verifier()).ok());
}

TEST(TlogProofTest, ExtraDataIsCarriedAndProvesNothing) {
  TlogProof proof = ParseTlogProof(kKnownProof).value();
  proof.extra = {0, 1, 2, 0xff};
  const std::string text = EncodeTlogProof(proof);
  EXPECT_EQ(text.find("extra AAEC/w==\n"), text.find('\n') + 1);
  const auto again = ParseTlogProof(text);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->extra, proof.extra);
  EXPECT_TRUE(VerifyTlogProof(*again, LeafHash(AsBytes("four")), TestLog()).ok());
}

TEST(TlogProofTest, RefusesOtherTexts) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text = kKnownProof;
    return text.replace(text.find(from), from.size(), to);
  };
  std::string many = "index 3\n";
  for (int i = 0; i < 65; ++i) many += Base64Encode(Bytes(32)) + "\n";
  const std::vector<std::string> bad = {
      "",
      with("@v1", "@v2"),
      with("c2sp", "\nc2sp"),
      with("index 3", "index 03"),
      with("index 3", "index -1"),
      with("index 3", "index"),
      with("index 3", "Index 3"),
      with("index 3", "index  3"),
      with("index 3\n", ""),
      with("index 3\n", "index 3\nindex 3\n"),
      with("index 3\n", "extra \nindex 3\n"),
      with("index 3\n", "extra AA\nindex 3\n"),
      with("index 3\n", "extra AA==\nextra AA==\nindex 3\n"),
      with("index 3\n", "index 3\nextra AA==\n"),
      with("index 3\n", many),
      with("75Q=\n", "75Q=\r\n"),
      with("75Q=\n", "75Q\n"),
      with("75Q=\n", "75Q= \n"),
      with("0Ks=\n\n", "0Ks=\n"),
      with("0Ks=\n\n", "0Ks=\n\n\n"),
      with("0Ks=\n\n", "0Ks=\n \n"),
      kKnownProof.substr(0, kKnownProof.size() - 1),
      kKnownProof + "\n",
      kKnownProof.substr(0, kKnownProof.find("\n\n") + 2),
      with("\n15\n", "\nfifteen\n"),
  };
  for (const std::string& text : bad) {
    EXPECT_EQ(ParseTlogProof(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(TlogProofTest, RefusesProofsOfSomethingElse) {
  const Hash four = LeafHash(AsBytes("four"));
  const TlogProof good = ParseTlogProof(kKnownProof).value();
  TlogProof other_index = good;
  other_index.index = Seq{4};
  EXPECT_FALSE(VerifyTlogProof(other_index, four, TestLog()).ok());
  TlogProof beyond = good;
  beyond.index = Seq{15};
  EXPECT_EQ(VerifyTlogProof(beyond, four, TestLog()).status().code(), StatusCode::kInvalidArgument);
  const auto stranger = Signer::FromSeed("log.example", Bytes(32, 1));
  EXPECT_EQ(VerifyTlogProof(good, four, stranger->verifier()).status().code(),
            StatusCode::kDataLoss);
  TlogProof other_origin = good;
  other_origin.checkpoint = stranger->Sign(ParseNote(good.checkpoint)->text);
  EXPECT_EQ(VerifyTlogProof(other_origin, four, stranger->verifier()).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(TlogProofTest, ByPolicy) {
  const auto witness = Cosigner::FromSeed("w.example", Bytes(32, 2));
  const auto policy = Policy::Parse(fmt::format("log {}\nwitness w {}\nquorum w\n",
                                                testing::kTestLogVkey, witness->verifier().vkey()));
  ASSERT_TRUE(policy.ok());
  const Hash four = LeafHash(AsBytes("four"));
  TlogProof proof = ParseTlogProof(kKnownProof).value();
  EXPECT_EQ(VerifyTlogProof(proof, four, *policy).status().code(), StatusCode::kFailedPrecondition);
  proof.checkpoint += witness->SignatureLine(ParseNote(proof.checkpoint)->text, 1000).value();
  const auto verdict = VerifyTlogProof(proof, four, *policy);
  ASSERT_TRUE(verdict.ok()) << verdict.status().ToString();
  EXPECT_TRUE(verdict->quorum_met);
  EXPECT_EQ(VerifyTlogProof(proof, LeafHash(AsBytes("five")), *policy).status().code(),
            StatusCode::kDataLoss);
}

}  // namespace
}  // namespace sealtrail::tlog
