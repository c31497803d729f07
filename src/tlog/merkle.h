// The Merkle tree of RFC 6962 §2.1, grown leaf by leaf. Its hashes: hashes.h; what it is made of:
// compact_range.h; proofs in it: proof.h.
#pragma once

#include "base/ids.h"
#include "tlog/compact_range.h"
#include "tlog/hashes.h"

namespace sealtrail::tlog {

// The perfect subtrees that make up a tree, tallest first: all that is needed to grow it.
// Threads  Compatible.
class Frontier {
 public:
  Frontier() = default;

  // Goes on where `leaves`, which begin at 0, end. InvalidArgument where they begin elsewhere.
  static Result<Frontier> From(CompactRange leaves);

  void Append(const Hash& leaf_hash) { leaves_.Append(leaf_hash); }
  // Calls on_node(NodeId, const Hash&) for each perfect subtree completed: see CompactRange.
  template <typename OnNode>
  void Append(const Hash& leaf_hash, OnNode&& on_node) {
    leaves_.Append(leaf_hash, on_node);
  }

  TreeSize size() const { return TreeSize{leaves_.end()}; }

  // Root of the leaves so far; EmptyRoot() of none. O(log size).
  Hash Root() const { return leaves_.Root(); }

  // The leaves so far.
  const CompactRange& leaves() const { return leaves_; }

 private:
  CompactRange leaves_;  // from 0
};

}  // namespace sealtrail::tlog
