// A trail with one of everything that format 1 has.
#pragma once

#include "verify/testing/forge.h"

namespace sealtrail::verify::testing {

// A few hundred records in two sealed segments and a log: side contents, notes, blocks that begin in one segment and
// end in the next, two rotations of the key, tiles, a file set aside by recovery, the signing record, a checkpoint over
// all.
Forge FullTrail(bool compress);

// The files of it that something hashes.
std::vector<std::string> CoveredFiles(const Forge& forge);

}  // namespace sealtrail::verify::testing
