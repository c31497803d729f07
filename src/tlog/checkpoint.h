// Checkpoints: the text of a note that says how large a log is and what its root is. Specification:
// c2sp.org/tlog-checkpoint; our own: docs/formats/checkpoint.md.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"
#include "crypto/sha256.h"

namespace sealtrail::tlog {

struct Checkpoint {
  std::string origin;
  TreeSize size{0};
  crypto::Hash root{};
  // Opaque lines after the third, each with its line feed. We write none: no monitor can audit them.
  std::string extensions = {};
};

// The three lines, and the extensions.
std::string CheckpointText(const Checkpoint& checkpoint);

// A checkpoint of ours. InvalidArgument unless `text` is exactly three such lines.
Result<Checkpoint> ParseCheckpointText(std::string_view text);

// Any log's checkpoint: three lines or more, none of them empty. InvalidArgument on anything else.
// The origin is any text; that a tree of size 0 has the empty root is not checked.
Result<Checkpoint> ParseCheckpointWithExtensions(std::string_view text);

}  // namespace sealtrail::tlog
