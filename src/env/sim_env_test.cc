// Goal: the simulated clock, randomness and executor keep the promises of the real ones, and one
// seed tells one story.
#include "env/testing/sim_env.h"

#include <array>
#include <set>

#include <gtest/gtest.h>

namespace sealtrail::env::testing {
namespace {

TEST(SimClockTest, StandsStillUntilMoved) {
  SimClock clock;
  const UnixNanos wall = clock.Now();
  const MonotonicNanos start = clock.Monotonic();
  EXPECT_EQ(clock.Now(), wall);
  clock.Advance(5);
  EXPECT_EQ(Value(clock.Now()), Value(wall) + 5);
  EXPECT_EQ(clock.Monotonic() - start, 5);
  clock.StepWall(-7);
  EXPECT_EQ(Value(clock.Now()), Value(wall) - 2);
  EXPECT_EQ(clock.Monotonic() - start, 5) << "intervals know nothing of a step";
  clock.SetWall(UnixNanos{0});
  EXPECT_EQ(clock.Now(), UnixNanos{0});
}

TEST(SimRandomTest, OneSeedGivesOneStream) {
  std::set<std::array<uint8_t, 16>> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    std::array<uint8_t, 16> a{}, b{};
    SimRandom(seed).Fill(a);
    SimRandom(seed).Fill(b);
    EXPECT_EQ(a, b);
    EXPECT_TRUE(seen.insert(a).second);
  }
}

// Two workers of three tasks each: what ran, in order.
std::string Interleaving(uint64_t seed) {
  SimEnv world(seed);
  std::string ran;
  auto a = world.executor().StartWorker("a");
  auto b = world.executor().StartWorker("b");
  for (char c : {'1', '2', '3'}) {
    a->Post([&ran, c] { ran += c; });
    b->Post([&ran, c] { ran += static_cast<char>(c - '1' + 'a'); });
  }
  world.executor().RunUntilIdle();
  return ran;
}

TEST(SimExecutorTest, KeepsOrderOnAWorkerAndMixesWorkersBySeed) {
  std::set<std::string> stories;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const std::string story = Interleaving(seed);
    EXPECT_EQ(story, Interleaving(seed));
    std::string one, two;
    for (char c : story) (c <= '9' ? one : two) += c;
    EXPECT_EQ(one, "123");
    EXPECT_EQ(two, "abc");
    stories.insert(story);
  }
  EXPECT_EQ(stories.size(), 20u) << "6 choose 3: every way to interleave";
}

TEST(SimExecutorTest, TimersWaitForTheClock) {
  SimEnv world(1);
  SimExecutor& executor = world.executor();
  std::string ran;
  auto worker = executor.StartWorker("w");
  EXPECT_FALSE(executor.AdvanceToNextTimer());
  worker->PostAfter(20, [&] { ran += 'b'; });
  worker->PostAfter(10, [&] { ran += 'a'; });
  worker->PostAfter(10, [&] { ran += 'A'; });
  worker->PostAfter(INT64_MAX, [&] { ran += 'z'; });
  EXPECT_FALSE(executor.RunOne());
  world.clock().StepWall(kNanosPerSecond);
  EXPECT_FALSE(executor.RunOne()) << "timers are not on the wall clock";
  world.clock().Advance(9);
  EXPECT_EQ(executor.ready(), 0u);
  world.clock().Advance(1);
  EXPECT_EQ(executor.ready(), 2u);
  executor.RunUntilIdle();
  EXPECT_EQ(ran, "aA");
  const MonotonicNanos before = world.clock().Monotonic();
  EXPECT_TRUE(executor.AdvanceToNextTimer());
  EXPECT_EQ(world.clock().Monotonic() - before, 10);
  EXPECT_TRUE(executor.RunOne());
  EXPECT_FALSE(executor.RunOne());
  EXPECT_EQ(ran, "aAb");
}

TEST(SimExecutorTest, RunForPassesThroughEveryTimer) {
  SimEnv world(1);
  const MonotonicNanos start = world.clock().Monotonic();
  std::vector<int64_t> ticks;
  auto worker = world.executor().StartWorker("w");
  std::function<void()> tick = [&] {
    ticks.push_back(world.clock().Monotonic() - start);
    worker->PostAfter(10, tick);
  };
  worker->Post(tick);
  world.executor().RunFor(35);
  EXPECT_EQ(ticks, (std::vector<int64_t>{0, 10, 20, 30}));
  EXPECT_EQ(world.clock().Monotonic() - start, 35);
}

TEST(SimExecutorTest, EndingAWorkerRunsWhatWasPostedAndDropsTimers) {
  SimEnv world(1);
  std::string ran;
  auto worker = world.executor().StartWorker("w");
  auto other = world.executor().StartWorker("o");
  other->Post([&] { ran += 'o'; });
  worker->Post([&, raw = worker.get()] {
    ran += 'a';
    raw->Post([&] { ran += 'b'; });
  });
  worker->PostAfter(10, [&] { ran += 't'; });
  worker.reset();
  EXPECT_EQ(ran, "ab");
  world.clock().Advance(100);
  world.executor().RunUntilIdle();
  EXPECT_EQ(ran, "abo");
}

TEST(SimExecutorTest, AProcessThatDiesLeavesItsTasksUndone) {
  SimEnv world(1);
  bool ran = false;
  auto worker = world.executor().StartWorker("w");
  worker->Post([&] { ran = true; });
  worker->PostAfter(1, [&] { ran = true; });
  world.Crash();
  EXPECT_FALSE(world.files().powered());
  world.clock().Advance(10);
  world.executor().RunUntilIdle();
  worker.reset();
  EXPECT_FALSE(ran);
  EXPECT_NE(world.Describe().find("seed 1\n"), std::string::npos);
}

TEST(SimExecutorDeathTest, ATaskThatEndsItsOwnWorkerIsABug) {
  SimEnv world(1);
  auto worker = world.executor().StartWorker("w");
  worker->Post([&] { worker.reset(); });
  EXPECT_DEATH(world.executor().RunUntilIdle(), "broken invariant");
  world.executor().DropAll();
}

TEST(SimEnvTest, HandsOutItsParts) {
  SimEnv world({.seed = 7, .power_cut_at = 0});
  const Env env = world.env();
  EXPECT_FALSE(env.files.MakeDir("/d").ok());
  EXPECT_EQ(&env.clock, &world.clock());
  EXPECT_EQ(world.seed(), 7u);
}

}  // namespace
}  // namespace sealtrail::env::testing
