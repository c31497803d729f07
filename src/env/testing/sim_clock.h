// A clock that stands still until a test moves it.
#pragma once

#include <atomic>

#include "env/clock.h"

namespace sealtrail::env::testing {

// Threads  Safe.
class SimClock : public Clock {
 public:
  static constexpr UnixNanos kStart{1'767'225'600 * kNanosPerSecond};  // 2026-01-01T00:00:00Z

  explicit SimClock(UnixNanos start = kStart) : wall_(Value(start)) {}

  UnixNanos Now() override { return UnixNanos{wall_.load()}; }
  MonotonicNanos Monotonic() override { return MonotonicNanos{monotonic_.load()}; }

  // Time passes: both clocks go on. `nanos` is not negative.
  void Advance(int64_t nanos);
  // Somebody sets the wall clock: by a step, back where negative, or to a time.
  void StepWall(int64_t nanos) { wall_ += nanos; }
  void SetWall(UnixNanos time) { wall_ = Value(time); }

 private:
  std::atomic<int64_t> wall_;
  std::atomic<int64_t> monotonic_{3'600 * kNanosPerSecond};
};

}  // namespace sealtrail::env::testing
