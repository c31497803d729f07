// Canonical JSON, RFC 8785, appended to a byte buffer. The primitives under content_writer.h.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace sealtrail::record {

// Bytes of canonical JSON under construction.
using JsonBuffer = std::string;

// A JSON string with RFC 8785 §3.2.2.2 escapes. False, with nothing appended, if `text` is not
// UTF-8.
bool AppendJsonString(JsonBuffer& out, std::string_view text);

// An integer without quotes; |value| <= 2^53 (RFC 8785 numbers are doubles).
void AppendJsonInteger(JsonBuffer& out, int64_t value);

// A finite double in the form of ECMAScript Number::toString (RFC 8785 §3.2.2.3). -0 gives "0".
void AppendJsonDouble(JsonBuffer& out, double value);

}  // namespace sealtrail::record
