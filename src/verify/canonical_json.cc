#include "verify/canonical_json.h"

#include <charconv>
#include <optional>

#include "base/check.h"
#include "verify/json_scanner.h"

namespace sealtrail::verify {
namespace {

constexpr int kDepthMax = 200;

void AppendUtf16(std::u16string& out, uint32_t code) {
  if (code < 0x10000) {
    out += static_cast<char16_t>(code);
  } else {
    out += static_cast<char16_t>(0xd800 + ((code - 0x10000) >> 10));
    out += static_cast<char16_t>(0xdc00 + (code & 0x3ff));
  }
}

// The character that starts at text[i], which is valid UTF-8; moves `i` past it.
uint32_t TakeUtf8(std::string_view text, size_t& i) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
  const uint8_t lead = byte(i);
  const int tails = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  uint32_t code = tails == 0 ? lead : lead & (0x3fu >> tails);
  for (int k = 1; k <= tails; ++k) code = code << 6 | (byte(i + static_cast<size_t>(k)) & 0x3fu);
  i += static_cast<size_t>(tails) + 1;
  return code;
}

// The character that an escape with a canonical form stands for; moves `i` past it.
uint32_t TakeEscape(std::string_view text, size_t& i) {
  constexpr std::string_view kShort = "\"\"\\\\b\bt\tn\nf\fr\r";
  if (text[i + 1] != 'u') {
    const uint32_t code = static_cast<uint8_t>(kShort[kShort.find(text[i + 1]) + 1]);
    i += 2;
    return code;
  }
  uint32_t code = 0;
  SEAL_CHECK(std::from_chars(text.data() + i + 2, text.data() + i + 6, code, 16).ec == std::errc());
  i += 6;
  return code;
}

// A string's body as the code units that names are sorted by.
std::u16string CodeUnits(std::string_view body) {
  std::u16string out;
  for (size_t i = 0; i < body.size();) {
    AppendUtf16(out, body[i] == '\\' ? TakeEscape(body, i) : TakeUtf8(body, i));
  }
  return out;
}

class CanonicalJson : JsonScanner {
 public:
  using JsonScanner::JsonScanner;

  JsonFault Check() {
    if (Value(0) && !AtEnd()) Fail("something follows the value");
    return {error(), offset()};
  }

 private:
  bool Value(int depth) {
    if (depth > kDepthMax) return Fail("nested too deeply");
    std::string_view text;
    switch (Peek()) {
      case '{':
        return Object(depth);
      case '[':
        return Array(depth);
      case '"':
        return String(&text);
      case 't':
        return Take("true", "not a value");
      case 'f':
        return Take("false", "not a value");
      case 'n':
        return Take("null", "not a value");
      default:
        return Number();
    }
  }

  bool Array(int depth) {
    Take('[', "");
    if (TryTake(']')) return true;
    do {
      if (!Value(depth + 1)) return false;
    } while (TryTake(','));
    return Take(']', "a comma or ] is expected");
  }

  bool Object(int depth) {
    Take('{', "");
    if (TryTake('}')) return true;
    std::optional<std::u16string> last;
    do {
      std::string_view body;
      const uint8_t* const at = p_;
      if (!String(&body)) return false;
      std::u16string name = CodeUnits(body);
      if (last && name <= *last) {
        p_ = at;
        return Fail(name == *last ? "a member stands twice" : "members are not sorted");
      }
      last = std::move(name);
      if (!Take(':', "a colon is expected") || !Value(depth + 1)) return false;
    } while (TryTake(','));
    return Take('}', "a comma or } is expected");
  }
};

}  // namespace

JsonFault CheckCanonicalJson(ByteView text) {
  return CanonicalJson(text).Check();
}

// Escapes stand only for characters below U+0080.
std::string UnescapeJson(std::string_view body) {
  std::string out;
  for (size_t i = 0; i < body.size();) {
    if (body[i] == '\\') {
      out += static_cast<char>(TakeEscape(body, i));
    } else {
      out += body[i++];
    }
  }
  return out;
}

}  // namespace sealtrail::verify
