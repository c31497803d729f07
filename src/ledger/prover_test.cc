// Proofs against the recursion that RFC 6962 prints, over a reader that keeps nothing but leaf hashes.
#include "ledger/prover.h"

#include <gtest/gtest.h>

#include "tlog/testing/test_log.h"

namespace sealtrail::ledger {
namespace {

using crypto::Hash;
using tlog::testing::SlowTree;

// Serves the tiles of a slow tree, maybe with one hash changed, and counts what is read.
class SlowReader : public LedgerReader {
 public:
  explicit SlowReader(size_t size) : tree_(SlowTree::Numbers(size)) {}

  Result<std::vector<Hash>> TileHashes(int level, uint64_t first, size_t count) const override {
    ++reads;
    const uint64_t span = uint64_t{1} << (8 * level);
    if ((first + count) * span > tree_.leaves().size()) return NotFound("hash of level {}", level);
    std::vector<Hash> hashes;
    for (uint64_t i = first; i < first + count; ++i) {
      hashes.push_back(level == 0 ? tree_.leaves()[i] : tree_.Root({i * span, (i + 1) * span}));
      if (level == altered_level && i == altered_index) hashes.back()[7] ^= 1;
    }
    return hashes;
  }
  CheckpointInfo Head(size_t size) const {
    return {.size = TreeSize{size}, .root = tree_.Root(size), .note = {}};
  }
  CheckpointInfo checkpoint() const override { return Head(tree_.leaves().size()); }
  const SlowTree& tree() const { return tree_; }

  Heights heights() const override { return {}; }
  Result<RecordRange> Read(Seq, size_t, size_t) const override { return Unimplemented("Read"); }
  Result<Bytes> ReadBeside(Seq, const Hash&) const override { return Unimplemented("ReadBeside"); }
  CheckpointInfo TreeHead() const override { return {}; }
  std::vector<SegmentInfo> segments() const override { return {}; }
  void OnGrowth(std::function<void()>) override {}

  mutable int reads = 0;
  int altered_level = -1;
  uint64_t altered_index = 0;

