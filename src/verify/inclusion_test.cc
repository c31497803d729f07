#include "verify/inclusion.h"

#include <bit>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "verify/testing/forge.h"

namespace sealtrail::verify {
namespace {

constexpr std::string_view kKey =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
// Leaf 3 ("four") of the test log of 15.
constexpr std::string_view kProof =
    "c2sp.org/tlog-proof@v1\n"
    "index 3\n"
    "Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=\n"
    "T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4=\n"
    "g0ZoeYWtIV8Q8i+4CmgqPnBvH2il107lyCgTQsyB7H4=\n"
    "5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks=\n"
    "\n"
    "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
    "— example.com/log/testdata "
    "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI="
    "\n";

Status Check(std::string_view proof, std::string_view leaf = "four", std::string_view key = kKey) {
  return VerifyProofFile(AsBytes(proof), AsBytes(leaf), key).status();
}

std::string Replaced(std::string_view from, std::string_view to) {
  std::string out(kProof);
  const size_t at = out.find(from);
  EXPECT_NE(at, out.npos) << from;
  return out.replace(at, from.size(), to);
}

TEST(InclusionTest, TheProofOfTheTestLog) {
  const auto answer = VerifyProofFile(AsBytes(kProof), AsBytes("four"), kKey);
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->index, 3u);
  EXPECT_EQ(answer->size, 15u);
  EXPECT_EQ(answer->origin, "example.com/log/testdata");
  EXPECT_TRUE(Check(Replaced("index 3", "extra AAAA\nindex 3")).ok());
}

TEST(InclusionTest, WhatIsNoProof) {
  EXPECT_EQ(Check(kProof, "five").code(), StatusCode::kDataLoss);
  EXPECT_EQ(Check(kProof, "").code(), StatusCode::kDataLoss);
  EXPECT_EQ(Check(Replaced("index 3", "index 2")).code(), StatusCode::kDataLoss);
  EXPECT_EQ(Check(Replaced("Zx8U", "Zx8V")).code(), StatusCode::kDataLoss);
  EXPECT_EQ(Check(Replaced("\n15\n", "\n16\n")).code(), StatusCode::kDataLoss);
  for (const std::string& bad :
       {Replaced("index 3", "index 15"), Replaced("index 3", "index 03"),
        Replaced("index 3", "index"), Replaced("@v1", "@v2"),
        Replaced("Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=\n", ""),
        Replaced("Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=", "AAAA"),
        Replaced("index 3", "extra *\nindex 3"), Replaced("0Ks=\n\n", "0Ks=\n"), std::string(),
        std::string("c2sp.org/tlog-proof@v1\n")}) {
    EXPECT_EQ(Check(bad).code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(
      Check(kProof, "four", "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
          .code(),
      StatusCode::kNotFound);
}

// Every byte of the file counts, but what the specification says is not authenticated.
TEST(InclusionTest, EveryByte) {
  for (size_t i = 0; i < kProof.size(); ++i) {
    for (uint8_t bit : {uint8_t{1}, uint8_t{32}}) {
      std::string proof(kProof);
      proof[i] = static_cast<char>(proof[i] ^ bit);
      EXPECT_FALSE(Check(proof).ok()) << i;
    }
  }
}

// One way leads from a record to the root. A running hash, or any other hash of the log, in the place of the root, of a
// leaf or on the way proves nothing, though it commits to the same records.
TEST(InclusionTest, TheRunningHashProvesNothing) {
  testing::Forge forge;
  forge.BeginFile();
  forge.AddMany(testing::SpanLeaves(0, 2));
  const Hash leaf = LeafHash(AsBytes(testing::SpanLeaf(0)));
  const auto proof = [&](const Hash& way, const Hash& root) {
    return fmt::format("c2sp.org/tlog-proof@v1\nindex 1\n{}\n\n{}", Base64Encode(way),
                       forge.SignedCheckpoint(2, root));
  };
  const auto check = [&](const std::string& text, std::string_view record) {
    return VerifyProofFile(AsBytes(text), AsBytes(record), forge.vkey()).status().code();
  };
  const std::string second = testing::SpanLeaf(1);
  EXPECT_EQ(check(proof(leaf, forge.Root()), second), StatusCode::kOk);
  EXPECT_EQ(check(proof(leaf, forge.chain()), second), StatusCode::kDataLoss);
  const Hash chain_before = ChainHash(ChainStart(forge.origin()), leaf);
  EXPECT_EQ(check(proof(chain_before, forge.Root()), second), StatusCode::kDataLoss);
  EXPECT_EQ(check(proof(chain_before, forge.chain()), second), StatusCode::kDataLoss);
  // What is hashed into a node or a running hash, as a record.
  const std::string node = "\x01" + std::string(AsText(leaf)) + std::string(AsText(leaf));
  EXPECT_EQ(check(proof(leaf, forge.Root()), node.substr(1)), StatusCode::kDataLoss);
}

TEST(InclusionTest, WithAPolicy) {
  const auto key = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 4));
  const auto witness = testing::WitnessKeyText("w", *key);
  const auto check = [&](std::string_view proof, const std::string& text) {
    const auto policy = Policy::Parse(text);
    EXPECT_TRUE(policy.ok()) << policy.status().ToString();
    return VerifyProofFile(AsBytes(proof), AsBytes("four"), kKey, &*policy);
  };
  const std::string policy = fmt::format("log {}\nwitness W {}\nquorum W\n", kKey, witness);
  EXPECT_EQ(check(kProof, policy).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(check(kProof, fmt::format("witness W {}\nquorum none\n", witness)).status().code(),
            StatusCode::kFailedPrecondition);
  const std::string text =
      "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n";
  std::string cosigned(kProof);
  cosigned += testing::CosignatureLine(text, "w", *key, 7);
  const auto answer = check(cosigned, policy);
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->witnesses, std::vector<std::string>{"W"});
  std::string wrong(kProof);
  wrong += testing::CosignatureLine(text + "x\n", "w", *key, 7);
  EXPECT_EQ(check(wrong, policy).status().code(), StatusCode::kDataLoss);

  // The policy names the log.
  const auto without_key = [&](const std::string& policy_text) {
    const auto parsed = Policy::Parse(policy_text);
    return VerifyProofFile(AsBytes(cosigned), AsBytes("four"), std::nullopt, &*parsed).status();
  };
  EXPECT_TRUE(without_key(policy).ok()) << without_key(policy).ToString();
  EXPECT_EQ(without_key(fmt::format("witness W {}\nquorum W\n", witness)).code(),
            StatusCode::kInvalidArgument);
  const std::string other = testing::VerifierKeyText("example.com/other", *key);
  EXPECT_EQ(without_key(fmt::format("log {}\nquorum none\n", other)).code(), StatusCode::kNotFound);
}

// RFC 6962 §2.1.1's recursion, as printed.
std::vector<Hash> Path(uint64_t m, std::span<const Hash> leaves) {
  if (leaves.size() == 1) return {};
  const size_t k = std::bit_floor(leaves.size() - 1);
  std::vector<Hash> out = m < k ? Path(m, leaves.first(k)) : Path(m - k, leaves.subspan(k));
  out.push_back(TreeHashByRecursion(m < k ? leaves.subspan(k) : leaves.first(k)));
  return out;
}

TEST(InclusionTest, EveryLeafOfEveryTree) {
  std::vector<Hash> leaves;
  for (uint8_t i = 0; i < 70; ++i) leaves.push_back(LeafHash(ByteView(&i, 1)));
  for (size_t size = 1; size <= leaves.size(); ++size) {
    const auto tree = std::span(leaves).first(size);
    const Hash root = TreeHashByRecursion(tree);
    for (uint64_t m = 0; m < size; ++m) {
      std::vector<Hash> proof = Path(m, tree);
      ASSERT_TRUE(CheckInclusion(leaves[m], m, size, proof, root).ok()) << m << " of " << size;
      EXPECT_FALSE(CheckInclusion(leaves[m], m + 1, size, proof, root).ok());
      EXPECT_FALSE(CheckInclusion(leaves[m], m, size, proof, leaves[m]).ok() && size > 1);
      proof.push_back(root);
      EXPECT_EQ(CheckInclusion(leaves[m], m, size, proof, root).code(),
                StatusCode::kInvalidArgument);
    }
  }
  EXPECT_EQ(CheckInclusion(leaves[0], ~uint64_t{0} - 1, ~uint64_t{0}, {}, leaves[0]).code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sealtrail::verify
