// A JSON text (RFC 8259), read once from front to back by whoever knows what should come next.
//
// Why not simdjson, which reads JSON elsewhere: its DOM refuses a whole document for one number
// beyond 64 bits, and JavaScript writes the double 1e20 as 100000000000000000000; it refuses lone
// surrogates, which JavaScript strings may hold; and its on-demand reader does not check what it
// skips. Here numbers stay text until the field is known, and every byte is checked. The tests hold
// this reader to simdjson on everything that both must agree on.
#pragma once

#include <cstddef>
#include <string_view>

#include "otlp/decode_state.h"

namespace sealtrail::otlp {

class JsonReader {
 public:
  enum class Kind { kNone, kObject, kArray, kString, kNumber, kBool, kNull };

  // `text` is UTF-8 and outlives every view handed out, as does the arena of `state`, where errors go too.
  JsonReader(std::string_view text, DecodeState& state) : text_(text), state_(state) {}

  // Of the value that comes next; kNone where none begins.
  Kind Peek();

  // Calls member(key) for each member of an object; it must read the value and say whether it
  // could. A member that is null is no member, as in protobuf's JSON.
  template <typename OnMember>
  bool Object(OnMember&& member) {
    if (!Open('{', "an object")) return false;
    if (Take('}')) return Close();
    do {
      std::string_view key;
      if (!String(key) || !Expect(':')) return false;
      if (!TakeNull() && !member(key)) return false;
    } while (Take(','));
    return Expect('}') && Close();
  }

  // Calls element() before each element of an array; it must read it and say whether it could.
  template <typename OnElement>
  bool Array(OnElement&& element) {
    if (!Open('[', "an array")) return false;
    if (Take(']')) return Close();
    do {
      if (!element()) return false;
    } while (Take(','));
    return Expect(']') && Close();
  }

  // Unescaped. Copied to the arena only if it holds an escape. A lone surrogate (\ud800 without its
  // other half) has no UTF-8; it becomes the three bytes that UTF-8 would give it, and so is kept,
  // and seen, as text that is not UTF-8.
  bool String(std::string_view& out);
  // As written.
  bool Number(std::string_view& out);
  bool Bool(bool& out);
  bool TakeNull();

  // Any value, checked to its last byte like those that are read.
  bool Skip();

  // Nothing but white space may follow.
  bool End();

  // InvalidArgument "<what> (byte 17)".
  bool Fail(std::string_view what);

 private:
  void SkipSpace();
  bool Take(char c);
  bool Expect(char c);
  bool Open(char c, const char* what);
  bool Close() {
    --depth_;
    return true;
  }
  bool TakeWord(std::string_view word);
  bool FindStringEnd(size_t& end, bool& escaped);
  bool Unescape(std::string_view raw, std::string_view& out);
  bool HexUnit(std::string_view raw, size_t at, uint32_t& unit);

  const std::string_view text_;
  DecodeState& state_;
  size_t at_ = 0;
  int depth_ = 0;
};

// Whether `text` is a number as JSON writes it, whole.
bool IsJsonNumber(std::string_view text);

}  // namespace sealtrail::otlp
