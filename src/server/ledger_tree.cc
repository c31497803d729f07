#include "server/ledger_tree.h"

#include "ledger/tile_bytes.h"

namespace sealtrail::server {
namespace {

// Of a tree of `size` records, however large the ledger is by now.
tlog::TileReader TilesOf(const ledger::LedgerReader& reader, TreeSize size) {
  return tlog::TileReader(
      size, [&reader](const tlog::TileId& tile) { return ledger::ReadTile(reader, tile); });
}

}  // namespace

anchor::SignedCheckpoint LedgerTree::checkpoint() const {
  ledger::CheckpointInfo head = reader_.checkpoint();
  return {.size = head.size, .root = head.root, .note = std::move(head.note)};
}

Status LedgerTree::CheckSize(TreeSize size) const {
  if (size <= this->size()) return OkStatus();
  return NotFound("a tree of {} records: there are {}", Value(size), Value(this->size()));
}

Result<tlog::Hash> LedgerTree::RootAt(TreeSize size) const {
  SEAL_RETURN_IF_ERROR(CheckSize(size));
  tlog::TileReader tiles = TilesOf(reader_, size);
  return tlog::ReadRoot(size, tiles.reader());
}

Result<tlog::Proof> LedgerTree::ConsistencyProof(TreeSize old_size, TreeSize size) const {
  SEAL_RETURN_IF_ERROR(CheckSize(size));
  tlog::TileReader tiles = TilesOf(reader_, size);
  return tlog::ReadConsistencyProof(old_size, size, tiles.reader());
}

}  // namespace sealtrail::server
