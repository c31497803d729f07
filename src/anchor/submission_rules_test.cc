#include "anchor/submission_rules.h"

#include <gtest/gtest.h>

#include "tlog/proof.h"
#include "tlog/testing/test_log.h"

namespace sealtrail::anchor {
namespace {

using enum tlog::WitnessAnswer;
using tlog::testing::SlowTree;

class JudgeOfferTest : public ::testing::Test {
 protected:
  TreeHead Head(size_t size) const { return {TreeSize{size}, tree_.Root(size)}; }
  tlog::Proof Proof(size_t old_size, size_t size) const {
    return tree_.Subproof({0, old_size}, {0, size});
  }

  const SlowTree tree_ = SlowTree::TestLog();
  const TreeHead empty_;
};

TEST_F(JudgeOfferTest, EveryStepForward) {
  for (size_t size = 0; size <= 15; ++size) {
    EXPECT_EQ(JudgeOffer(empty_, TreeSize{0}, {}, Head(size)), kCosigned);
    for (size_t old_size = 1; old_size <= size; ++old_size) {
      EXPECT_EQ(JudgeOffer(Head(old_size), TreeSize{old_size}, Proof(old_size, size), Head(size)),
                kCosigned);
    }
  }
}

TEST_F(JudgeOfferTest, OldAboveNew) {
  EXPECT_EQ(JudgeOffer(Head(7), TreeSize{7}, {}, Head(6)), kBadRequest);
  // The first check of the specification, before the size held is looked at.
  EXPECT_EQ(JudgeOffer(Head(3), TreeSize{7}, {}, Head(6)), kBadRequest);
}

TEST_F(JudgeOfferTest, OldIsNotTheSizeHeld) {
  EXPECT_EQ(JudgeOffer(Head(7), TreeSize{6}, Proof(6, 15), Head(15)), kStaleSize);
  EXPECT_EQ(JudgeOffer(Head(7), TreeSize{0}, {}, Head(15)), kStaleSize);
  EXPECT_EQ(JudgeOffer(empty_, TreeSize{7}, Proof(7, 15), Head(15)), kStaleSize);
  // Also where more is wrong.
  EXPECT_EQ(JudgeOffer(Head(7), TreeSize{6}, {}, {TreeSize{15}, {}}), kStaleSize);
}

TEST_F(JudgeOfferTest, BadProofOrRoot) {
  const TreeHead held = Head(7);
  tlog::Proof proof = Proof(7, 15);
  EXPECT_EQ(JudgeOffer(held, TreeSize{7}, {}, Head(15)), kBadProof);
  EXPECT_EQ(JudgeOffer(held, TreeSize{7}, proof, {TreeSize{15}, tree_.Root(14)}), kBadProof);
  proof[1][0] ^= 1;
  EXPECT_EQ(JudgeOffer(held, TreeSize{7}, proof, Head(15)), kBadProof);
  // Same size: another root, or hashes that prove nothing.
  EXPECT_EQ(JudgeOffer(held, TreeSize{7}, {}, {TreeSize{7}, tree_.Root(6)}), kFork);
  EXPECT_EQ(JudgeOffer(held, TreeSize{7}, Proof(6, 7), held), kBadProof);
  // Size zero.
  EXPECT_EQ(JudgeOffer(empty_, TreeSize{0}, {}, {TreeSize{0}, tree_.Root(1)}), kBadProof);
  EXPECT_EQ(JudgeOffer(empty_, TreeSize{0}, Proof(7, 15), Head(15)), kBadProof);
}

TEST(RateLimitTest, ABurstThenEvenly) {
  RateLimit limit(60);
  MonotonicNanos now{1'000 * kNanosPerSecond};
  for (int i = 0; i < 60; ++i) EXPECT_EQ(limit.Take(now), 0) << i;
  EXPECT_EQ(limit.Take(now), kNanosPerSecond);
  EXPECT_EQ(limit.Take(now + kNanosPerSecond / 2), kNanosPerSecond / 2);
  now = now + kNanosPerSecond;
  EXPECT_EQ(limit.Take(now), 0);
  EXPECT_GT(limit.Take(now), 0);
  // A long pause gives no more than one minute's worth.
  now = now + 3'600 * kNanosPerSecond;
  for (int i = 0; i < 60; ++i) EXPECT_EQ(limit.Take(now), 0) << i;
  EXPECT_GT(limit.Take(now), 0);
}

TEST(RateLimitTest, ARefusalCostsNothing) {
  RateLimit limit(1);
  const MonotonicNanos now{5};
  EXPECT_EQ(limit.Take(now), 0);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limit.Take(now), 60 * kNanosPerSecond);
  EXPECT_EQ(limit.Take(now + 60 * kNanosPerSecond), 0);
}

}  // namespace
}  // namespace sealtrail::anchor
