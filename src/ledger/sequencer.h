// What is serial in a ledger: the running hash and the Merkle tree, fed one leaf hash after the
// other.
#pragma once

#include <string_view>

#include "base/ids.h"
#include "tlog/hashes.h"
#include "tlog/merkle.h"

namespace sealtrail::ledger {

// Threads  Compatible; copyable, a copy is a snapshot.
class Sequencer {
 public:
  explicit Sequencer(std::string_view origin) : chain_(tlog::ChainGenesis(origin)) {}

  // Where a ledger of `frontier`'s records with that running hash goes on.
  Sequencer(const crypto::Hash& chain, tlog::Frontier frontier)
      : chain_(chain), frontier_(std::move(frontier)) {}

  // Calls on_node(tlog::NodeId, const Hash&) for each perfect subtree that is complete now.
  template <typename OnNode>
  void Append(const crypto::Hash& leaf_hash, OnNode&& on_node) {
    chain_ = tlog::ChainNext(chain_, leaf_hash);
    frontier_.Append(leaf_hash, on_node);
  }
  void Append(const crypto::Hash& leaf_hash) {
    Append(leaf_hash, [](tlog::NodeId, const crypto::Hash&) {});
  }

  Seq next() const { return Seq{Value(frontier_.size())}; }
  TreeSize size() const { return frontier_.size(); }
  const crypto::Hash& chain() const { return chain_; }
  crypto::Hash Root() const { return frontier_.Root(); }
  const tlog::Frontier& frontier() const { return frontier_; }

 private:
  crypto::Hash chain_;
  tlog::Frontier frontier_;
};

}  // namespace sealtrail::ledger
