// A tile of the ledger's tree as C2SP tlog-tiles has it: its hashes one after the other.
#pragma once

#include "ledger/ledger_reader.h"
#include "tlog/tile.h"

namespace sealtrail::ledger {

// `tile` is one of hashes, not of entries. Errors of LedgerReader::TileHashes().
Result<Bytes> ReadTile(const LedgerReader& reader, const tlog::TileId& tile);

}  // namespace sealtrail::ledger
