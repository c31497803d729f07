// CRC-32C (Castagnoli, RFC 3720 appendix B.4): finds accidents, never tampering.
#pragma once

#include "base/bytes.h"

namespace sealtrail {

// The checksum of `bytes`; pass a previous result as `crc` to go on.
uint32_t Crc32c(ByteView bytes, uint32_t crc = 0);

namespace internal {
// The portable twin, which the tests compare with.
uint32_t Crc32cPortable(ByteView bytes, uint32_t crc);
}  // namespace internal

}  // namespace sealtrail
