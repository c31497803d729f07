// Perfect subtrees, and ranges of leaves made of them.
//
// A perfect subtree of 2^level leaves that starts at a multiple of 2^level never changes again once
// its last leaf is there, so it has a name, NodeId, and one hash for all times and tree sizes. The
// fewest perfect subtrees that cover a range of leaves are its compact range: at most
// 2·log2(range) hashes, from which the range can be grown, joined with its neighbour and, where it
// starts at 0, made into a root. A segment carries the compact range of its records; a tile is a
// row of perfect subtrees.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "tlog/hashes.h"

namespace sealtrail::tlog {

// The perfect subtree over the leaves [index·2^level, (index + 1)·2^level). Level 0 is a leaf.
struct NodeId {
  int level = 0;  // 0 to 63
  uint64_t index = 0;

  bool operator==(const NodeId&) const = default;
};

// The leaves [begin, end).
struct LeafRange {
  uint64_t begin = 0;
  uint64_t end = 0;

  uint64_t count() const { return end - begin; }
  bool operator==(const LeafRange&) const = default;
};

// True if the leaves of `range` are a tree of their own inside every tree that holds them: begin is
// a multiple of the smallest power of two ≥ count. Only then do they have a root, MTH(D[begin:end])
// (draft-ietf-plants-merkle-tree-certs §4). The empty range is one where begin ≤ end.
bool IsSubtree(LeafRange range);

// The perfect subtrees of the compact range, left to right; none where end ≤ begin. In a subtree
// they are ever smaller: its root is their fold from the right.
std::vector<NodeId> RangeNodes(LeafRange range);

// MTH from the hashes of RangeNodes() of a subtree: joined from the right. EmptyRoot() of none.
Hash FoldNodes(std::span<const Hash> hashes);

// A compact range with its hashes.
// Threads  Compatible.
class CompactRange {
 public:
  // Empty, about to grow at leaf `begin`.
  explicit CompactRange(uint64_t begin = 0) : range_{begin, begin} {}

  // From what hashes() gave. InvalidArgument if range.end < range.begin or the count is not that of
  // RangeNodes(range). Whether the hashes are true, only a root can tell.
  static Result<CompactRange> FromNodes(LeafRange range, std::vector<Hash> hashes);

  uint64_t begin() const { return range_.begin; }
  uint64_t end() const { return range_.end; }

  // One for each of RangeNodes({begin(), end()}).
  const std::vector<Hash>& hashes() const { return hashes_; }

  // Adds the leaf number end().
  void Append(const Hash& leaf_hash) {
    AppendNode(0, leaf_hash, [](NodeId, const Hash&) {});
  }
  // Also calls on_node(NodeId, const Hash&) for each perfect subtree that this leaf completes within
  // the range, from the leaf itself (level 0) upwards.
  template <typename OnNode>
  void Append(const Hash& leaf_hash, OnNode&& on_node) {
    AppendNode(0, leaf_hash, on_node);
  }

  // Adds all leaves of `right`. InvalidArgument, and no change, unless it starts where this ends.
  Status Merge(const CompactRange& right);

  // The range's root as a tree of its own; EmptyRoot() of none. Only of a subtree, see IsSubtree();
  // a range that begins at 0 always is one.
  Hash Root() const;

 private:
  // Adds 2^level leaves; end() is a multiple of that. They join with their left neighbours as a
  // carry does in binary addition, as long as those belong to the range.
  template <typename OnNode>
  void AppendNode(int level, Hash hash, OnNode&& on_node) {
    uint64_t index = range_.end >> level;
    on_node(NodeId{level, index}, hash);
    while ((index & 1) != 0 && ((index - 1) << level) >= range_.begin) {
      hash = NodeHash(hashes_.back(), hash);
      hashes_.pop_back();
      index >>= 1;
      ++level;
      on_node(NodeId{level, index}, hash);
    }
    hashes_.push_back(hash);
    range_.end = (index + 1) << level;
  }

  LeafRange range_;
  std::vector<Hash> hashes_;
};

}  // namespace sealtrail::tlog
