// The tiles of C2SP tlog-tiles: rows of 256 hashes of one level, and bundles of 256 entries, each at
// a path of its own. Tile n of level l holds, as its hash i, the perfect subtree (8·l, 256·n + i); the
// seven levels between are computed. Partial tiles, of 1 to 255 hashes, are the tree's right edge.
//
// A path never changes its contents; a tree of another size has other partial tiles.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"
#include "tlog/compact_range.h"
#include "tlog/proof.h"

namespace sealtrail::tlog {

constexpr int kTileHeight = 8;
constexpr int kTileWidth = 1 << kTileHeight;
constexpr size_t kTileBytes = kTileWidth * sizeof(Hash);
constexpr int kTileLevelMax = 63;          // by the specification; a tree of 2^64 leaves ends at 7
constexpr int kEntriesLevel = -1;          // bundles of entries
constexpr size_t kEntryBytesMax = 65'535;  // the length before an entry has 16 bits
static_assert(kLeafBytesMax <= kEntryBytesMax);

struct TileId {
  int level = 0;           // 0 to kTileLevelMax, or kEntriesLevel
  uint64_t index = 0;      // below 2^56
  int width = kTileWidth;  // hashes or entries in it, 1 to 256; a partial tile has less than 256

  bool operator==(const TileId&) const = default;
};

// "tile/0/x001/x234/067", "tile/entries/000.p/17": the path below the log's prefix.
std::string TilePath(const TileId& tile);

// Strict: each tile has one path. InvalidArgument on anything else.
Result<TileId> ParseTilePath(std::string_view path);

// --- Which tiles there are ---

// How many hashes of tile `index` of `level` (or entries of bundle `index`) a tree of `size` has:
// 256, fewer at the right edge, 0 beyond it.
int TileWidth(TreeSize size, int level, uint64_t index);

// The tiles of one level of a tree.
struct TileRow {
  int level = 0;
  uint64_t full = 0;  // tiles 0 to full - 1
  int partial = 0;    // width of tile number `full`; 0 if there is none

  bool operator==(const TileRow&) const = default;
};

// The tree's rows from level 0 up; none for the empty tree. Bundles of entries are as level 0.
std::vector<TileRow> TileRows(TreeSize size);

// The leaves under the full tile or bundle: its start and end index. What is pruned is said in these:
// a log may refuse a full tile whose end is not above its minimum index. An end beyond 2^64 − 1 is
// given as that.
LeafRange TileLeaves(const TileId& tile);

// --- Nodes in tiles ---

// Where the perfect subtree `node` is found: the fold of hashes [first, first + count).
struct TilePlace {
  int level = 0;
  uint64_t index = 0;
  int first = 0;
  int count = 1;  // a power of two

  bool operator==(const TilePlace&) const = default;
};
TilePlace PlaceOf(NodeId node);

// The hash of `node` from the bytes of its tile, full or partial. InvalidArgument if these are no
// tile, or too narrow.
Result<Hash> NodeInTile(ByteView tile, NodeId node);

// Reads nodes of a tree from its tiles, which come from anywhere: check what is made of them against
// a root. Keeps the tiles it fetched last, so that a proof fetches each once.
// Threads  Compatible.
class TileReader {
 public:
  // The bytes of one tile, of exactly its width. Its errors are passed on.
  using Fetch = std::function<Result<Bytes>(const TileId&)>;

  TileReader(TreeSize size, Fetch fetch) : size_(size), fetch_(std::move(fetch)) {}

  // InvalidArgument if `node` is no node of the tree; DataLoss if a tile has not its width.
  Result<Hash> Read(NodeId node);

  // As a function. Borrows this.
  NodeReader reader() {
    return [this](NodeId node) { return Read(node); };
  }

 private:
  struct Kept {
    TileId id;
    Bytes tile;
  };
  static constexpr size_t kKeptMax = 32;  // a proof needs at most two of each of eight levels

  TreeSize size_;
  Fetch fetch_;
  std::vector<Kept> kept_;
  size_t oldest_ = 0;  // of kept_, once it is full
};

// --- Bundles of entries ---

// Adds `entry` to a bundle. InvalidArgument above kEntryBytesMax.
Status AppendEntry(Bytes& bundle, ByteView entry);

// The `width` entries of a bundle; they point into it. InvalidArgument unless it holds exactly these.
Result<std::vector<ByteView>> SplitBundle(ByteView bundle, int width);

}  // namespace sealtrail::tlog
