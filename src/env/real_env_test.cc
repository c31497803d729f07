// Goal: workers keep order, run side by side and end orderly; clocks and random numbers are those
// of the system. Nothing here sleeps: tests wait for promises that tasks keep.
#include <array>
#include <atomic>
#include <future>
#include <pthread.h>
#include <set>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "env/env.h"

namespace sealtrail::env {
namespace {

constexpr int64_t kHour = 3'600 * kNanosPerSecond;

TEST(WorkerTest, RunsInTheOrderPostedAndAllBeforeItEnds) {
  std::vector<int> ran;
  {
    auto worker = RealEnv().executor.StartWorker("order");
    for (int i = 0; i < 1'000; ++i) worker->Post([&ran, i] { ran.push_back(i); });
  }
  ASSERT_EQ(ran.size(), 1'000u);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(ran[static_cast<size_t>(i)], i);
}

TEST(WorkerTest, WhatATaskPostsWhileTheWorkerEndsRunsToo) {
  std::promise<void> ending;
  std::atomic<int> ran = 0;
  auto worker = RealEnv().executor.StartWorker("drain");
  Worker* raw = worker.get();
  worker->Post([&, done = ending.get_future().share()] {
    done.wait();
    raw->Post([&] {
      ++ran;
      raw->Post([&] { ++ran; });
    });
  });
  std::thread end([&] {
    ending.set_value();
    worker.reset();
  });
  end.join();
  EXPECT_EQ(ran, 2);
}

TEST(WorkerTest, TwoWorkersRunSideBySide) {
  std::promise<void> one, two;
  auto a = RealEnv().executor.StartWorker("a");
  auto b = RealEnv().executor.StartWorker("b");
  a->Post([&] {
    one.set_value();
    two.get_future().wait();  // would wait for ever on one thread
  });
  b->Post([&] {
    two.set_value();
    one.get_future().wait();
  });
}

TEST(WorkerTest, TimersRunInOrderOfTimeAndNotBefore) {
  Clock& clock = RealEnv().clock;
  auto worker = RealEnv().executor.StartWorker("timers");
  std::vector<int> ran;
  std::promise<void> done;
  const MonotonicNanos start = clock.Monotonic();
  MonotonicNanos last{0};
  worker->PostAfter(3'000'000, [&] {
    ran.push_back(3);
    last = clock.Monotonic();
    done.set_value();
  });
  worker->PostAfter(2'000'000, [&] { ran.push_back(2); });
  worker->PostAfter(-5, [&] { ran.push_back(1); });
  done.get_future().wait();
  worker.reset();
  EXPECT_EQ(ran, (std::vector{1, 2, 3}));
  EXPECT_GE(last - start, 3'000'000);
}

TEST(WorkerTest, TimersThatAreNotDueAreDroppedAtTheEnd) {
  bool ran = false;
  auto token = std::make_shared<int>(1);
  {
    auto worker = RealEnv().executor.StartWorker("drop");
    worker->PostAfter(kHour, [&ran, token] { ran = true; });
    worker->PostAfter(INT64_MAX, [&ran, token] { ran = true; });  // beyond what the clock can say
    std::promise<void> alive;
    worker->Post([&] { alive.set_value(); });
    alive.get_future().wait();
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(WorkerTest, ManyThreadsMayPost) {
  int ran = 0;  // only the worker touches it
  {
    auto worker = RealEnv().executor.StartWorker("many");
    std::vector<std::jthread> posters;
    for (int t = 0; t < 4; ++t) {
      posters.emplace_back([&] {
        for (int i = 0; i < 1'000; ++i) worker->Post([&] { ++ran; });
      });
    }
    posters.clear();
  }
  EXPECT_EQ(ran, 4'000);
}

TEST(WorkerTest, HasItsNameInShort) {
  std::array<char, 32> name{};
  {
    auto worker = RealEnv().executor.StartWorker("a name longer than that");
    worker->Post([&] { ::pthread_getname_np(::pthread_self(), name.data(), name.size()); });
  }
  EXPECT_STREQ(name.data(), "a name longer t");
}

// Lowering takes no right, so it works wherever the tests run.
TEST(WorkerTest, BackgroundWorkGivesWay) {
  struct Scheduling {
    int nice;
    uint64_t slice_ns;  // 0: this kernel has none of its own for a thread
  };
  const auto scheduling_of = [](Priority priority) {
    std::promise<Scheduling> found;
    auto worker = RealEnv().executor.StartWorker("nice", priority);
    worker->Post([&] {
      std::array<uint64_t, 6> attr{};  // sched_getattr(2): the slice is its fourth eight bytes
      EXPECT_EQ(::syscall(SYS_sched_getattr, 0, attr.data(), sizeof attr, 0), 0);
      found.set_value({::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())), attr[3]});
    });
    return found.get_future().get();
  };
  const Scheduling normal = scheduling_of(Priority::kNormal);
  const Scheduling background = scheduling_of(Priority::kBackground);
  EXPECT_GT(background.nice, normal.nice);
  if (normal.slice_ns != 0) {
    EXPECT_GT(background.slice_ns, normal.slice_ns);
  }
  EXPECT_EQ(scheduling_of(Priority::kNormal).nice, normal.nice) << "it is the thread's own";
}

TEST(WorkerDeathTest, AnEmptyTaskIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(RealEnv().executor.StartWorker("w")->Post(nullptr), "broken invariant");
}

TEST(RealClockTest, GoesOnAndIsThisCentury) {
  Clock& clock = RealEnv().clock;
  MonotonicNanos before = clock.Monotonic();
  for (int i = 0; i < 1'000; ++i) {
    const MonotonicNanos now = clock.Monotonic();
    ASSERT_GE(now - before, 0);
    before = now;
  }
  EXPECT_GT(Value(clock.Now()), 1'700'000'000 * kNanosPerSecond);
}

TEST(RealRandomTest, NeverRepeats) {
  using Salt = std::array<uint8_t, 16>;
  std::set<Salt> seen;
  for (int i = 0; i < 20'000; ++i) {
    Salt salt{};
    RealEnv().random.Fill(salt);
    ASSERT_TRUE(seen.insert(salt).second) << i;
  }
  Salt elsewhere{};  // another thread has a buffer of its own
  std::thread([&] { RealEnv().random.Fill(elsewhere); }).join();
  EXPECT_TRUE(seen.insert(elsewhere).second);
}

// 64 Ki bytes: each value is expected 256 times, and the chance that one is off by 8 standard
// deviations is nil.
TEST(RealRandomTest, FillsEveryByteWithEveryValue) {
  std::vector<uint8_t> bytes(65'536);
  RealEnv().random.Fill(bytes);
  std::array<int, 256> counts{};
  for (uint8_t byte : bytes) ++counts[byte];
  for (int count : counts) {
    EXPECT_GT(count, 128);
    EXPECT_LT(count, 384);
  }
  for (size_t i = 0; i + 16 <= bytes.size(); i += 16) {
    EXPECT_FALSE(std::all_of(&bytes[i], &bytes[i] + 16, [](uint8_t b) { return b == 0; }));
  }
}

// A task that posts itself again must not find its worker gone.
TEST(WorkerTest, EndsWhileATaskKeepsPostingItself) {
  for (int round = 0; round < 50; ++round) {
    const std::unique_ptr<Worker> worker = RealEnv().executor.StartWorker("again");
    std::function<void()> again = [&] { worker->PostAfter(1000, again); };
    worker->Post(again);
    worker->End();
    worker->Post([] { FAIL() << "ran after the end"; });
    worker->End();
  }
}

}  // namespace
}  // namespace sealtrail::env
