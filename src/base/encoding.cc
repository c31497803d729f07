#include "base/encoding.h"

#include <array>

namespace sealtrail {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 0xff;

constexpr std::array<uint8_t, 256> InverseOf(const char* digits, int count) {
  std::array<uint8_t, 256> inverse{};
  for (auto& v : inverse) v = kNoDigit;
  for (int i = 0; i < count; ++i)
    inverse[static_cast<uint8_t>(digits[i])] = static_cast<uint8_t>(i);
  return inverse;
}

constexpr auto kHexInverse = [] {
  auto inverse = InverseOf(kHexDigits, 16);
  for (int i = 0; i < 6; ++i) inverse[static_cast<uint8_t>('A' + i)] = static_cast<uint8_t>(10 + i);
  return inverse;
}();
constexpr auto kBase64Inverse = InverseOf(kBase64Digits, 64);

}  // namespace

char* HexEncodeAt(char* out, ByteView bytes) {
  for (uint8_t b : bytes) {
    *out++ = kHexDigits[b >> 4];
    *out++ = kHexDigits[b & 15];
  }
  return out;
}

std::string HexEncode(ByteView bytes) {
  std::string out;
  HexEncodeTo(out, bytes);
  return out;
}

Result<Bytes> HexDecode(std::string_view text) {
  if (text.size() % 2 != 0)
    return InvalidArgument("hexadecimal text of odd length {}", text.size());
  Bytes out(text.size() / 2);
  for (size_t i = 0; i < out.size(); ++i) {
    const uint8_t high = kHexInverse[static_cast<uint8_t>(text[2 * i])];
    const uint8_t low = kHexInverse[static_cast<uint8_t>(text[2 * i + 1])];
    if (high == kNoDigit || low == kNoDigit)
      return InvalidArgument("no hexadecimal digit at {}", 2 * i);
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return out;
}

uint8_t* Base64EncodeAt(uint8_t* out, ByteView bytes) {
  const auto digit = [&out](uint32_t bits) {
    *out++ = static_cast<uint8_t>(kBase64Digits[bits & 63]);
  };
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t v = static_cast<uint32_t>(bytes[i]) << 16 | bytes[i + 1] << 8 | bytes[i + 2];
    digit(v >> 18);
    digit(v >> 12);
    digit(v >> 6);
    digit(v);
  }
  const size_t rest = bytes.size() - i;
  if (rest == 0) return out;
  const uint32_t v = static_cast<uint32_t>(bytes[i]) << 16 | (rest == 2 ? bytes[i + 1] << 8 : 0);
  digit(v >> 18);
  digit(v >> 12);
  if (rest == 2)
    digit(v >> 6);
  else
    *out++ = '=';
  *out++ = '=';
  return out;
}

std::string Base64Encode(ByteView bytes) {
  std::string out;
  Base64EncodeTo(out, bytes);
  return out;
}

Result<Bytes> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0)
    return InvalidArgument("base64 text of length {}, not a multiple of 4", text.size());
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i + padding < text.size(); ++i) {
    const uint8_t digit = kBase64Inverse[static_cast<uint8_t>(text[i])];
    if (digit == kNoDigit) return InvalidArgument("no base64 digit at {}", i);
    bits = bits << 6 | digit;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<uint8_t>(bits >> count));
    }
  }
  if ((bits & ((1u << count) - 1)) != 0) return InvalidArgument("base64 text with unused bits set");
  return out;
}

}  // namespace sealtrail
