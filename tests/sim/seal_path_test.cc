// Goal: whatever the disk does, and whenever, a trail keeps what it promised (promises.h), through sealing, keys, stops,
// crashes, and crashes during the recovery from crashes.
// Method: lives (life.h) in simulated worlds, each from one seed and one list of faults, which a failure prints. An
// ordinary life has its faults at every operation, or read, in turn, then two of them; random ones have everything by the seed.
//
// How many points: sweep.h.
#include <cstdlib>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "env/testing/seeded.h"
#include "life.h"
#include "sweep.h"

namespace sealtrail::sim {
namespace {

// Shares of all points (sweep.h), in thousandths.
constexpr uint64_t kCuts = 140, kTwoCuts = 90, kFailures = 130, kTwoFaults = 80, kFailedReads = 40,
                   kTwoReads = 20, kBareCuts = 60, kSpoiledSeals = 20, kRandomLives = 120;

// The syncs of a trace (sim_fs.h): number, and what was synced, with numbers of segments left out.
std::vector<std::pair<int, std::string>> SyncsIn(const std::string& trace) {
  std::vector<std::pair<int, std::string>> syncs;
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.find(' ');
    if (line.compare(space + 1, 10, "fdatasync ") != 0 && line.compare(space + 1, 6, "fsync ") != 0)
      continue;
    std::string kind = line.substr(space + 1);
    std::erase_if(kind, [](char c) { return c >= '0' && c <= '9'; });
    syncs.emplace_back(std::atoi(line.c_str()), kind);
  }
  return syncs;
}

class SealPathTest : public ::testing::Test {
 protected:
  SealPathTest() : tally_(::testing::UnitTest::GetInstance()->current_test_info()->name()) {}

  // False after a failure: the first one is enough.
  bool Survives(Story story) {
    Life life(std::move(story));
    const std::string broken = life.Live();
    life.AddTo(tally_);
    EXPECT_EQ(broken, "");
    return broken.empty();
  }

  // Of a life without faults.
  static int Operations() {
    Life life({.script = OrdinaryScript()});
    life.Run();
    return life.world().files().operations();
  }
  static int Reads() {
    Life life({.script = ScriptOfReads()});
    life.Run();
    return life.world().files().reads();
  }

  // Before each kill and cut come some groups that are acknowledged and that no checkpoint covers: a start that takes an
  // unread frame for a torn one loses the last of them.
  static Script ScriptOfReads() {
    Script script;
    for (const Step& step : OrdinaryScript()) {
      if (step.kind == Step::Kind::kKill || step.kind == Step::Kind::kCutPower) {
        for (int i = 0; i < 3; ++i) {
          script.push_back({Step::Kind::kSubmit, 5});
          script.push_back({Step::Kind::kRun, 6});
        }
      }
      script.push_back(step);
    }
    return script;
  }

