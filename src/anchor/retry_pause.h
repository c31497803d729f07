#pragma once

#include <algorithm>
#include <cstdint>

#include "base/ids.h"

namespace sealtrail::anchor {

constexpr int64_t kBackoffFirstNs = 15 * kNanosPerSecond;
constexpr int64_t kBackoffMaxNs = 120 * kNanosPerSecond;
constexpr int64_t kOperatorWaitNs = 300 * kNanosPerSecond;

// When somebody who failed is to be asked again: after 15 s, 30 s, 60 s, then every two minutes.
// Threads  Compatible.
class RetryPause {
 public:
  bool Due(MonotonicNanos now) const { return now >= not_before_; }

  void Fail(MonotonicNanos now) {
    not_before_ = now + std::min(kBackoffMaxNs, kBackoffFirstNs << std::min(failures_, 10));
    ++failures_;
  }
  // The same, but for that long.
  void FailFor(MonotonicNanos now, int64_t wait_ns) {
    Fail(now);
    not_before_ = now + wait_ns;
  }
  void Reset() { *this = {}; }

 private:
  int failures_ = 0;  // in a row
  MonotonicNanos not_before_{INT64_MIN};
};

}  // namespace sealtrail::anchor