 private:
  const SlowTree tree_;
};

TEST(ProverTest, InclusionProofsAreThoseOfTheRecursion) {
  const SlowReader reader(777);
  Prover prover(reader);
  for (const size_t size : {1, 2, 3, 255, 256, 257, 512, 513, 700, 777}) {
    for (size_t index = 0; index < size; index += index % 250 == 3 ? 61 : 13) {
      const auto proof = prover.ProveInclusion(Seq{index}, TreeSize{size}, reader.checkpoint());
      ASSERT_TRUE(proof.ok()) << index << " of " << size << ": " << proof.status().ToString();
      EXPECT_EQ(proof->hashes, reader.tree().Path(index, {0, size})) << index << " of " << size;
      EXPECT_EQ(proof->root, reader.tree().Root(size));
      EXPECT_EQ(proof->leaf_hash, reader.tree().leaves()[index]);
    }
  }
}

TEST(ProverTest, ConsistencyProofsAreThoseOfTheRecursion) {
  const SlowReader reader(777);
  Prover prover(reader);
  for (const size_t size : {1, 2, 256, 257, 600, 777}) {
    for (size_t old_size = 1; old_size <= size; old_size += 1 + old_size / 3) {
      const auto proof =
          prover.ProveConsistency(TreeSize{old_size}, TreeSize{size}, reader.checkpoint());
      ASSERT_TRUE(proof.ok()) << old_size << " to " << size << proof.status().ToString();
      const tlog::Proof wanted =
          old_size == size ? tlog::Proof() : reader.tree().Subproof({0, old_size}, {0, size});
      EXPECT_EQ(proof->hashes, wanted) << old_size << " to " << size;
      EXPECT_EQ(proof->old_root, reader.tree().Root(old_size));
      EXPECT_EQ(proof->root, reader.tree().Root(size));
    }
  }
  const auto from_nothing = prover.ProveConsistency(TreeSize{0}, TreeSize{5}, reader.checkpoint());
  ASSERT_TRUE(from_nothing.ok());
  EXPECT_EQ(from_nothing->old_root, tlog::EmptyRoot());
  EXPECT_TRUE(from_nothing->hashes.empty());
}

TEST(ProverTest, WhatIsOutOfRangeIsRefused) {
  const SlowReader reader(10);
  Prover prover(reader);
  const auto code = [](const auto& result) { return result.status().code(); };
  const CheckpointInfo head = reader.Head(9);
  EXPECT_EQ(code(prover.ProveInclusion(Seq{9}, TreeSize{9}, head)), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(prover.ProveInclusion(Seq{3}, TreeSize{3}, head)), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(prover.ProveInclusion(Seq{3}, TreeSize{10}, head)), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(prover.ProveConsistency(TreeSize{3}, TreeSize{10}, head)),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code(prover.ProveConsistency(TreeSize{4}, TreeSize{3}, head)),
            StatusCode::kInvalidArgument);
}

// Whichever stored hash is another one: no proof comes out that differs from the true one.
TEST(ProverTest, AChangedHashNeverBecomesAProof) {
  SlowReader reader(70'000);
  const CheckpointInfo head = reader.checkpoint();
  struct Case {
    int level;
    uint64_t index;
  };
  int refused = 0;
  for (const Case changed : {Case{0, 300}, Case{0, 301}, Case{0, 69'999}, Case{1, 0}, Case{1, 2},
                             Case{1, 272}, Case{2, 0}}) {
    for (const uint64_t index : {300, 5, 69'999}) {
      SCOPED_TRACE(
          fmt::format("hash {} of level {}, record {}", changed.index, changed.level, index));
      reader.altered_level = -1;
      const auto good = Prover(reader).ProveInclusion(Seq{index}, head.size, head);
      ASSERT_TRUE(good.ok()) << good.status().ToString();
      reader.altered_level = changed.level;
      reader.altered_index = changed.index;
      const auto proof = Prover(reader).ProveInclusion(Seq{index}, head.size, head);
      if (proof.ok()) {
        EXPECT_EQ(proof->hashes, good->hashes);  // it was not needed
        EXPECT_EQ(proof->leaf_hash, good->leaf_hash);
      } else {
        ++refused;
        EXPECT_EQ(proof.status().code(), StatusCode::kDataLoss) << proof.status().ToString();
        EXPECT_NE(proof.status().message().find(fmt::format("record {}", index)),
                  std::string::npos);
      }
    }
    const auto growth = Prover(reader).ProveConsistency(TreeSize{301}, head.size, head);
    EXPECT_TRUE(growth.ok() || growth.status().code() == StatusCode::kDataLoss);
  }
  EXPECT_GE(refused, 12);
}

TEST(ProverTest, AWrongRootIsNeverProved) {
  const SlowReader reader(300);
  CheckpointInfo head = reader.checkpoint();
  head.root[0] ^= 1;
  Prover prover(reader);
  EXPECT_EQ(prover.ProveInclusion(Seq{7}, head.size, head).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(prover.ProveInclusion(Seq{7}, TreeSize{8}, head).status().code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(prover.ProveConsistency(TreeSize{7}, head.size, head).status().code(),
            StatusCode::kDataLoss);
}

// After a failure the edge is read anew: damage that was mended is forgotten.
TEST(ProverTest, MendedDamageIsForgotten) {
  SlowReader reader(300);
  const CheckpointInfo head = reader.checkpoint();
  Prover prover(reader);
  reader.altered_level = 0;
  reader.altered_index = 299;
  EXPECT_FALSE(prover.ProveInclusion(Seq{290}, head.size, head).ok());
  reader.altered_level = -1;
  EXPECT_TRUE(prover.ProveInclusion(Seq{290}, head.size, head).ok());
}

TEST(ProverTest, EachTileIsReadOnceAndTheEdgeOnceForAllProofs) {
  const SlowReader reader(70'000);
  const CheckpointInfo head = reader.checkpoint();
  Prover prover(reader);
  ASSERT_TRUE(prover.ProveInclusion(Seq{1000}, head.size, head).ok());
  EXPECT_EQ(reader.reads, 4);  // its own tiles of levels 0 and 1, and those of the edge
  reader.reads = 0;
  ASSERT_TRUE(prover.ProveInclusion(Seq{1300}, head.size, head).ok());
  EXPECT_EQ(reader.reads, 2);
}

TEST(ProverTest, OnlyOneEdgeIsKept) {
  const SlowReader reader(301);
  Prover prover(reader);
  for (const size_t size : {300, 301, 300}) {
    reader.reads = 0;
    ASSERT_TRUE(prover.ProveInclusion(Seq{290}, TreeSize{size}, reader.Head(size)).ok());
    EXPECT_EQ(reader.reads, 2);
  }
}

}  // namespace
}  // namespace sealtrail::ledger
