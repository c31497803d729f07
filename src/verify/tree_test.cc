#include "verify/tree.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace sealtrail::verify {
namespace {

constexpr const char* kTestLog[] = {"one",    "two",   "three",    "four",    "five",
                                    "six",    "seven", "eit",      "nain",    "ten",
                                    "ileven", "twelf", "threeten", "fourten", "fivten"};

std::vector<Hash> TestLogLeaves() {
  std::vector<Hash> out;
  for (const char* entry : kTestLog) out.push_back(LeafHash(AsBytes(entry)));
  return out;
}

Hash RangeRoot(std::span<const Hash> leaves) {
  RangeTree tree;
  for (const Hash& leaf : leaves) tree.Append(leaf);
  EXPECT_EQ(tree.end(), leaves.size());
  return tree.Root();
}

// RFC 6962's tree over the leaves that certificate-transparency code is tested with everywhere.
TEST(TreeTest, KnownRoots) {
  const char* const leaves[] = {"",
                                "00",
                                "10",
                                "2021",
                                "3031",
                                "40414243",
                                "5051525354555657",
                                "606162636465666768696a6b6c6d6e6f"};
  const char* const roots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                               "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                               "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                               "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                               "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                               "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                               "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                               "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  std::vector<Hash> hashes;
  for (size_t n = 0; n <= 8; ++n) {
    EXPECT_EQ(HexEncode(TreeHashByRecursion(hashes)), roots[n]) << n;
    EXPECT_EQ(HexEncode(RangeRoot(hashes)), roots[n]) << n;
    if (n < 8) hashes.push_back(LeafHash(HexDecode(leaves[n]).value()));
  }
}

TEST(TreeTest, TestLogRoots) {
  const std::vector<Hash> leaves = TestLogLeaves();
  const auto root = [&](size_t n) { return Base64Encode(RangeRoot(std::span(leaves).first(n))); };
  EXPECT_EQ(root(1), "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=");
  EXPECT_EQ(root(7), "IrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=");
  EXPECT_EQ(root(15), "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");
}

std::vector<Hash> SomeHashes(size_t count) {
  std::vector<Hash> out;
  for (size_t i = 0; i < count; ++i) {
    const std::array<uint8_t, 2> entry = {static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)};
    out.push_back(LeafHash(entry));
  }
  return out;
}

TEST(TreeTest, RangeIsTheRecursion) {
  const std::vector<Hash> leaves = SomeHashes(130);
  RangeTree tree;
  for (size_t i = 0; i < leaves.size(); ++i) {
    tree.Append(leaves[i]);
    ASSERT_EQ(tree.Root(), TreeHashByRecursion(std::span(leaves).first(i + 1))) << i;
  }
}

// Every range has the nodes of its shape, each the tree hash of its leaves, and joins to what it is part of.
TEST(TreeTest, EveryRange) {
  const std::vector<Hash> leaves = SomeHashes(40);
  for (uint64_t first = 0; first < leaves.size(); ++first) {
    RangeTree range(first);
    RangeTree whole;
    for (uint64_t i = 0; i < first; ++i) whole.Append(leaves[i]);
    for (uint64_t end = first; end <= leaves.size(); ++end) {
      const std::vector<TreeNode> shape = RangeShape(first, end);
      ASSERT_EQ(range.nodes().size(), shape.size()) << first << " " << end;
      RangeTree joined = whole;
      for (size_t i = 0; i < shape.size(); ++i) {
        const TreeNode& node = range.nodes()[i];
        EXPECT_EQ(node.level, shape[i].level);
        EXPECT_EQ(node.index, shape[i].index);
        EXPECT_EQ(node.hash, TreeHashByRecursion(std::span(leaves).subspan(
                                 node.index << node.level, size_t{1} << node.level)));
        joined.AppendNode(node.level, node.hash);
      }
      EXPECT_EQ(joined.Root(), TreeHashByRecursion(std::span(leaves).first(end)));
      if (end < leaves.size()) range.Append(leaves[end]);
    }
  }
  // tlog.md §2: [2, 9) is nodes 1.1, 2.1, 0.8.
  const std::vector<TreeNode> shape = RangeShape(2, 9);
  ASSERT_EQ(shape.size(), 3u);
  EXPECT_EQ(shape[0], (TreeNode{.level = 1, .index = 1}));
  EXPECT_EQ(shape[1], (TreeNode{.level = 2, .index = 1}));
  EXPECT_EQ(shape[2], (TreeNode{.level = 0, .index = 8}));
}

// A block at once is the same as one by one, and blocks are handed out however they come about.
TEST(TreeTest, Blocks) {
  const std::vector<Hash> leaves = SomeHashes(1100);
  RangeTree slow(100), fast(100);
  Hash slow_chain = ChainStart("a"), fast_chain = slow_chain;
  for (size_t i = 100; i < leaves.size(); ++i) {
    slow.Append(leaves[i]);
    slow_chain = ChainHash(slow_chain, leaves[i]);
  }
  for (size_t i = 100; i < leaves.size();) {
    if (i % kBlockRecords == 0 && leaves.size() - i >= kBlockRecords) {
      fast.AppendBlock(std::span(leaves).subspan(i).first<kBlockRecords>(), fast_chain);
      i += kBlockRecords;
    } else {
      fast.Append(leaves[i]);
      fast_chain = ChainHash(fast_chain, leaves[i]);
      ++i;
    }
  }
  EXPECT_EQ(fast.nodes(), slow.nodes());
  EXPECT_EQ(fast_chain, slow_chain);
  EXPECT_EQ(fast.blocks(), slow.blocks());
  ASSERT_EQ(fast.blocks().size(), 3u) << "the first and the last block are not whole";
  EXPECT_EQ(fast.blocks()[0].index, 1u);
  EXPECT_EQ(fast.blocks()[0].hash, TreeHashByRecursion(std::span(leaves).subspan(256, 256)));
}

TEST(ChainTest, KnownAnswers) {
  const std::vector<Hash> leaves = TestLogLeaves();
  Hash chain = ChainStart("example.com/log/testdata");
  EXPECT_EQ(HexEncode(chain), "01e826efb4d0cfd07b579ca9d5259528a64788aea1edee13cb5d013110e5acd5");
  for (size_t i = 0; i < leaves.size(); ++i) {
    chain = ChainHash(chain, leaves[i]);
    if (i + 1 == 1) {
      EXPECT_EQ(HexEncode(chain),
                "39eb83fbfc1e91ca11f87412764adf4878f09721f4bb77b5279bfb9f06cae947");
    }
    if (i + 1 == 7) {
      EXPECT_EQ(HexEncode(chain),
                "176cd7ba6843f92f52cd3cc5c5db4ba7f924c4cb571d6a361332a1609cc6c6a8");
    }
  }
  EXPECT_EQ(HexEncode(chain), "89795f03cc488bce254633cbe19397a52165af090e702fd5f2a4a6ff17eafea5");
}

}  // namespace
}  // namespace sealtrail::verify
