#include "anchor/submission_rules.h"

#include <algorithm>

#include "tlog/proof.h"

namespace sealtrail::anchor {

tlog::WitnessAnswer JudgeOffer(const TreeHead& held, TreeSize old_size,
                               std::span<const tlog::Hash> proof, const TreeHead& offered) {
  using enum tlog::WitnessAnswer;
  if (old_size > offered.size) return kBadRequest;
  if (old_size != held.size) return kStaleSize;
  if (offered.size == TreeSize{0} && offered.root != tlog::EmptyRoot()) return kBadProof;
  if (offered.size == held.size && offered.root != held.root) return kFork;
  // Every tree continues the empty one, and there is nothing to prove.
  if (old_size == TreeSize{0}) return proof.empty() ? kCosigned : kBadProof;
  const Status proved =
      tlog::VerifyConsistency(old_size, held.root, offered.size, offered.root, proof);
  return proved.ok() ? kCosigned : kBadProof;
}

RateLimit::RateLimit(int per_minute)
    : interval_ns_(60 * kNanosPerSecond / std::max(1, per_minute)),
      burst_ns_(60 * kNanosPerSecond) {}

int64_t RateLimit::Take(MonotonicNanos now) {
  const int64_t paid = std::max(Value(paid_until_), Value(now) - burst_ns_);
  const int64_t next = paid + interval_ns_;
  if (next > Value(now)) return next - Value(now);
  paid_until_ = MonotonicNanos{next};
  return 0;
}

}  // namespace sealtrail::anchor
