#include "otlp/json_scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace sealtrail::otlp {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Clamped: beyond this no number of a request is integral or in range.
int64_t ParseExponent(std::string_view text) {
  constexpr int64_t kFar = 1'000'000'000;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int64_t exponent = 0;
  for (const char c : text) exponent = std::min(exponent * 10 + (c - '0'), kFar);
  return negative ? -exponent : exponent;
}

std::optional<uint64_t> TimesTenPlus(uint64_t value, uint64_t digit) {
  if (value > (UINT64_MAX - digit) / 10) return {};
  return value * 10 + digit;
}

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr std::array<int16_t, 256> kBase64Digits = [] {
  std::array<int16_t, 256> digits;
  digits.fill(-1);
  for (int i = 0; i < 26; ++i) {
    digits['A' + i] = static_cast<int16_t>(i);
    digits['a' + i] = static_cast<int16_t>(26 + i);
  }
  for (int i = 0; i < 10; ++i) digits['0' + i] = static_cast<int16_t>(52 + i);
  digits['+'] = digits['-'] = 62;
  digits['/'] = digits['_'] = 63;
  return digits;
}();

}  // namespace

// The digits are read as one integer, of which `scale` says where the point is. Zeros at its end
// wait until another digit shows that they count, so 1.000e3 and 1000000e-3 need no more range than
// 1000.
std::optional<Integer> ParseInteger(std::string_view number) {
  Integer out{number.starts_with('-'), 0};
  const size_t e = number.find_first_of("eE");
  const std::string_view mantissa = number.substr(0, e);
  int64_t scale = e == std::string_view::npos ? 0 : ParseExponent(number.substr(e + 1));
  int64_t zeros = 0;
  bool fraction = false;
  const auto append = [&out](uint64_t digit) {
    const auto next = TimesTenPlus(out.magnitude, digit);
    if (next) out.magnitude = *next;
    return next.has_value();
  };
  for (const char c : mantissa) {
    if (c == '.') fraction = true;
    if (!IsDigit(c)) continue;
    if (fraction) --scale;
    ++zeros;
    if (c == '0') continue;
    for (; zeros > 1; --zeros) {
      if (!append(0)) return {};
    }
    if (!append(static_cast<uint64_t>(c - '0'))) return {};
    zeros = 0;
  }
  if (out.magnitude == 0) return Integer{false, 0};
  scale += zeros;
  if (scale < 0) return {};
  for (; scale > 0; --scale) {
    if (!append(0)) return {};
  }
  return out;
}

std::optional<double> ParseDouble(std::string_view number) {
  double out = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out);
  if (error == std::errc()) return out;
  if (error != std::errc::result_out_of_range) return {};
  // Too large or too small: the place of the first digit that counts tells.
  const size_t e = number.find_first_of("eE");
  const std::string_view mantissa = number.substr(0, e);
  const size_t digit = mantissa.find_first_of("123456789");
  const size_t point = std::min(mantissa.find('.'), mantissa.size());
  int64_t power = e == std::string_view::npos ? 0 : ParseExponent(number.substr(e + 1));
  power += static_cast<int64_t>(point) - static_cast<int64_t>(digit);
  if (power > 0) return {};
  return number.starts_with('-') ? -0.0 : 0.0;
}

std::optional<double> ParseSpecialDouble(std::string_view text) {
  using Limits = std::numeric_limits<double>;
  if (text == "NaN") return Limits::quiet_NaN();
  if (text == "Infinity") return Limits::infinity();
  if (text == "-Infinity") return -Limits::infinity();
  return {};
}

std::optional<ByteView> ParseHex(std::string_view text, model::Arena& arena) {
  if (text.size() % 2 != 0) return {};
  auto* const out = static_cast<uint8_t*>(arena.Allocate(text.size() / 2, 1));
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return {};
    out[i / 2] = static_cast<uint8_t>(high << 4 | low);
  }
  return ByteView(out, text.size() / 2);
}

std::optional<ByteView> ParseBase64(std::string_view text, model::Arena& arena) {
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return {};
  auto* const out = static_cast<uint8_t*>(arena.Allocate(text.size() * 3 / 4, 1));
  size_t size = 0;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = kBase64Digits[static_cast<uint8_t>(c)];
    if (digit < 0) return {};
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out[size++] = static_cast<uint8_t>(bits >> count);
    }
  }
  return ByteView(out, size);
}

}  // namespace sealtrail::otlp
