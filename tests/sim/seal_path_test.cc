// Goal: whatever the disk does, and whenever, a trail keeps what it promised (promises.h), through sealing, keys, stops,
// crashes, and crashes during the recovery from crashes.
// Method: lives (life.h) in simulated worlds, each from one seed and one list of faults, which a failure prints. An
// ordinary life has its faults at every operation in turn, then two of them; random ones have everything by the seed.
//
// SEALTRAIL_SIM_SEEDS (default 4) says how many seeds each sweep runs.
#include <cstdlib>

#include <gtest/gtest.h>

#include "env/testing/seeded.h"
#include "life.h"

namespace sealtrail::sim {
namespace {

uint64_t Seeds() {
  const char* text = std::getenv("SEALTRAIL_SIM_SEEDS");
  return text == nullptr ? 4 : std::strtoull(text, nullptr, 10);
}

// Counts what was tried, and says so: one crash point is one world with its faults.
class SealPathTest : public ::testing::Test {
 protected:
  ~SealPathTest() override { std::printf("             %d crash points\n", points_); }

  // False after a failure: the first one is enough.
  bool Survives(Story story) {
    ++points_;
    Life life(std::move(story));
    const std::string broken = life.Live();
    EXPECT_EQ(broken, "");
    return broken.empty();
  }

  // Of a life without faults.
  static int Operations() {
    Life life({.script = OrdinaryScript()});
    life.Run();
    return life.world().files().operations();
  }

  int points_ = 0;
};

TEST_F(SealPathTest, AnOrdinaryLifeHoldsWhatTheSweepsNeed) {
  Life life({.script = OrdinaryScript()});
  EXPECT_EQ(life.Live(), "");
  EXPECT_GE(life.promises().seals(), 4u);
  EXPECT_EQ(life.promises().vkeys().size(), 3u);
  EXPECT_GE(life.promises().acknowledged(), 400u);
  EXPECT_GE(life.promises().heads_signed(), 10u);
  EXPECT_GT(life.promises().model().size(), 256u) << "no tile";
  EXPECT_EQ(life.starts(), 5);
}

TEST_F(SealPathTest, APowerCutAnywhere) {
  const int operations = Operations();
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    for (int at = 0; at < operations; ++at) {
      if (!Survives({.seed = seed, .script = OrdinaryScript(), .faults = {CutPowerAt(at)}})) return;
    }
  }
}

TEST_F(SealPathTest, APowerCutAnywhereAndAnotherOneSoonAfter) {
  const int operations = Operations();
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    env::testing::Seeded choices(seed, 21);
    for (int at = 0; at < operations; ++at) {
      const int again = at + 1 + static_cast<int>(choices.Below(40));
      if (!Survives({.seed = seed,
                     .script = OrdinaryScript(),
                     .faults = {CutPowerAt(at), CutPowerAt(again)}}))
        return;
    }
  }
}

// The process ends with the error, the next one finds what the page cache holds, and the power goes at the end.
TEST_F(SealPathTest, AFailedOperationAnywhere) {
  const int operations = Operations();
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    for (int at = 0; at < operations; ++at) {
      const int error = (seed + static_cast<uint64_t>(at)) % 2 == 0 ? EIO : ENOSPC;
      if (!Survives({.seed = seed, .script = OrdinaryScript(), .faults = {FailAt(at, error)}}))
        return;
    }
  }
}

TEST_F(SealPathTest, AFailedOperationAnywhereAndThenAnotherOneOrAPowerCut) {
  const int operations = Operations();
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    env::testing::Seeded choices(seed, 22);
    for (int at = 0; at < operations; ++at) {
      const int again = at + 1 + static_cast<int>(choices.Below(60));
      const int error = choices.Chance(1, 2) ? EIO : ENOSPC;
      const Fault second = choices.Chance(1, 2) ? FailAt(again, error) : CutPowerAt(again);
      if (!Survives(
              {.seed = seed, .script = OrdinaryScript(), .faults = {FailAt(at, error), second}}))
        return;
    }
  }
}

// Nothing that was not synced survives a cut: a sync that is missing shows at once.
TEST_F(SealPathTest, APowerCutAnywhereThatTakesAllThatIsNotDurable) {
  const int operations = Operations();
  for (int at = 0; at < operations; ++at) {
    if (!Survives({.script = OrdinaryScript(),
                   .faults = {CutPowerAt(at)},
                   .survival = env::testing::Survival::kNothing}))
      return;
  }
}

// The disk answers OK and has written another bit. What becomes evidence is read back before the log goes: such a seal is
// refused, and made again.
TEST_F(SealPathTest, ASealedFileThatWasWrittenWrong) {
  for (uint64_t seed = 1; seed <= Seeds() * 4; ++seed) {  // a bit each
    Life clean({.seed = seed, .script = OrdinaryScript()});
    clean.Run();
    for (const int at : clean.WritesTo(".sealing")) {
      if (!Survives({.seed = seed, .script = OrdinaryScript(), .faults = {SpoilWriteAt(at)}}))
        return;
    }
  }
}

TEST_F(SealPathTest, RandomLives) {
  for (uint64_t seed = 1; seed <= Seeds() * 150; ++seed) {
    env::testing::Seeded choices(seed, 23);
    Story story{.seed = seed, .script = RandomScript(seed), .faults = {}};
    int at = 0;
    while (choices.Chance(2, 3)) {
      at += 1 + static_cast<int>(choices.Below(150));
      story.faults.push_back(
          choices.Chance(1, 2) ? CutPowerAt(at) : FailAt(at, choices.Chance(1, 2) ? EIO : ENOSPC));
    }
    if (!Survives(std::move(story))) return;
  }
}

}  // namespace
}  // namespace sealtrail::sim
