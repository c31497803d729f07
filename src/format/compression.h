// zstd frames as docs/formats/segment.md wants them (codec 1): one frame that states its content size, without a
// dictionary, with nothing behind it.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/status.h"

namespace sealtrail::format {

// One frame; it may be larger than `content`.
// Threads  Safe; keeps its work space per thread.
void Compress(ByteView content, Bytes& out);

// DataLoss unless `frame` decodes to exactly `size` bytes.
Result<Bytes> Decompress(ByteView frame, uint64_t size);

// The size that a frame states. DataLoss if it is none, states none, or more than `max`.
Result<uint64_t> ContentSize(ByteView frame, uint64_t max);

}  // namespace sealtrail::format
