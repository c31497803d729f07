#include "record/json_cursor.h"

#include <cstdint>
#include <cstring>

namespace sealtrail::record {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Canonical JSON writes \u only for controls, so one UTF-16 unit below the surrogates is all there
// can be.
bool AppendCodePoint(std::string& out, std::string_view digits) {
  uint32_t unit = 0;
  for (const char c : digits) {
    const int digit = HexDigit(c);
    if (digit < 0) return false;
    unit = unit << 4 | static_cast<uint32_t>(digit);
  }
  if (unit >= 0x80) return false;
  out.push_back(static_cast<char>(unit));
  return true;
}

char SimpleEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace

// Most strings are short and without escapes, so the first try looks for the quote alone; a string
// with an escape is then walked byte by byte, for a second search from each escape on would be
// quadratic.
JsonString JsonCursor::String() {
  Expect('"');
  const char* const begin = at_;
  const auto* quote =
      static_cast<const char*>(std::memchr(at_, '"', static_cast<size_t>(end_ - at_)));
  if (quote == nullptr) {
    Fail();
    return {};
  }
  if (std::memchr(at_, '\\', static_cast<size_t>(quote - at_)) == nullptr) {
    at_ = quote + 1;
    return {{begin, static_cast<size_t>(quote - begin)}, false};
  }
  for (; at_ != end_; ++at_) {
    if (*at_ == '"') return {{begin, static_cast<size_t>(at_++ - begin)}, true};
    if (*at_ == '\\' && ++at_ == end_) break;
  }
  Fail();
  return {};
}

std::string_view JsonCursor::Literal() {
  const char* const begin = at_;
  while (at_ != end_ && *at_ != ',' && *at_ != ']' && *at_ != '}') ++at_;
  if (at_ == begin) Fail();
  return {begin, static_cast<size_t>(at_ - begin)};
}

std::string_view JsonCursor::Skip() {
  const char* const begin = at_;
  size_t depth = 0;
  do {
    switch (Peek()) {
      case '"':
        String();
        break;
      case '{':
      case '[':
        ++depth;
        ++at_;
        break;
      case '}':
      case ']':
        if (depth == 0) {
          Fail();
        } else {
          --depth;
          ++at_;
        }
        break;
      case ',':
      case ':':
        if (depth == 0) {
          Fail();
        } else {
          ++at_;
        }
        break;
      default:
        Literal();
    }
    if (failed_) return {};
  } while (depth > 0);
  return {begin, static_cast<size_t>(at_ - begin)};
}

bool AppendUnescaped(std::string& out, std::string_view raw) {
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out.push_back(raw[i]);
      continue;
    }
    if (++i == raw.size()) return false;
    if (raw[i] == 'u') {
      if (raw.size() - i < 5 || !AppendCodePoint(out, raw.substr(i + 1, 4))) return false;
      i += 4;
      continue;
    }
    const char c = SimpleEscape(raw[i]);
    if (c == '\0') return false;
    out.push_back(c);
  }
  return true;
}

}  // namespace sealtrail::record
