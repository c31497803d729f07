// Codec 2 as docs/formats/segment.md §3.1 has it: leaves whose salts, ids and times lie apart.
#pragma once

#include <array>

#include "base/bytes.h"

namespace sealtrail::verify {

// The parts of a body, decoded.
struct BodyParts {
  ByteView text;
  ByteView ids;
  ByteView times;
  ByteView salts;
};

// Bytes that may be read behind the text, and written behind the bundle, whatever they hold: so that ends need no care.
constexpr size_t kJoinRoom = 64;

// Writes the bundle into `out`, and up to kJoinRoom bytes behind it. True only if the parts give exactly out.size()
// bytes and are used up.
bool JoinParts(const BodyParts& parts, std::span<uint8_t> out);

}  // namespace sealtrail::verify
