// Reads the segments of a trail, many at once where there are workers for it. What comes out does not depend on how
// many there are.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "env/executor.h"
#include "verify/source.h"
#include "verify/trail_segments.h"

namespace sealtrail::verify {

struct PoolOptions {
  env::Executor* executor =
      nullptr;  // borrowed for the call; without one the caller's thread does all
  int threads = 1;
  // Called from the caller's thread: records read so far, and bytes of the files that were read.
  std::function<void(uint64_t records, uint64_t bytes)> progress;
};

// Fills in the facts of each segment and of each log that was left beside one. A file that cannot be read has an
// obstacle in its facts. `source`: that of the segments.
void ReadSegments(const Source& source, std::vector<Segment>& segments, const TrailFacts& trail,
                  const PoolOptions& options);

}  // namespace sealtrail::verify
