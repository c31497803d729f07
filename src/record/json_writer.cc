#include "record/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"

namespace sealtrail::record {
namespace {

// True for bytes that a JSON string cannot hold as they are: controls, '"' and '\'. Bytes of 0x80
// and more need a look at UTF-8, but no escape.
constexpr bool IsEscaped(uint8_t byte) {
  return byte < 0x20 || byte == '"' || byte == '\\';
}

// Whether any of the 8 bytes needs an escape or is not ASCII. The subtractions set a byte's top bit
// where the byte is below 0x20, or equal to the sought character (exact for words without top bits,
// which come first).
bool IsSpecialWord(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  constexpr uint64_t kTops = 0x8080808080808080u;
  const uint64_t quote = word ^ kOnes * '"';
  const uint64_t backslash = word ^ kOnes * '\\';
  return ((word | (word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes)) & kTops) != 0;
}

// Length of the prefix that can be copied as it is and is ASCII.
size_t PlainPrefix(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if (IsSpecialWord(word)) break;
  }
  for (; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (IsEscaped(byte) || byte >= 0x80) break;
  }
  return i;
}

template <typename Out>
void AppendEscaped(Out& out, uint8_t byte) {
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default: {
      static constexpr char kDigits[] = "0123456789abcdef";
      const char escape[] = {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]};
      out.append(escape, sizeof(escape));
    }
  }
}

template <typename Out>
bool AppendString(Out& out, std::string_view text) {
  const size_t start = out.size();
  out += '"';
  size_t done = PlainPrefix(text);
  out.append(text.data(), done);
  if (done < text.size()) {
    if (!IsUtf8(text.substr(done))) {
      out.resize(start);
      return false;
    }
    for (; done < text.size(); ++done) {
      const auto byte = static_cast<uint8_t>(text[done]);
      if (IsEscaped(byte)) {
        AppendEscaped(out, byte);
      } else {
        out += text[done];
      }
    }
  }
  out += '"';
  return true;
}

}  // namespace

bool AppendJsonString(JsonBuffer& out, std::string_view text) {
  return AppendString(out, text);
}

bool AppendJsonString(std::string& out, std::string_view text) {
  return AppendString(out, text);
}

void AppendJsonInteger(JsonBuffer& out, int64_t value) {
  SEAL_CHECK(value <= (int64_t{1} << 53) && value >= -(int64_t{1} << 53));
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

// to_chars gives the shortest digits that read back as the same double, which is what ECMAScript
// asks for; only the layout (where the point stands, when an exponent is used) is ours: ECMA-262
// §6.1.6.1.20.
void AppendJsonDouble(JsonBuffer& out, double value) {
  SEAL_CHECK(std::isfinite(value));
  if (value == 0) {
    out += '0';
    return;
  }
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), std::abs(value),
                                 std::chars_format::scientific);
  const std::string_view scientific(text.data(), static_cast<size_t>(end.ptr - text.data()));
  const size_t e = scientific.find('e');
  std::string digits(1, scientific[0]);
  if (e > 2) digits += scientific.substr(2, e - 2);
  int exponent = 0;
  const char* exponent_text = scientific.data() + e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(exponent_text, scientific.data() + scientific.size(), exponent);

  const int k = static_cast<int>(digits.size());
  const int n = exponent + 1;  // the value is 0.digits × 10^n
  if (value < 0) out += '-';
  if (k <= n && n <= 21) {
    out += digits;
    out.append(static_cast<size_t>(n - k), '0');
  } else if (0 < n && n <= 21) {
    out.append(digits, 0, static_cast<size_t>(n));
    out += '.';
    out.append(digits, static_cast<size_t>(n));
  } else if (-6 < n && n <= 0) {
    out += "0.";
    out.append(static_cast<size_t>(-n), '0');
    out += digits;
  } else {
    out += digits[0];
    if (k > 1) {
      out += '.';
      out.append(digits, 1);
    }
    out += 'e';
    out += n > 0 ? '+' : '-';
    AppendJsonInteger(out, std::abs(n - 1));
  }
}

}  // namespace sealtrail::record
