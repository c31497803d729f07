#include "ledger/tile_hashes.h"

#include "ledger/record_reader.h"
#include "tlog/tile.h"

namespace sealtrail::ledger {

Result<std::vector<crypto::Hash>> ReadTileHashes(const SegmentTable& table, const TreeStore& tree,
                                                 int level, uint64_t first, size_t count) {
  if (level != 0) return tree.Read(level, first, count);
  std::vector<crypto::Hash> hashes;
  while (hashes.size() < count) {
    SEAL_ASSIGN_OR_RETURN(const RecordRange range,
                          ReadRecords(table, Seq{first + hashes.size()}, count - hashes.size(),
                                      format::kBundleBytesMax));
    for (const RecordView& record : range.records)
      hashes.push_back(tlog::LeafHash(AsBytes(record.leaf)));
  }
  return hashes;
}

Result<crypto::Hash> ReadRootAt(const SegmentTable& table, const TreeStore& tree, TreeSize size) {
  tlog::TileReader reader(size, [&](const tlog::TileId& tile) -> Result<Bytes> {
    SEAL_ASSIGN_OR_RETURN(const auto hashes,
                          ReadTileHashes(table, tree, tile.level, tile.index * tlog::kTileWidth,
                                         static_cast<size_t>(tile.width)));
    Bytes bytes;
    for (const crypto::Hash& hash : hashes) AppendTo(bytes, hash);
    return bytes;
  });
  return tlog::ReadRoot(size, reader.reader());
}

}  // namespace sealtrail::ledger
