// Numbers, ids and bytes as OTLP/JSON writes them, and as its clients write them all the same.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "model/arena.h"

namespace sealtrail::otlp {

// The integer that a JSON number is, exactly: also "1.0", "1e3", "9007199254740993.0". Nothing is
// lost to a double. Nothing if it has a fraction or its magnitude is over 2^64 - 1.
struct Integer {
  bool negative;
  uint64_t magnitude;
};
std::optional<Integer> ParseInteger(std::string_view number);

// As a T; nothing if it does not fit.
template <typename T>
std::optional<T> ParseInteger(std::string_view number) {
  const auto parsed = ParseInteger(number);
  if (!parsed) return {};
  const auto max = static_cast<uint64_t>(std::numeric_limits<T>::max());
  if (!parsed->negative) {
    if (parsed->magnitude > max) return {};
    return static_cast<T>(parsed->magnitude);
  }
  const uint64_t lowest = std::is_signed_v<T> ? max + 1 : 0;
  if (parsed->magnitude > lowest) return {};
  return static_cast<T>(0 - parsed->magnitude);
}

// The double nearest to a JSON number; a tiny one is 0. Nothing beyond the largest double.
std::optional<double> ParseDouble(std::string_view number);

// "NaN", "Infinity", "-Infinity".
std::optional<double> ParseSpecialDouble(std::string_view text);

// Digits in any case. Nothing on an odd length or another character.
std::optional<ByteView> ParseHex(std::string_view text, model::Arena& arena);

// RFC 4648 §4 or §5, padded or not.
std::optional<ByteView> ParseBase64(std::string_view text, model::Arena& arena);

}  // namespace sealtrail::otlp
