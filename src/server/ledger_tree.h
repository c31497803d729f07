// The trail's tree as the anchors need it, out of what the ledger shows.
#pragma once

#include "anchor/tree_source.h"
#include "ledger/ledger_reader.h"

namespace sealtrail::server {

// Borrows the reader.
// Threads  Safe.
class LedgerTree : public anchor::TreeSource {
 public:
  explicit LedgerTree(const ledger::LedgerReader& reader) : reader_(reader) {}

  anchor::SignedCheckpoint checkpoint() const override;
  TreeSize size() const override { return reader_.heights().durable; }
  Result<tlog::Hash> RootAt(TreeSize size) const override;
  Result<tlog::Proof> ConsistencyProof(TreeSize old_size, TreeSize size) const override;

 private:
  Status CheckSize(TreeSize size) const;

  const ledger::LedgerReader& reader_;
};

}  // namespace sealtrail::server
