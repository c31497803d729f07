#include "otlp/json_reader.h"

#include "base/limits.h"

namespace sealtrail::otlp {
namespace {

// An AnyValue in an AnyValue takes four levels of JSON (kvlistValue, values, a pair, its value),
// the rest of a request some more. What only skips values is held to it as well.
constexpr int kJsonNestingMax = 4 * kNestingMax + 32;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

size_t SkipDigits(std::string_view text, size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

// Length of the number that `text` begins with, 0 if there is none.
size_t NumberLength(std::string_view text) {
  size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  const size_t digits = SkipDigits(text, at);
  if (digits == at || (text[at] == '0' && digits > at + 1)) return 0;
  at = digits;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = SkipDigits(text, at + 1);
    if (fraction == at + 1) return 0;
    at = fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = SkipDigits(text, at);
    if (exponent == at) return 0;
    at = exponent;
  }
  return at;
}

char* PutUtf8(char* out, uint32_t c) {
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
    return out;
  }
  if (c < 0x800) {
    *out++ = static_cast<char>(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      *out++ = static_cast<char>(0xe0 | c >> 12);
    } else {
      *out++ = static_cast<char>(0xf0 | c >> 18);
      *out++ = static_cast<char>(0x80 | (c >> 12 & 0x3f));
    }
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3f));
  }
  *out++ = static_cast<char>(0x80 | (c & 0x3f));
  return out;
}

bool IsHigh(uint32_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}
bool IsLow(uint32_t unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

}  // namespace

bool IsJsonNumber(std::string_view text) {
  return !text.empty() && NumberLength(text) == text.size();
}

bool JsonReader::Fail(std::string_view what) {
  return state_.Fail(InvalidArgument("{} (byte {})", what, at_));
}

void JsonReader::SkipSpace() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
    ++at_;
  }
}

bool JsonReader::Take(char c) {
  SkipSpace();
  if (at_ == text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool JsonReader::Expect(char c) {
  if (Take(c)) return true;
  return Fail(at_ == text_.size() ? "truncated" : fmt::format("not JSON, expected '{}'", c));
}

bool JsonReader::Open(char c, const char* what) {
  if (!Take(c)) {
    return Fail(at_ == text_.size() ? "truncated" : fmt::format("expected {}", what));
  }
  if (++depth_ > kJsonNestingMax) return Fail("JSON nests too deep");
  return true;
}

JsonReader::Kind JsonReader::Peek() {
  SkipSpace();
  if (at_ == text_.size()) return Kind::kNone;
  switch (text_[at_]) {
    case '{':
      return Kind::kObject;
    case '[':
      return Kind::kArray;
    case '"':
      return Kind::kString;
    case 't':
    case 'f':
      return Kind::kBool;
    case 'n':
      return Kind::kNull;
    default:
      return IsDigit(text_[at_]) || text_[at_] == '-' ? Kind::kNumber : Kind::kNone;
  }
}

bool JsonReader::TakeWord(std::string_view word) {
  SkipSpace();
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonReader::TakeNull() {
  return TakeWord("null");
}

bool JsonReader::Bool(bool& out) {
  out = TakeWord("true");
  return out || TakeWord("false") || Fail("expected true or false");
}

bool JsonReader::Number(std::string_view& out) {
  SkipSpace();
  const size_t length = NumberLength(text_.substr(at_));
  if (length == 0) return Fail("expected a number");
  out = text_.substr(at_, length);
  at_ += length;
  return true;
}

bool JsonReader::String(std::string_view& out) {
  if (!Take('"')) return Fail(at_ == text_.size() ? "truncated" : "expected a string");
  size_t end;
  bool escaped;
  if (!FindStringEnd(end, escaped)) return false;
  const std::string_view raw = text_.substr(at_, end - at_);
  if (!escaped) {
    out = raw;
  } else if (!Unescape(raw, out)) {
    return false;
  }
  at_ = end + 1;
  return true;
}

bool JsonReader::FindStringEnd(size_t& end, bool& escaped) {
  escaped = false;
  for (end = at_; end < text_.size(); ++end) {
    const char c = text_[end];
    if (c == '"') return true;
    if (static_cast<unsigned char>(c) < 0x20) {
      at_ = end;
      return Fail("not JSON, a control character in a string");
    }
    if (c == '\\') {
      escaped = true;
      ++end;
    }
  }
  return Fail("truncated in a string");
}

bool JsonReader::HexUnit(std::string_view raw, size_t at, uint32_t& unit) {
  if (raw.size() - at < 4) return false;
  unit = 0;
  for (const char c : raw.substr(at, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    if (IsDigit(c)) {
      unit = unit << 4 | static_cast<uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      unit = unit << 4 | static_cast<uint32_t>(lower - 'a' + 10);
    } else {
      return false;
    }
  }
  return true;
}

// An escape is never shorter than what it stands for, so raw.size() bytes suffice.
bool JsonReader::Unescape(std::string_view raw, std::string_view& out) {
  if (!state_.HasRoomFor(raw.size())) return state_.TooLarge();
  char* const begin = static_cast<char*>(state_.arena().Allocate(raw.size(), 1));
  char* to = begin;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      *to++ = raw[i];
      continue;
    }
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char escape = raw[++i];
    if (const size_t found = kEscapes.find(escape); found != std::string_view::npos) {
      *to++ = kMeanings[found];
      continue;
    }
    uint32_t unit;
    if (escape != 'u' || !HexUnit(raw, i + 1, unit))
      return Fail("not JSON, a wrong escape in a string");
    i += 4;
    uint32_t low;
    if (IsHigh(unit) && raw.substr(i + 1).starts_with("\\u") && HexUnit(raw, i + 3, low) &&
        IsLow(low)) {
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
      i += 6;
    }
    to = PutUtf8(to, unit);
  }
  out = {begin, static_cast<size_t>(to - begin)};
  return true;
}

bool JsonReader::Skip() {
  std::string_view text;
  bool truth;
  switch (Peek()) {
    case Kind::kObject:
      return Object([this](std::string_view) { return Skip(); });
    case Kind::kArray:
      return Array([this] { return Skip(); });
    case Kind::kString:
      return String(text);
    case Kind::kNumber:
      return Number(text);
    case Kind::kBool:
      return Bool(truth);
    case Kind::kNull:
      return TakeNull() || Fail("expected null");
    case Kind::kNone:
      break;
  }
  return Fail(at_ == text_.size() ? "truncated" : "not JSON, no value begins here");
}

bool JsonReader::End() {
  SkipSpace();
  return at_ == text_.size() || Fail("not JSON, something follows its end");
}

}  // namespace sealtrail::otlp
