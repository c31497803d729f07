// zstd as HTTP has it (RFC 8878, RFC 9659), behind content_decoder.h.
#pragma once

#include "base/bytes.h"
#include "base/limits.h"
#include "base/shared_bytes.h"
#include "base/status.h"
#include "net/byte_budget.h"

namespace sealtrail::net {

// RFC 9659 §3: what a sender of Content-Encoding: zstd may ask a receiver to look back. It holds for frames that do not
// say how large they are; others are decoded in place and need no window.
constexpr size_t kZstdWindowBytesMax = 8 * kMiB;

// The content of frames in a row, skippable ones left out. Memory and errors as DecodeContent() has them; InvalidArgument
// also for a frame that needs a dictionary or a larger window.
Result<SharedBytes> DecodeZstd(ByteView body, ByteBudget& budget);

}  // namespace sealtrail::net
