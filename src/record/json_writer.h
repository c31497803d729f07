// Canonical JSON, RFC 8785, appended to a byte buffer. The primitives under content_writer.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/wipe.h"

namespace sealtrail::record {

// Bytes of canonical JSON under construction. Wiped when it goes: it may hold what redaction takes out afterwards.
using JsonBuffer = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

// A JSON string with RFC 8785 §3.2.2.2 escapes. False, with nothing appended, if `text` is not
// UTF-8.
bool AppendJsonString(JsonBuffer& out, std::string_view text);

// The same for text that holds no secrets.
bool AppendJsonString(std::string& out, std::string_view text);

// An integer without quotes; |value| <= 2^53 (RFC 8785 numbers are doubles).
void AppendJsonInteger(JsonBuffer& out, int64_t value);

// A finite double in the form of ECMAScript Number::toString (RFC 8785 §3.2.2.3). -0 gives "0".
void AppendJsonDouble(JsonBuffer& out, double value);

}  // namespace sealtrail::record
