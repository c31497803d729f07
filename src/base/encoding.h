// Hexadecimal (lower case out, any case in) and base64 (RFC 4648 §4: standard alphabet, padded).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/status.h"

namespace sealtrail {

std::string HexEncode(ByteView bytes);
void HexEncodeTo(std::string& out, ByteView bytes);
// InvalidArgument on an odd length or a character that is no digit.
Result<Bytes> HexDecode(std::string_view text);

std::string Base64Encode(ByteView bytes);
void Base64EncodeTo(std::string& out, ByteView bytes);
// Writes Base64Size(bytes.size()) characters at `out` and returns their end.
uint8_t* Base64EncodeAt(uint8_t* out, ByteView bytes);
constexpr size_t Base64Size(size_t bytes) {
  return (bytes + 2) / 3 * 4;
}
// Strict: padding required, no other characters, unused bits zero. So each byte string has one
// spelling.
Result<Bytes> Base64Decode(std::string_view text);

}  // namespace sealtrail
