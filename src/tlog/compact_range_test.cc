#include "tlog/compact_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tlog/testing/test_log.h"

namespace sealtrail::tlog {
namespace {

using ::testing::ElementsAre;
using testing::SlowTree;

CompactRange RangeOf(const SlowTree& tree, LeafRange range) {
  CompactRange compact(range.begin);
  for (uint64_t i = range.begin; i < range.end; ++i) compact.Append(tree.leaves()[i]);
  return compact;
}

// The example of the specification: level.index 1.1, 2.1, 0.8.
TEST(CompactRangeTest, KnownNodes) {
  EXPECT_THAT(RangeNodes({2, 9}), ElementsAre(NodeId{1, 1}, NodeId{2, 1}, NodeId{0, 8}));
  EXPECT_THAT(RangeNodes({0, 7}), ElementsAre(NodeId{2, 0}, NodeId{1, 2}, NodeId{0, 6}));
  EXPECT_THAT(RangeNodes({5, 5}), ElementsAre());
  EXPECT_THAT(RangeNodes({5, 4}), ElementsAre());
  constexpr uint64_t kMax = ~uint64_t{0};
  EXPECT_THAT(RangeNodes({kMax - 1, kMax}), ElementsAre(NodeId{0, kMax - 1}));
  EXPECT_EQ(RangeNodes({0, kMax}).size(), 64u);
  EXPECT_EQ(RangeNodes({1, kMax}).size(), 126u);
}

// The nodes cover the range without a gap, each has the hash of the recursion, and no two could be
// joined (so they are the fewest).
TEST(CompactRangeTest, IsTheFewestPerfectSubtrees) {
  const SlowTree tree = SlowTree::Numbers(40);
  for (uint64_t begin = 0; begin <= 40; ++begin) {
    for (uint64_t end = begin; end <= 40; ++end) {
      SCOPED_TRACE(fmt::format("[{}, {})", begin, end));
      const CompactRange range = RangeOf(tree, {begin, end});
      const std::vector<NodeId> nodes = RangeNodes({begin, end});
      ASSERT_EQ(range.hashes().size(), nodes.size());
      uint64_t next = begin;
      for (size_t i = 0; i < nodes.size(); ++i) {
        const uint64_t first = nodes[i].index << nodes[i].level;
        ASSERT_EQ(first, next);
        next = first + (uint64_t{1} << nodes[i].level);
        EXPECT_EQ(range.hashes()[i], tree.Root({first, next}));
        if (i > 0) {
          EXPECT_FALSE(nodes[i].level == nodes[i - 1].level && nodes[i].index % 2 == 1);
        }
      }
      EXPECT_EQ(next, end);
      EXPECT_LE(nodes.size(), 2u * std::bit_width(end - begin)) << "2·⌈log2(count + 1)⌉";
      EXPECT_EQ(range.end(), end);
    }
  }
}

TEST(CompactRangeTest, TellsEveryCompletedNodeOnce) {
  const SlowTree tree = SlowTree::Numbers(33);
  for (uint64_t begin : {0u, 3u, 8u}) {
    CompactRange range(begin);
    std::vector<NodeId> told;
    for (uint64_t i = begin; i < 33; ++i) {
      range.Append(tree.leaves()[i], [&](NodeId node, const Hash& hash) {
        told.push_back(node);
        const uint64_t first = node.index << node.level;
        EXPECT_GE(first, begin);
        EXPECT_EQ(first + (uint64_t{1} << node.level), i + 1) << "told with its last leaf";
        EXPECT_EQ(hash, tree.Root({first, i + 1}));
      });
    }
    size_t expected = 0;
    for (int level = 0; level < 6; ++level) {
      for (uint64_t index = 0; (index + 1) << level <= 33; ++index) {
        expected += index << level >= begin;
      }
    }
    EXPECT_EQ(told.size(), expected);
  }
}

TEST(CompactRangeTest, NeighboursMergeToWhatAppendingGives) {
  const SlowTree tree = SlowTree::Numbers(24);
  for (uint64_t begin = 0; begin <= 24; ++begin) {
    for (uint64_t middle = begin; middle <= 24; ++middle) {
      for (uint64_t end = middle; end <= 24; ++end) {
        CompactRange left = RangeOf(tree, {begin, middle});
        ASSERT_TRUE(left.Merge(RangeOf(tree, {middle, end})).ok());
        const CompactRange whole = RangeOf(tree, {begin, end});
        ASSERT_EQ(left.hashes(), whole.hashes()) << begin << " " << middle << " " << end;
        ASSERT_EQ(left.end(), end);
      }
    }
  }
  CompactRange left = RangeOf(tree, {0, 5});
  EXPECT_EQ(left.Merge(RangeOf(tree, {6, 8})).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(left.Merge(RangeOf(tree, {4, 8})).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(left.end(), 5u);
}

TEST(CompactRangeTest, RootOfASubtreeIsTheRecursions) {
  const SlowTree tree = SlowTree::Numbers(40);
  for (uint64_t begin = 0; begin <= 40; ++begin) {
    for (uint64_t end = begin; end <= 40; ++end) {
      uint64_t power = 1;
      while (power < end - begin) power *= 2;
      ASSERT_EQ(IsSubtree({begin, end}), begin % power == 0) << begin << " " << end;
      if (!IsSubtree({begin, end})) continue;
      ASSERT_EQ(RangeOf(tree, {begin, end}).Root(), tree.Root({begin, end}));
    }
  }
  EXPECT_FALSE(IsSubtree({2, 1}));
  EXPECT_TRUE(IsSubtree({0, ~uint64_t{0}}));
  EXPECT_FALSE(IsSubtree({1, ~uint64_t{0}}));
}

TEST(CompactRangeTest, ComesBackFromItsHashes) {
  const SlowTree tree = SlowTree::Numbers(20);
  const CompactRange range = RangeOf(tree, {3, 13});
  auto again = CompactRange::FromNodes({3, 13}, range.hashes());
  ASSERT_TRUE(again.ok());
  again->Append(tree.leaves()[13]);
  EXPECT_EQ(again->hashes(), RangeOf(tree, {3, 14}).hashes());

  for (const LeafRange wrong : {LeafRange{3, 12}, LeafRange{4, 13}, LeafRange{13, 3}}) {
    EXPECT_EQ(CompactRange::FromNodes(wrong, range.hashes()).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(CompactRange::FromNodes({3, 3}, range.hashes()).ok());
  EXPECT_TRUE(CompactRange::FromNodes({3, 3}, {}).ok());
}

}  // namespace
}  // namespace sealtrail::tlog
