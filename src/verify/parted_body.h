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

// Writes the bundle into `out`. True only if the parts give exactly out.size() bytes and are used up.
bool JoinParts(const BodyParts& parts, std::span<uint8_t> out);

}  // namespace sealtrail::verify
