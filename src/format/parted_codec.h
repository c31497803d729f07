// Codec 2: bundles of leaves whose salts, ids and times lie apart from the text. docs/formats/segment.md §3.1.
//
// They are a seventh of a leaf's bytes and most of what is left of it after compression: random, so that they cost what they
// are, and in the way of the matches that the rest is full of. Apart from it they cost 54 bytes a record of realistic traffic
// and the text 42; together with it, zstd's best level makes 102 of both, its fastest 117.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/status.h"

namespace sealtrail::format {

// Into `out`. False where `bundle` is no bundle of leaves that this can be done with; then another codec is needed.
// Threads  Safe; keeps its work space per thread.
bool PartBundle(ByteView bundle, Bytes& out);

// The bundle of `decoded_bytes` bytes again. DataLoss where `body` is not what the page above describes.
Result<Bytes> JoinBundle(ByteView body, uint32_t decoded_bytes);

}  // namespace sealtrail::format
