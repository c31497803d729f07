#include "base/mutex.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sealtrail {
namespace {

struct Shared {
  Mutex mutex;
  CondVar changed;
  int64_t count SEAL_GUARDED_BY(mutex) = 0;
};

TEST(MutexTest, OneThreadAtATime) {
  Shared shared;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50'000; ++i) {
          MutexLock lock(shared.mutex);
          shared.count = shared.count + 1;
        }
      });
    }
  }
  MutexLock lock(shared.mutex);
  EXPECT_EQ(shared.count, 200'000);
}

// Two threads hand a number back and forth: each waits for the other's turn.
TEST(CondVarTest, WakesWhoWaits) {
  Shared shared;
  const auto take_turns = [&](int64_t parity) {
    for (int i = 0; i < 500; ++i) {
      MutexLock lock(shared.mutex);
      while (shared.count % 2 != parity) shared.changed.Wait(shared.mutex);
      ++shared.count;
      shared.changed.NotifyAll();
    }
  };
  {
    std::jthread even(take_turns, 0);
    std::jthread odd(take_turns, 1);
  }
  MutexLock lock(shared.mutex);
  EXPECT_EQ(shared.count, 1'000);
}

TEST(CondVarTest, WaitingEndsAfterItsTime) {
  Shared shared;
  MutexLock lock(shared.mutex);
  int wakes = 0;  // it may wake for no reason, but not for ever
  while (shared.changed.WaitFor(shared.mutex, std::chrono::nanoseconds(1)))
    ASSERT_LT(++wakes, 1'000);
}

}  // namespace
}  // namespace sealtrail
