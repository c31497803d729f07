// Walks canonical JSON (RFC 8785, as docs/formats/record.md writes it) without building a tree.
//
// A row needs a few members of a leaf and skips the rest, and the form is fixed: no white space,
// escapes only where needed. A general parser spent more time on what we skip than this one spends
// altogether.
#pragma once

#include <string>
#include <string_view>

namespace sealtrail::record {

// A JSON string as it stands between its quotes.
struct JsonString {
  std::string_view raw;
  bool escaped = false;  // `raw` holds backslashes; AppendUnescaped() resolves them
};

// Errors   Sticky: after the first byte that does not fit, everything reads as the end and failed()
// is true.
//          No input makes it read outside its bytes, loop for ever or recurse.
// Threads  Compatible.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view json) : at_(json.data()), end_(json.data() + json.size()) {}

  bool failed() const { return failed_; }
  bool AtEnd() const { return at_ == end_; }

  // The next byte, or 0 at the end.
  char Peek() const { return at_ == end_ ? '\0' : *at_; }
  // Takes `c` if it is next.
  bool Consume(char c) {
    if (Peek() != c || at_ == end_) return false;
    ++at_;
    return true;
  }
  void Expect(char c) {
    if (!Consume(c)) Fail();
  }
  void Fail() {
    failed_ = true;
    at_ = end_;
  }

  JsonString String();
  // A number, true, false or null, as it stands.
  std::string_view Literal();
  // Any value; returns its text.
  std::string_view Skip();

  // Calls member(name) for each member; it must consume the value.
  template <typename F>
  void Object(F member) {
    Expect('{');
    if (Consume('}')) return;
    do {
      const std::string_view name = String().raw;
      Expect(':');
      if (failed_) return;
      member(name);
    } while (Consume(','));
    Expect('}');
  }
  // Calls element() for each element; it must consume it.
  template <typename F>
  void Array(F element) {
    Expect('[');
    if (Consume(']')) return;
    do {
      element();
      if (failed_) return;
    } while (Consume(','));
    Expect(']');
  }

 private:
  const char* at_;
  const char* end_;
  bool failed_ = false;
};

// Resolves escapes. False if one is malformed.
bool AppendUnescaped(std::string& out, std::string_view raw);

}  // namespace sealtrail::record
