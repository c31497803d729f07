#pragma once

#include "base/ids.h"

namespace sealtrail::env {

// Threads  Safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // The wall clock as read: it may step, back too.
  virtual UnixNanos Now() = 0;

  // Never goes back, and does not count time spent suspended.
  virtual MonotonicNanos Monotonic() = 0;
};

}  // namespace sealtrail::env
