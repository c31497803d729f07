// Content codings of answers: gzip, RFC 1952. For requests see content_decoder.h.
#pragma once

#include "base/bytes.h"
#include "base/limits.h"

namespace sealtrail::net {

constexpr size_t kGzipInputBytesMax = 64 * kMiB;  // packed in one piece, in memory

// One member without name and time, so that the same bytes give the same member. At most kGzipInputBytesMax bytes, which is
// checked; the result is little longer than `plain` at worst.
// Threads  Safe.
Bytes GzipEncode(ByteView plain);

}  // namespace sealtrail::net
