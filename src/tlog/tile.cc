#include "tlog/tile.h"

#include <algorithm>
#include <span>

#include "base/endian.h"
#include "tlog/text.h"

namespace sealtrail::tlog {
namespace {

constexpr uint64_t kTileIndexEnd = uint64_t{1} << 56;  // 2^64 leaves in tiles of 256
constexpr std::string_view kPartial = ".p/";

// Hashes of a level that a tree has: perfect subtrees of 256^level leaves.
uint64_t HashesOf(TreeSize size, int level) {
  const int shift = std::max(level, 0) * kTileHeight;
  return shift >= 64 ? 0 : Value(size) >> shift;
}

// "x001/x234/067": groups of three digits, all but the last after an x.
std::string IndexPath(uint64_t index) {
  std::string path = fmt::format("{:03}", index % 1000);
  for (index /= 1000; index > 0; index /= 1000) {
    path = fmt::format("x{:03}/{}", index % 1000, path);
  }
  return path;
}

// What IndexPath() made; spellings that it does not make are caught by whoever compares.
Result<uint64_t> ParseIndexPath(std::string_view path) {
  uint64_t index = 0;
  for (;;) {
    const size_t slash = path.find('/');
    std::string_view group = path.substr(0, slash);
    if (slash != path.npos && group.starts_with('x')) group.remove_prefix(1);
    if (group.size() != 3) return InvalidArgument("a tile's index in groups of three digits");
    for (const char digit : group) {
      if (digit < '0' || digit > '9') return InvalidArgument("a tile's index is decimal");
      index = index * 10 + static_cast<uint64_t>(digit - '0');
    }
    if (index >= kTileIndexEnd) return InvalidArgument("a tile beyond the largest tree");
    if (slash == path.npos) return index;
    path.remove_prefix(slash + 1);
  }
}

Hash HashAt(ByteView tile, int i) {
  Hash hash;
  std::memcpy(hash.data(), tile.data() + static_cast<size_t>(i) * hash.size(), hash.size());
  return hash;
}

}  // namespace

std::string TilePath(const TileId& tile) {
  std::string path =
      tile.level == kEntriesLevel ? "tile/entries/" : fmt::format("tile/{}/", tile.level);
  path += IndexPath(tile.index);
  if (tile.width != kTileWidth) path += fmt::format("{}{}", kPartial, tile.width);
  return path;
}

Result<TileId> ParseTilePath(std::string_view path) {
  const auto bad = [whole = path] { return InvalidArgument("\"{}\" is no tile's path", whole); };
  std::string_view rest = path;
  if (!rest.starts_with("tile/")) return bad();
  rest.remove_prefix(5);
  const size_t slash = rest.find('/');
  if (slash == rest.npos) return bad();

  TileId tile;
  const std::string_view level_text = rest.substr(0, slash);
  if (level_text == "entries") {
    tile.level = kEntriesLevel;
  } else {
    const auto level = ParseDecimal(level_text);
    if (!level.ok() || *level > kTileLevelMax) return bad();
    tile.level = static_cast<int>(*level);
  }
  rest.remove_prefix(slash + 1);
  if (const size_t partial = rest.find(kPartial); partial != rest.npos) {
    const auto width = ParseDecimal(rest.substr(partial + kPartial.size()));
    if (!width.ok() || *width < 1 || *width >= kTileWidth) return bad();
    tile.width = static_cast<int>(*width);
    rest = rest.substr(0, partial);
  }
  const auto index = ParseIndexPath(rest);
  if (!index.ok()) return bad();
  tile.index = *index;
  if (TilePath(tile) != path) return bad();
  return tile;
}

int TileWidth(TreeSize size, int level, uint64_t index) {
  const uint64_t hashes = HashesOf(size, level);
  if (index < hashes / kTileWidth) return kTileWidth;
  return index == hashes / kTileWidth ? static_cast<int>(hashes % kTileWidth) : 0;
}

std::vector<TileRow> TileRows(TreeSize size) {
  std::vector<TileRow> rows;
  for (int level = 0; HashesOf(size, level) > 0; ++level) {
    const uint64_t hashes = HashesOf(size, level);
    rows.push_back({.level = level,
                    .full = hashes / kTileWidth,
                    .partial = static_cast<int>(hashes % kTileWidth)});
  }
  return rows;
}

LeafRange TileLeaves(const TileId& tile) {
  constexpr uint64_t kMax = ~uint64_t{0};
  const int shift = (std::max(tile.level, 0) + 1) * kTileHeight;  // log2 of the leaves under it
  const auto times = [&](uint64_t tiles) {
    if (tiles == 0) return uint64_t{0};
    return shift >= 64 || tiles > kMax >> shift ? kMax : tiles << shift;
  };
  return {times(tile.index), times(tile.index + 1)};
}

TilePlace PlaceOf(NodeId node) {
  const int height = node.level % kTileHeight;  // above the tile's own hashes
  const uint64_t first = node.index << height;
  return {.level = node.level / kTileHeight,
          .index = first / kTileWidth,
          .first = static_cast<int>(first % kTileWidth),
          .count = 1 << height};
}

Result<Hash> NodeInTile(ByteView tile, NodeId node) {
  if (tile.size() % sizeof(Hash) != 0 || tile.size() > kTileBytes) {
    return InvalidArgument("a tile of {} bytes", tile.size());
  }
  const TilePlace place = PlaceOf(node);
  if (static_cast<size_t>(place.first + place.count) * sizeof(Hash) > tile.size()) {
    return InvalidArgument("node {}.{} lies beyond a tile of {} hashes", node.level, node.index,
                           tile.size() / sizeof(Hash));
  }
  // Row by row, in place: a perfect subtree of `count` hashes.
  std::array<Hash, kTileWidth / 2> row;
  for (int i = 0; i < place.count; ++i) row[i] = HashAt(tile, place.first + i);
  for (int width = place.count / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) row[i] = NodeHash(row[2 * i], row[2 * i + 1]);
  }
  return row[0];
}

