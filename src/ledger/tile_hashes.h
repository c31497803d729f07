// Tiles of the ledger's tree, of every level: those above the leaves as TreeStore has them, leaf hashes from the records.
#pragma once

#include "base/ids.h"
#include "ledger/segment_table.h"
#include "ledger/tree_store.h"

namespace sealtrail::ledger {

// As LedgerReader::TileHashes, over everything in `table` and `tree`.
Result<std::vector<crypto::Hash>> ReadTileHashes(const SegmentTable& table, const TreeStore& tree,
                                                 int level, uint64_t first, size_t count);

// The root of the first `size` records.
Result<crypto::Hash> ReadRootAt(const SegmentTable& table, const TreeStore& tree, TreeSize size);

}  // namespace sealtrail::ledger
