// What is serial in a ledger: the running hash and the Merkle tree, fed one leaf hash after the
// other.
#pragma once

#include <string_view>

#include "base/ids.h"
#include "tlog/merkle.h"

namespace sealtrail::ledger {

// Threads  Compatible; copyable, a copy is a snapshot.
class Sequencer {
 public:
  explicit Sequencer(std::string_view origin) : chain_(tlog::ChainGenesis(origin)) {}

  void Append(const crypto::Hash& leaf_hash) {
    chain_ = tlog::ChainNext(chain_, leaf_hash);
    frontier_.Append(leaf_hash);
  }

  Seq next() const { return Seq{Value(frontier_.size())}; }
  TreeSize size() const { return frontier_.size(); }
  const crypto::Hash& chain() const { return chain_; }
  crypto::Hash Root() const { return frontier_.Root(); }

 private:
  crypto::Hash chain_;
  tlog::Frontier frontier_;
};

}  // namespace sealtrail::ledger
