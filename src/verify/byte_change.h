// Which single byte would explain a checksum that does not hold?
//
// CRC-32C is linear: changing byte i by a difference d changes the checksum by a value that depends on i and d
// alone. So, stepping the checksum's register back over one byte at a time from the end, a change of byte i shows as
// a register below 256, which then is d. In 84 bytes of header about one wrong guess in 200,000 cases of larger
// damage is to be expected, in a body more, so a guess about a body counts only once a SHA-256 confirms it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace sealtrail::verify {

struct ByteChange {
  size_t position = 0;
  uint8_t difference = 0;  // stored byte xor the one that was
};

// Changes of one byte of `covered` that make its CRC-32C `stored`; at most eight of them.
std::vector<ByteChange> ByteChangesThatExplain(ByteView covered, uint32_t stored);

// For a header whose last 4 bytes are the CRC-32C of the rest: the one change of one byte, of the checksum itself
// too, that makes it hold. Nothing if there is none or more than one.
std::optional<ByteChange> ByteChangeInHeader(ByteView header);

}  // namespace sealtrail::verify
