// The tree above its leaves: the roots of all perfect subtrees of 256, 65,536, … records. Of sealed records they lie in
// tiles/<level>, of later ones in memory. docs/formats/tiles.md.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "env/files.h"
#include "ledger/growth.h"
#include "tlog/merkle.h"

namespace sealtrail::ledger {

constexpr int kTileLevelMax = 7;  // 256^7 records and more are never reached

// Threads  Safe: one writer (Grow), one sealer (Open, Persist), many readers.
class TreeStore {
 public:
  TreeStore(env::FileSystem& files, std::string dir) : files_(files), dir_(std::move(dir)) {}

  // Reads level-1 hashes [first, first + count) from elsewhere.
  using BlockRoots =
      std::function<Result<std::vector<crypto::Hash>>(uint64_t first, uint64_t count)>;

  // What files there are for the records of the tree `sealed`, of which those up to `persisted` are known to be in them
  // durably; other hashes are taken from `block_roots` and held in memory until Persist. So are those of a level that
  // holds others than those of the tree. Writes nothing; returns the levels where that was so.
  Result<std::vector<int>> Load(TreeSize persisted, const tlog::Frontier& sealed,
                                const BlockRoots& block_roots);

  // Adds hashes, each the next of its level.
  void Grow(const std::vector<Growth::TreeNode>& nodes);

  // Moves to the files, durably, what belongs to `sealed` records. Files that hold more are cut.
  Status Persist(TreeSize sealed);

  // Hashes of a level from 1 on. NotFound where they are not there (yet).
  Result<std::vector<crypto::Hash>> Read(int level, uint64_t first, size_t count) const;

 private:
  struct Level {
    uint64_t stored = 0;  // hashes that are read from the file
    std::shared_ptr<const env::ReadableFile> file;
    std::vector<crypto::Hash> tail;  // those after them
  };

  std::string PathOf(int level) const;
  Status LoadFile(int level, uint64_t wanted);
  Status FillTail(int level, uint64_t wanted, const BlockRoots& block_roots);
  Result<bool> IsOfTree(int level, uint64_t count, const tlog::Frontier& tree) const;
  Status PersistLevel(int level, uint64_t wanted);
  Result<std::vector<crypto::Hash>> Missing(int level, uint64_t wanted,
                                            const BlockRoots& block_roots) const;

  env::FileSystem& files_;
  const std::string dir_;
  mutable Mutex mutex_;
  std::array<Level, kTileLevelMax + 1> levels_ SEAL_GUARDED_BY(mutex_);  // [0] is not used
};

}  // namespace sealtrail::ledger
