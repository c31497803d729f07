// UTF-8 as Unicode defines it: no surrogates, no overlong forms, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sealtrail {

// Length of the longest valid prefix of `text` in bytes; text.size() when all of it is valid.
size_t Utf8ValidPrefix(std::string_view text);
inline bool IsUtf8(std::string_view text) {
  return Utf8ValidPrefix(text) == text.size();
}

// At most `bytes_max` bytes (4 or more) of `text`, cut between characters; what was cut ends in "…".
std::string Utf8Shortened(std::string_view text, size_t bytes_max);

// `text` with each invalid byte replaced by U+FFFD.
std::string Utf8Lossy(std::string_view text);

}  // namespace sealtrail
