// How long ago everything that was checkpointed was covered by an anchor, for each kind of anchor,
// and when that is too long. docs/formats/anchors.md, "When".
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/ids.h"

namespace sealtrail::anchor {

// Threads  Observe() and Anchored() have one caller; AgeNs() and size() are for anybody.
class Coverage {
 public:
  // `size` records are covered already, since `age_ns` ago; or nothing yet, which counts from now on.
  Coverage(TreeSize size, int64_t age_ns, MonotonicNanos now)
      : size_(Value(size)), covered_at_(Value(now) - age_ns) {}

  // An anchor came over `size` records, asked for at `asked`, when that was all there was.
  void Anchored(TreeSize size, MonotonicNanos asked) {
    size_ = std::max(size_.load(), Value(size));
    covered_at_ = std::max(covered_at_.load(), Value(asked));
  }

  // `checkpointed` records are under a published checkpoint now.
  void Observe(TreeSize checkpointed, MonotonicNanos now) {
    if (Value(checkpointed) <= size_) covered_at_ = Value(now);
  }

  TreeSize size() const { return TreeSize{size_.load()}; }
  int64_t AgeNs(MonotonicNanos now) const { return Value(now) - covered_at_; }

 private:
  std::atomic<uint64_t> size_;
  std::atomic<int64_t> covered_at_;
};

}  // namespace sealtrail::anchor
