#include "tlog/compact_range.h"

#include <algorithm>

namespace sealtrail::tlog {

bool IsSubtree(LeafRange range) {
  if (range.begin > range.end) return false;
  if (range.count() <= 1) return true;
  // begin must be free of every bit below the smallest power of two that holds the count.
  const int bits = std::bit_width(range.count() - 1);
  return std::countr_zero(range.begin) >= bits;
}

// Greedy: from the left, the largest aligned subtree that still fits.
std::vector<NodeId> RangeNodes(LeafRange range) {
  std::vector<NodeId> nodes;
  while (range.begin < range.end) {
    const int fits = std::bit_width(range.count()) - 1;
    const int level = std::min(std::countr_zero(range.begin), fits);
    nodes.push_back({.level = level, .index = range.begin >> level});
    range.begin += uint64_t{1} << level;
  }
  return nodes;
}

Hash FoldNodes(std::span<const Hash> hashes) {
  if (hashes.empty()) return EmptyRoot();
  Hash root = hashes.back();
  for (size_t i = hashes.size() - 1; i-- > 0;) root = NodeHash(hashes[i], root);
  return root;
}

Result<CompactRange> CompactRange::FromNodes(LeafRange range, std::vector<Hash> hashes) {
  if (range.end < range.begin)
    return InvalidArgument("a range from {} to {}", range.begin, range.end);
  const size_t count = RangeNodes(range).size();
  if (hashes.size() != count) {
    return InvalidArgument("{} hashes for the leaves {} to {}, expected {}", hashes.size(),
                           range.begin, range.end, count);
  }
  CompactRange result(range.begin);
  result.range_ = range;
  result.hashes_ = std::move(hashes);
  return result;
}

Status CompactRange::Merge(const CompactRange& right) {
  if (right.begin() != end()) {
    return InvalidArgument("a range that starts at {} does not follow one that ends at {}",
                           right.begin(), end());
  }
  const std::vector<NodeId> nodes = RangeNodes(right.range_);
  SEAL_CHECK(nodes.size() == right.hashes_.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    AppendNode(nodes[i].level, right.hashes_[i], [](NodeId, const Hash&) {});
  }
  return OkStatus();
}

Hash CompactRange::Root() const {
  SEAL_CHECK(IsSubtree(range_));
  return FoldNodes(hashes_);
}

}  // namespace sealtrail::tlog