Result<Hash> TileReader::Read(NodeId node) {
  if (node.level < 0 || node.level > 63 || node.index >= Value(size_) >> node.level) {
    return InvalidArgument("node {}.{} of a tree of {}", node.level, node.index, Value(size_));
  }
  const TilePlace place = PlaceOf(node);
  const TileId id{.level = place.level,
                  .index = place.index,
                  .width = TileWidth(size_, place.level, place.index)};
  for (const Kept& kept : kept_) {
    if (kept.id == id) return NodeInTile(kept.tile, node);
  }
  SEAL_ASSIGN_OR_RETURN(Bytes tile, fetch_(id));
  if (tile.size() != static_cast<size_t>(id.width) * sizeof(Hash)) {
    return DataLoss("{} has {} bytes", TilePath(id), tile.size());
  }
  Kept kept{.id = id, .tile = std::move(tile)};
  const Result<Hash> hash = NodeInTile(kept.tile, node);
  if (kept_.size() < kKeptMax) {
    kept_.push_back(std::move(kept));
  } else {
    kept_[oldest_++ % kKeptMax] = std::move(kept);
  }
  return hash;
}

Status AppendEntry(Bytes& bundle, ByteView entry) {
  if (entry.size() > kEntryBytesMax) return InvalidArgument("an entry of {} bytes", entry.size());
  uint8_t length[2];
  PutBig16(length, static_cast<uint16_t>(entry.size()));
  AppendTo(bundle, length);
  AppendTo(bundle, entry);
  return OkStatus();
}

Result<std::vector<ByteView>> SplitBundle(ByteView bundle, int width) {
  std::vector<ByteView> entries;
  while (!bundle.empty()) {
    if (bundle.size() < 2 || bundle.size() - 2 < GetBig16(bundle.data())) {
      return InvalidArgument("a bundle that ends inside entry {}", entries.size());
    }
    const size_t length = GetBig16(bundle.data());
    if (entries.size() == kTileWidth) break;
    entries.push_back(bundle.subspan(2, length));
    bundle = bundle.subspan(2 + length);
  }
  if (!bundle.empty() || entries.size() != static_cast<size_t>(width)) {
    return InvalidArgument("a bundle that does not hold {} entries", width);
  }
  return entries;
}

}  // namespace sealtrail::tlog
