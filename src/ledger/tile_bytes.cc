#include "ledger/tile_bytes.h"

namespace sealtrail::ledger {

Result<Bytes> ReadTile(const LedgerReader& reader, const tlog::TileId& tile) {
  SEAL_ASSIGN_OR_RETURN(const auto hashes,
                        reader.TileHashes(tile.level, tile.index * tlog::kTileWidth,
                                          static_cast<size_t>(tile.width)));
  Bytes bytes;
  bytes.reserve(hashes.size() * sizeof(crypto::Hash));
  for (const crypto::Hash& hash : hashes) AppendTo(bytes, hash);
  return bytes;
}

}  // namespace sealtrail::ledger
