// What is anchored, as far as this module needs to know it: the trail's tree. The ledger stands
// behind it in the store, a tree in memory in tests.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "tlog/proof.h"

namespace sealtrail::anchor {

// A published tree head.
struct SignedCheckpoint {
  TreeSize size{0};
  tlog::Hash root{};
  std::string note;  // the signed note, whole; empty before the first one
};

// Threads  Safe.
class TreeSource {
 public:
  virtual ~TreeSource() = default;

  // The newest published checkpoint.
  virtual SignedCheckpoint checkpoint() const = 0;

  // How many records are durable here: there is no larger tree on this side.
  virtual TreeSize size() const = 0;

  // The root of the first `size` records, 0 included. NotFound where that is more than size().
  virtual Result<tlog::Hash> RootAt(TreeSize size) const = 0;

  // That the tree of `size` begins with that of `old_size`, 0 < old_size ≤ size; no hashes where
  // they are the same. NotFound where `size` is more than size().
  virtual Result<tlog::Proof> ConsistencyProof(TreeSize old_size, TreeSize size) const = 0;
};

}  // namespace sealtrail::anchor
