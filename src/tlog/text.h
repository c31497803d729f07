// What the text formats of C2SP have in common: lines that end in a line feed, and decimal numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"

namespace sealtrail::tlog {

// A decimal number without sign and leading zeros: each number has one spelling. InvalidArgument on
// anything else, and above 2^64 − 1.
Result<uint64_t> ParseDecimal(std::string_view text);

// Takes the first line off `text` and returns it without its line feed; nothing, and no change, if
// there is no line feed left.
std::optional<std::string_view> TakeLine(std::string_view& text);

// Takes the line that must begin with `prefix` and returns what follows it. InvalidArgument names
// `prefix` if the line is missing or another.
Result<std::string_view> TakeField(std::string_view& text, std::string_view prefix);

}  // namespace sealtrail::tlog
