// The leaves of a frame out of its body: docs/formats/segment.md §3, codecs 0 and 1.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "verify/segment_layout.h"

namespace sealtrail::verify {

// The bundle that `body` stands for: a view of `body` itself, or of `storage`. Nothing unless a compressed body is one
// zstd frame of the stated length with no byte behind it.
std::optional<ByteView> BundleOf(const FrameHeader& header, ByteView body, Bytes& storage);

}  // namespace sealtrail::verify