  Tally tally_;
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
  ForEachPoint(kCuts, Operations(), [&](uint64_t seed, int at) {
    return Survives({.seed = seed, .script = OrdinaryScript(), .faults = {CutPowerAt(at)}});
  });
}

TEST_F(SealPathTest, APowerCutAnywhereAndAnotherOneSoonAfter) {
  ForEachPoint(kTwoCuts, Operations(), [&](uint64_t seed, int at) {
    env::testing::Seeded choices(seed * 1000 + static_cast<uint64_t>(at), 21);
    const int again = at + 1 + static_cast<int>(choices.Below(40));
    return Survives(
        {.seed = seed, .script = OrdinaryScript(), .faults = {CutPowerAt(at), CutPowerAt(again)}});
  });
}

// The process ends with the error, the next one finds what the page cache holds, and the power goes at the end.
TEST_F(SealPathTest, AFailedOperationAnywhere) {
  ForEachPoint(kFailures, Operations(), [&](uint64_t seed, int at) {
    const int error = (seed + static_cast<uint64_t>(at)) % 2 == 0 ? EIO : ENOSPC;
    return Survives({.seed = seed, .script = OrdinaryScript(), .faults = {FailAt(at, error)}});
  });
}

TEST_F(SealPathTest, AFailedOperationAnywhereAndThenAnotherOneOrAPowerCut) {
  ForEachPoint(kTwoFaults, Operations(), [&](uint64_t seed, int at) {
    env::testing::Seeded choices(seed * 1000 + static_cast<uint64_t>(at), 22);
    const int again = at + 1 + static_cast<int>(choices.Below(60));
    const int error = choices.Chance(1, 2) ? EIO : ENOSPC;
    const Fault second = choices.Chance(1, 2) ? FailAt(again, error) : CutPowerAt(again);
    return Survives(
        {.seed = seed, .script = OrdinaryScript(), .faults = {FailAt(at, error), second}});
  });
}

// At a start and in running. What cannot be read is neither absent nor damaged: a start may be refused, and the next one has
// all of it.
TEST_F(SealPathTest, AFailedReadAnywhere) {
  ForEachPoint(kFailedReads, Reads(), [&](uint64_t seed, int at) {
    return Survives({.seed = seed, .script = ScriptOfReads(), .faults = {FailReadAt(at)}});
  });
}

TEST_F(SealPathTest, AFailedReadAnywhereAndThenAnotherOneOrAPowerCut) {
  const int operations = Operations();
  ForEachPoint(kTwoReads, Reads(), [&](uint64_t seed, int at) {
    env::testing::Seeded choices(seed * 1000 + static_cast<uint64_t>(at), 25);
    const Fault second =
        choices.Chance(1, 2)
            ? FailReadAt(at + 1 + static_cast<int>(choices.Below(60)))
            : CutPowerAt(static_cast<int>(choices.Below(static_cast<uint64_t>(operations))));
    return Survives({.seed = seed, .script = ScriptOfReads(), .faults = {FailReadAt(at), second}});
  });
}

// Nothing that was not synced survives a cut: a sync that is missing shows at once.
TEST_F(SealPathTest, APowerCutAnywhereThatTakesAllThatIsNotDurable) {
  ForEachPoint(kBareCuts, Operations(), [&](uint64_t seed, int at) {
    return Survives({.seed = seed,
                     .script = OrdinaryScript(),
                     .faults = {CutPowerAt(at)},
                     .survival = env::testing::Survival::kNothing});
  });
}

// The disk answers OK and has written another bit. What becomes evidence is read back before the log goes: such a seal is
// refused, and made again.
TEST_F(SealPathTest, ASealedFileThatWasWrittenWrong) {
  uint64_t seed_of_writes = 0;
  std::vector<int> writes;  // each seed has its own order of tasks
  ForEachPoint(kSpoiledSeals, 50, [&](uint64_t seed, int number) {
    if (std::exchange(seed_of_writes, seed) != seed) {
      Life clean({.seed = seed, .script = OrdinaryScript()});
      clean.Run();
      writes = clean.WritesTo(".sealing");
    }
    const int at = writes.at(static_cast<size_t>(number) % writes.size());
    return Survives({.seed = seed, .script = OrdinaryScript(), .faults = {SpoilWriteAt(at)}});
  });
}

// A sync that lies, and then the power goes: for this the maker of the disk must answer, not we. But the sweeps must see it, for
// every kind of file and folder that is synced, or they would see nothing.
TEST_F(SealPathTest, ASyncThatLiesIsSeen) {
  Life clean({.script = OrdinaryScript()});
  clean.Run();
  std::map<std::string, int> seen;  // by kind of the sync
  for (const auto& [at, kind] : SyncsIn(clean.world().files().trace())) {
    if (seen[kind] != 0) continue;  // one of a kind is enough
    for (const int later : {1, 2, 4, 8, 16, 50, 120}) {
      Life life({.script = OrdinaryScript(),
                 .faults = {LoseSyncAt(at), CutPowerAt(at + later)},
                 .survival = env::testing::Survival::kNothing});
      if (life.Live().empty()) continue;
      ++seen[kind];
      break;
    }
  }
  for (const auto& [kind, times] : seen) {
    // What lies there is derived, and made again by a start that does not find it as it must be.
    const bool derived = kind.find("/tiles") != kind.npos;
    EXPECT_EQ(times == 0, derived) << kind << ": " << times;
  }
}

TEST_F(SealPathTest, RandomLives) {
  ForEachPoint(kRandomLives, 1, [&](uint64_t seed, int) {
    env::testing::Seeded choices(seed, 23);
    Story story{.seed = seed, .script = RandomScript(seed), .faults = {}};
    int at = 0;
    while (choices.Chance(2, 3)) {
      at += 1 + static_cast<int>(choices.Below(150));
      story.faults.push_back(
          choices.Chance(1, 2) ? CutPowerAt(at) : FailAt(at, choices.Chance(1, 2) ? EIO : ENOSPC));
    }
    for (int read = 0; choices.Chance(1, 2);) {
      read += 1 + static_cast<int>(choices.Below(300));
      story.faults.push_back(FailReadAt(read));
    }
    return Survives(std::move(story));
  });
}

}  // namespace
}  // namespace sealtrail::sim
