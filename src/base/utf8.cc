#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace sealtrail {
namespace {

// Bytes of the valid sequence at `p`, or 0. Table 3-7 of the Unicode standard.
size_t SequenceLength(const uint8_t* p, size_t left) {
  const auto tail = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xbf) {
    return i < left && p[i] >= low && p[i] <= high;
  };
  const uint8_t b = p[0];
  if (b < 0x80) return 1;
  if (b >= 0xc2 && b <= 0xdf) return tail(1) ? 2 : 0;
  if (b == 0xe0) return tail(1, 0xa0) && tail(2) ? 3 : 0;
  if (b == 0xed) return tail(1, 0x80, 0x9f) && tail(2) ? 3 : 0;
  if (b >= 0xe1 && b <= 0xef) return tail(1) && tail(2) ? 3 : 0;
  if (b == 0xf0) return tail(1, 0x90) && tail(2) && tail(3) ? 4 : 0;
  if (b >= 0xf1 && b <= 0xf3) return tail(1) && tail(2) && tail(3) ? 4 : 0;
  if (b == 0xf4) return tail(1, 0x80, 0x8f) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

}  // namespace

size_t Utf8ValidPrefix(std::string_view text) {
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  size_t i = 0;
  while (i < text.size()) {
    uint64_t word;
    if (text.size() - i >= 8 && (std::memcpy(&word, p + i, 8), (word & 0x8080808080808080u) == 0)) {
      i += 8;
      continue;
    }
    const size_t length = SequenceLength(p + i, text.size() - i);
    if (length == 0) return i;
    i += length;
  }
  return i;
}

std::string Utf8Lossy(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t valid = Utf8ValidPrefix(text);
    out.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    out.append("\xef\xbf\xbd");
    text.remove_prefix(1);
  }
  return out;
}

std::string Utf8Shortened(std::string_view text, size_t bytes_max) {
  constexpr std::string_view kCut = "\xe2\x80\xa6";
  if (text.size() <= bytes_max) return std::string(text);
  std::string out(text.substr(0, bytes_max - kCut.size()));
  while (!out.empty() && (static_cast<uint8_t>(text[out.size()]) & 0xc0) == 0x80) out.pop_back();
  return out.append(kCut);
}

}  // namespace sealtrail
