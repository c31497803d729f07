// A trail with one of everything that format 1 has.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "verify/testing/forge.h"

namespace sealtrail::verify::testing {

// How bodies are kept: codecs 0, 1, 2.
enum class Bodies { kRaw, kCompressed, kParted };

// A few hundred records in two sealed segments and a log: side contents, notes, blocks that begin in one segment and
// end in the next, two rotations of the key, tiles, a file set aside by recovery, the signing record, a checkpoint over
// all; in anchors/ a checkpoint that two witnesses cosigned, what is remembered of one, and, with `stamp`, what that
// makes of a published checkpoint.
struct FullTrail {
  explicit FullTrail(Bodies bodies,
                     const std::function<Bytes(std::string_view note)>& stamp = nullptr);

  Forge forge;
  std::string policy;  // both witnesses must have cosigned
};

// The files of it that something hashes.
std::vector<std::string> CoveredFiles(const Forge& forge);

}  // namespace sealtrail::verify::testing
