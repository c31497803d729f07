// What a ledger gained by one write, or by reading a log at its start: where the frames lie, and the hashes that the
// tree above the leaves gained.
#pragma once

#include <vector>

#include "base/ids.h"
#include "tlog/compact_range.h"

namespace sealtrail::ledger {

// Where a records frame lies.
struct FramePlace {
  Seq first;
  uint32_t count;
  uint64_t offset;
};

struct Growth {
  struct TreeNode {
    tlog::NodeId id;
    crypto::Hash hash;
  };

  std::vector<FramePlace> frames;
  std::vector<TreeNode>
      tile_nodes;  // perfect subtrees of 256, 65,536, … records, as they were completed

  // For Sequencer::Append.
  auto NodeSink() {
    return [this](tlog::NodeId id, const crypto::Hash& hash) {
      if (id.level != 0 && id.level % 8 == 0) tile_nodes.push_back({.id = id, .hash = hash});
    };
  }
};

}  // namespace sealtrail::ledger
