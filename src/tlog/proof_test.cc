#include "tlog/proof.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tlog/merkle.h"
#include "tlog/testing/test_log.h"

namespace sealtrail::tlog {
namespace {

using testing::SlowTree;

std::vector<std::string> Base64Of(const Proof& proof) {
  std::vector<std::string> texts;
  for (const Hash& hash : proof) texts.push_back(Base64Encode(hash));
  return texts;
}

// Everything that is wrong about a good proof by one thing is refused.
template <typename Verify>
void ExpectOnlyThisProof(const Proof& good, Verify verify) {
  ASSERT_TRUE(verify(good).ok()) << verify(good).ToString();
  for (size_t i = 0; i < good.size(); ++i) {
    Proof bad = good;
    bad[i][i % 32] ^= 1;
    EXPECT_EQ(verify(bad).code(), StatusCode::kDataLoss) << "hash " << i << " changed";
    bad = good;
    bad.erase(bad.begin() + i);
    EXPECT_EQ(verify(bad).code(), StatusCode::kInvalidArgument) << "hash " << i << " missing";
  }
  Proof longer = good;
  longer.push_back(EmptyRoot());
  EXPECT_EQ(verify(longer).code(), StatusCode::kInvalidArgument);
}

// The public test log's published paths.
TEST(ProofTest, KnownAnswers) {
  const SlowTree log = SlowTree::TestLog();
  const Hash root7 = HashFromBase64("IrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=").value();
  const Hash root15 = HashFromBase64(testing::kTestLogRoot15).value();
  EXPECT_EQ(Base64Encode(log.Root(1)), "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=");
  EXPECT_EQ(Base64Encode(ReadRoot(TreeSize{1}, log.Reader(1)).value()),
            "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=");
  EXPECT_EQ(ReadRoot(TreeSize{7}, log.Reader(7)).value(), root7);
  EXPECT_EQ(ReadRoot(TreeSize{15}, log.Reader(15)).value(), root15);
  const Hash four = HashFromBase64("9xWrP6pdBx5uKsS7mU1b9zWUPcw3mdoNCF55gM+5M2o=").value();
  EXPECT_EQ(log.leaves()[3], four);

  const auto path = ReadInclusionProof(Seq{3}, TreeSize{15}, log.Reader(15));
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(Base64Of(*path),
            (std::vector<std::string>{"Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=",
                                      "T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4=",
                                      "g0ZoeYWtIV8Q8i+4CmgqPnBvH2il107lyCgTQsyB7H4=",
                                      "5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks="}));
  EXPECT_TRUE(VerifyInclusion(Seq{3}, TreeSize{15}, four, *path, root15).ok());

  const auto consistency = ReadConsistencyProof(TreeSize{7}, TreeSize{15}, log.Reader(15));
  ASSERT_TRUE(consistency.ok());
  EXPECT_EQ(Base64Of(*consistency),
            (std::vector<std::string>{"2Q0P5jSR+TdkwdXWyx+GbBWX0KZbNZkWzCjyTPSozsw=",
                                      "ThcgoV2DYcK+VCxBUDWAlNxmLy2r7dq7dK7+OlgQKWs=",
                                      "ycRkkNklus5eMVRUvkD1pK321vMrA+jjOiZKU8aOcY4=",
                                      "zY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co=",
                                      "5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks="}));
  EXPECT_TRUE(VerifyConsistency(TreeSize{7}, root7, TreeSize{15}, root15, *consistency).ok());
}

// The roots of all sizes, from nodes, from the frontier and from the recursion.
TEST(ProofTest, RootsEqualTheRecursion) {
  const SlowTree tree = SlowTree::Numbers(130);
  Frontier frontier;
  for (size_t size = 0; size <= 130; ++size) {
    ASSERT_EQ(ReadRoot(TreeSize{size}, tree.Reader(size)).value(), tree.Root(size)) << size;
    ASSERT_EQ(frontier.Root(), tree.Root(size)) << size;
    if (size < 130) frontier.Append(tree.leaves()[size]);
  }
}

TEST(ProofTest, InclusionEqualsTheRecursionAndVerifies) {
  constexpr size_t kSize = 130;
  const SlowTree tree = SlowTree::Numbers(kSize);
  for (size_t size = 1; size <= kSize; ++size) {
    const Hash root = tree.Root(size);
    for (size_t leaf = 0; leaf < size; ++leaf) {
      const auto proof = ReadInclusionProof(Seq{leaf}, TreeSize{size}, tree.Reader(size));
      ASSERT_TRUE(proof.ok());
      ASSERT_EQ(*proof, tree.Path(leaf, {0, size})) << leaf << " of " << size;
      ASSERT_TRUE(
          VerifyInclusion(Seq{leaf}, TreeSize{size}, tree.leaves()[leaf], *proof, root).ok());
    }
  }
}

TEST(ProofTest, ConsistencyEqualsTheRecursionAndVerifies) {
  constexpr size_t kSize = 130;
  const SlowTree tree = SlowTree::Numbers(kSize);
  std::vector<Hash> roots;
  for (size_t size = 0; size <= kSize; ++size) roots.push_back(tree.Root(size));
  for (size_t size = 1; size <= kSize; ++size) {
    for (size_t old_size = 1; old_size <= size; ++old_size) {
      const auto proof =
          ReadConsistencyProof(TreeSize{old_size}, TreeSize{size}, tree.Reader(size));
      ASSERT_TRUE(proof.ok());
      ASSERT_EQ(*proof, tree.Subproof({0, old_size}, {0, size})) << old_size << " to " << size;
      ASSERT_TRUE(VerifyConsistency(TreeSize{old_size}, roots[old_size], TreeSize{size},
                                    roots[size], *proof)
                      .ok());
    }
  }
}

TEST(ProofTest, SubtreesEqualTheRecursionAndVerify) {
  constexpr size_t kSize = 40;
  const SlowTree tree = SlowTree::Numbers(kSize);
  for (size_t size = 0; size <= kSize; ++size) {
    for (size_t begin = 0; begin <= size; ++begin) {
      for (size_t end = begin; end <= size; ++end) {
        const LeafRange range{begin, end};
        const auto nodes = SubtreeConsistencyProofNodes(range, TreeSize{size});
        ASSERT_EQ(nodes.ok(), IsSubtree(range));
        if (!nodes.ok()) continue;
        const auto proof = ReadProof(*nodes, tree.Reader(size));
        ASSERT_TRUE(proof.ok());
        if (begin != end) {
          ASSERT_EQ(*proof, tree.Subproof(range, {0, size}));
        }
        ASSERT_TRUE(VerifySubtreeConsistency(range, tree.Root(range), TreeSize{size},
                                             tree.Root(size), *proof)
                        .ok())
            << begin << " " << end << " " << size;
      }
    }
  }
}

TEST(ProofTest, SubtreeInclusion) {
  const SlowTree tree = SlowTree::Numbers(16);
  const LeafRange range{8, 13};
  for (size_t leaf = 8; leaf < 13; ++leaf) {
    const auto nodes = SubtreeInclusionProofNodes(Seq{leaf}, range);
    ASSERT_TRUE(nodes.ok());
    const Proof proof = ReadProof(*nodes, tree.Reader(16)).value();
    EXPECT_EQ(proof, tree.Path(leaf, range));
    ExpectOnlyThisProof(proof, [&](const Proof& p) {
      return VerifySubtreeInclusion(Seq{leaf}, range, tree.leaves()[leaf], p, tree.Root(range));
    });
  }
  EXPECT_FALSE(SubtreeInclusionProofNodes(Seq{7}, range).ok());
  EXPECT_FALSE(SubtreeInclusionProofNodes(Seq{13}, range).ok());
  EXPECT_FALSE(SubtreeInclusionProofNodes(Seq{8}, {7, 13}).ok());
}

TEST(ProofTest, RefusesEveryOtherProof) {
  const SlowTree tree = SlowTree::Numbers(50);
  for (size_t size : {1u, 2u, 13u, 32u, 49u}) {
    for (size_t leaf = 0; leaf < size; leaf += 5) {
      ExpectOnlyThisProof(tree.Path(leaf, {0, size}), [&](const Proof& p) {
        return VerifyInclusion(Seq{leaf}, TreeSize{size}, tree.leaves()[leaf], p, tree.Root(size));
      });
      const LeafRange old{0, leaf + 1};
      ExpectOnlyThisProof(tree.Subproof(old, {0, size}), [&](const Proof& p) {
        return VerifyConsistency(TreeSize{old.end}, tree.Root(old), TreeSize{size}, tree.Root(size),
                                 p);
      });
    }
  }
  ExpectOnlyThisProof(tree.Subproof({16, 23}, {0, 49}), [&](const Proof& p) {
    return VerifySubtreeConsistency({16, 23}, tree.Root({16, 23}), TreeSize{49}, tree.Root(49), p);
  });
}

TEST(ProofTest, RefusesOtherRoots) {
  const SlowTree tree = SlowTree::Numbers(20);
  const Proof proof = tree.Subproof({0, 7}, {0, 20});
  const Hash root7 = tree.Root(7), root20 = tree.Root(20);
  EXPECT_EQ(VerifyConsistency(TreeSize{7}, root20, TreeSize{20}, root20, proof).code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(VerifyConsistency(TreeSize{7}, root7, TreeSize{20}, root7, proof).code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(VerifyConsistency(TreeSize{20}, root7, TreeSize{20}, root20, {}).code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(VerifySubtreeConsistency({4, 4}, root7, TreeSize{20}, root20, {}).code(),
            StatusCode::kDataLoss);
}

TEST(ProofTest, RefusesWhatLiesOutside) {
  const SlowTree tree = SlowTree::Numbers(8);
  const Hash root = tree.Root(8);
  EXPECT_FALSE(InclusionProofNodes(Seq{8}, TreeSize{8}).ok());
  EXPECT_FALSE(InclusionProofNodes(Seq{0}, TreeSize{0}).ok());
  EXPECT_FALSE(ConsistencyProofNodes(TreeSize{9}, TreeSize{8}).ok());
  EXPECT_TRUE(ConsistencyProofNodes(TreeSize{0}, TreeSize{8})->empty());
  EXPECT_TRUE(ConsistencyProofNodes(TreeSize{8}, TreeSize{8})->empty());
  EXPECT_EQ(VerifyInclusion(Seq{8}, TreeSize{8}, root, {}, root).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(VerifyConsistency(TreeSize{0}, EmptyRoot(), TreeSize{8}, root, {}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(VerifyConsistency(TreeSize{9}, root, TreeSize{8}, root, {}).code(),
            StatusCode::kInvalidArgument);
}

// Whatever the number of hashes, so that it is not only the length that refuses.
TEST(ProofTest, RefusesPlacesThatCannotBe) {
  const Hash any = EmptyRoot();
  for (size_t hashes = 0; hashes < 8; ++hashes) {
    const Proof proof(hashes, any);
    EXPECT_EQ(RootFromInclusion(Seq{8}, TreeSize{8}, any, proof).status().code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(RootFromInclusion(Seq{9}, TreeSize{8}, any, proof).status().code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(VerifySubtreeConsistency({1, 3}, any, TreeSize{8}, any, proof).code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(VerifySubtreeConsistency({4, 9}, any, TreeSize{8}, any, proof).code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(VerifySubtreeInclusion(Seq{2}, {1, 3}, any, proof, any).code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(VerifySubtreeInclusion(Seq{3}, {4, 8}, any, proof, any).code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(VerifySubtreeInclusion(Seq{8}, {4, 8}, any, proof, any).code(),
              StatusCode::kInvalidArgument);
  }
}

// Sizes near the end of 64 bits neither overflow nor shift by 64.
TEST(ProofTest, LargestTrees) {
  constexpr uint64_t kMax = ~uint64_t{0};
  EXPECT_EQ(InclusionProofNodes(Seq{0}, TreeSize{kMax})->size(), 64u);
  EXPECT_EQ(InclusionProofNodes(Seq{kMax - 1}, TreeSize{kMax})->size(), 63u);
  const Hash any = EmptyRoot();
  for (uint64_t leaf : {uint64_t{0}, uint64_t{1}, kMax / 2, kMax / 2 + 1, kMax - 1}) {
    const size_t hashes = InclusionProofNodes(Seq{leaf}, TreeSize{kMax})->size();
    const Proof proof(hashes, any);
    const auto root = RootFromInclusion(Seq{leaf}, TreeSize{kMax}, any, proof);
    EXPECT_TRUE(root.ok()) << leaf;
  }
  for (uint64_t old_size : {uint64_t{1}, uint64_t{2}, kMax / 2, kMax / 2 + 1, kMax - 1}) {
    const size_t hashes = ConsistencyProofNodes(TreeSize{old_size}, TreeSize{kMax})->size();
    EXPECT_EQ(
        VerifyConsistency(TreeSize{old_size}, any, TreeSize{kMax}, any, Proof(hashes, any)).code(),
        StatusCode::kDataLoss)
        << old_size;
  }
}

TEST(ProofTest, PassesOnTheReadersError) {
  const SlowTree tree = SlowTree::Numbers(8);
  EXPECT_EQ(ReadRoot(TreeSize{9}, tree.Reader(8)).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadInclusionProof(Seq{0}, TreeSize{9}, tree.Reader(8)).status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace sealtrail::tlog
