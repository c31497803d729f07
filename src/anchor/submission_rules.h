// When a witness may cosign: the checks of C2SP tlog-witness between the tree it holds and the one
// that is offered, in the order that the specification gives, and how often it may be asked.
#pragma once

#include <cstdint>
#include <span>

#include "base/ids.h"
#include "tlog/hashes.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor {

struct TreeHead {
  TreeSize size{0};
  tlog::Hash root = tlog::EmptyRoot();

  bool operator==(const TreeHead&) const = default;
};

// For an offer whose signature has been checked: kCosigned where `offered` may be cosigned, and then
// it continues `held`; kBadRequest where old_size is above the offered size; kStaleSize where it is
// not the size held; kFork where it is that of both, and the roots differ; else kBadProof.
tlog::WitnessAnswer JudgeOffer(const TreeHead& held, TreeSize old_size,
                               std::span<const tlog::Hash> proof, const TreeHead& offered);

// At most `per_minute` a minute, as many at once after a pause.
// Threads  Compatible.
class RateLimit {
 public:
  explicit RateLimit(int per_minute);

  // 0 if one more is fine now, and then it counts; else how long to wait, in nanoseconds.
  int64_t Take(MonotonicNanos now);

 private:
  const int64_t interval_ns_;
  const int64_t burst_ns_;
  // The time up to which requests are paid for; lags `now` by at most burst_ns_.
  MonotonicNanos paid_until_{INT64_MIN / 2};
};

}  // namespace sealtrail::anchor
