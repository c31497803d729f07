#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"

namespace sealtrail::ledger {

struct Options {
  std::string data_dir;

  // Who this trail is; empty: what the folder says, or a random one at first start. Another one
  // than the folder's refuses to start.
  std::string origin;

  uint64_t segment_bytes_max = kSegmentBytes;  // a file is closed when it has reached this size
  uint64_t queue_bytes_max =
      kLedgerQueueBytesMax;              // waiting batches; more are refused (Unavailable)
  uint64_t group_bytes_max = 32 * kMiB;  // written before one sync, but for a larger single batch

  // Ingest is refused while fewer bytes are free, and resumes by itself. 0: no floor.
  uint64_t min_free_bytes = 0;

  int64_t checkpoint_interval_ns = kNanosPerSecond;
  int64_t heartbeat_interval_ns = 60 * kNanosPerSecond;
};

}  // namespace sealtrail::ledger
