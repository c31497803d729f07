// Hexadecimal (lower case out, any case in) and base64 (RFC 4648 §4: standard alphabet, padded).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/status.h"

namespace sealtrail {

std::string HexEncode(ByteView bytes);
// Writes 2 * bytes.size() characters at `out` and returns their end.
char* HexEncodeAt(char* out, ByteView bytes);
// Appends to a std::basic_string of char.
template <typename Text>
void HexEncodeTo(Text& out, ByteView bytes) {
  const size_t start = out.size();
  out.resize(start + bytes.size() * 2);
  HexEncodeAt(out.data() + start, bytes);
}
// InvalidArgument on an odd length or a character that is no digit.
Result<Bytes> HexDecode(std::string_view text);

std::string Base64Encode(ByteView bytes);
// Writes Base64Size(bytes.size()) characters at `out` and returns their end.
uint8_t* Base64EncodeAt(uint8_t* out, ByteView bytes);
constexpr size_t Base64Size(size_t bytes) {
  return (bytes + 2) / 3 * 4;
}
template <typename Text>
void Base64EncodeTo(Text& out, ByteView bytes) {
  const size_t start = out.size();
  out.resize(start + Base64Size(bytes.size()));
  Base64EncodeAt(reinterpret_cast<uint8_t*>(out.data() + start), bytes);
}
// Strict: padding required, no other characters, unused bits zero. So each byte string has one
// spelling.
Result<Bytes> Base64Decode(std::string_view text);

}  // namespace sealtrail
