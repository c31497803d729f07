// Any bytes as a tile's path, as a tile, as a bundle of entries.
#include "base/check.h"
#include "tlog/tile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealtrail;
  using namespace sealtrail::tlog;
  const ByteView bytes(data, size);
  if (const auto tile = ParseTilePath(AsText(bytes)); tile.ok()) {
    SEAL_CHECK(TilePath(*tile) == AsText(bytes));
    TileWidth(TreeSize{~uint64_t{0}}, tile->level, tile->index);
  }
  if (size == 0) return 0;
  if (const auto entries = SplitBundle(bytes.subspan(1), data[0] + 1); entries.ok()) {
    Bytes again;
    for (const ByteView entry : *entries) SEAL_CHECK(AppendEntry(again, entry).ok());
    SEAL_CHECK(Equal(again, bytes.subspan(1)));
  }
  const NodeId node{.level = data[0] % 64, .index = data[0] / uint64_t{64}};
  const TilePlace place = PlaceOf(node);
  const bool fits = (size - 1) % 32 == 0 && size - 1 <= kTileBytes &&
                    static_cast<size_t>(place.first + place.count) * 32 <= size - 1;
  SEAL_CHECK(NodeInTile(bytes.subspan(1), node).ok() == fits);
  return 0;
}
