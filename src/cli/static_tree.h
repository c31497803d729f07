// A log as files in a folder, laid out as C2SP tlog-tiles: what `export --tlog` writes, for tools that read files and for web
// servers that know nothing of us. docs/formats/tiles.md, docs/tlog.md.
//
// Everything above the leaves is derived here again, from the leaves alone, and held against the checkpoint before that is
// put in place, last. So the folder is a tree that stands by itself, whoever gave the leaves.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "env/files.h"
#include "tlog/checkpoint.h"
#include "tlog/merkle.h"
#include "tlog/tile.h"

namespace sealtrail::cli {

// One export. What it writes is synced when it is written; one that was interrupted is continued by the next.
//
// Errors   Sticky: after one, only Open() helps.
// Memory   One bundle of entries and one tile of each level.
// Threads  Compatible.
class StaticTree {
 public:
  // Makes or opens `dir` for the log of this checkpoint, a signed note (nobody's signature is checked). Full bundles that an
  // earlier export left are read, hashed and kept. FailedPrecondition where `dir` holds anything else than an export of
  // this log, or a later state of it.
  static Result<StaticTree> Open(env::FileSystem& files, std::string dir, std::string note);

  TreeSize size() const { return target_.size; }
  const tlog::Hash& root() const { return target_.root; }

  // The number of the next leaf that is wanted; size() if there is none.
  uint64_t next() const { return Value(tree_.size()); }

  // Takes leaf next(). DataLoss where an earlier checkpoint of the folder had another root.
  Status Append(ByteView leaf);

  // Puts the checkpoint in place and removes partial tiles of the one before. FailedPrecondition if leaves are missing;
  // DataLoss if they give another root.
  Status Finish();

 private:
  StaticTree(env::FileSystem& files, std::string dir, std::string note, tlog::Checkpoint target)
      : files_(files), dir_(std::move(dir)), note_(std::move(note)), target_(std::move(target)) {}

  Status Prepare();
  Status LookAround();
  Status TakeFound(const std::string& name);
  Status KeepFullBundles();
  Result<bool> KeepBundle(uint64_t index);
  Status AddHash(const tlog::Hash& hash);
  Status WriteFullTiles();
  Status WriteRightEdge();
  Status RemoveOldEdges();
  Status WriteTile(const tlog::TileId& tile, ByteView content);
  Status MakeDirs(const std::string& path);
  Status SyncDirs();
  std::string PathOf(const tlog::TileId& tile) const;

  env::FileSystem& files_;
  std::string dir_;
  std::string note_;
  tlog::Checkpoint target_;
  std::vector<tlog::Checkpoint> found_;  // what earlier exports wrote, or were about to
  tlog::Frontier tree_;
  Bytes bundle_;  // leaves of the last bundle, which is not full
  std::array<Bytes, 8>
      tiles_;  // hashes of the last tile of each level; a tree of 2^64 leaves ends at 7
  std::vector<std::string> unsynced_;  // folders that got new files
};

}  // namespace sealtrail::cli
