// Holds tiles/<level> (docs/formats/tiles.md) to the tree that the records have: each hash, and how many there are.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "verify/file_window.h"
#include "verify/findings.h"
#include "verify/source.h"
#include "verify/tree.h"

namespace sealtrail::verify {

constexpr int kTileLevels = 7;

// The folder as it was before the segments were listed: tiles are written after what they repeat.
struct TileFiles {
  struct File {
    std::shared_ptr<env::ReadableFile> file;
    uint64_t size = 0;
  };
  std::array<std::optional<File>, kTileLevels + 1> levels;  // levels[0] is not used

  static Result<TileFiles> Open(const Source& source, Findings& findings);
};

class TileCheck {
 public:
  // `sealed_end`: one past the last record whose tiles must be there. `least_end`: the same where the last sealing may
  // not have come so far; at most sealed_end.
  TileCheck(TileFiles files, uint64_t sealed_end, uint64_t least_end, Findings& findings);

  // The hash of 256 records, in the order of their numbers. Those that cannot be known are left out.
  Status Add(const TreeNode& block);

  // After the last one.
  void CheckSizes();

 private:
  // The hashes of a level that have no parent yet.
  struct Level {
    std::vector<Hash> waiting;
    std::optional<FileWindow> window;
  };

  Status AddTo(int level, uint64_t index, const Hash& hash);
  Status Compare(int level, uint64_t index, const Hash& hash);
  uint64_t CountAt(int level, uint64_t end) const { return end >> (8 * level); }

  const TileFiles files_;
  const uint64_t sealed_end_;
  const uint64_t least_end_;
  Findings& findings_;
  std::array<Level, kTileLevels + 1> levels_;
};

}  // namespace sealtrail::verify
