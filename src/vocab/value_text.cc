#include "vocab/value_text.h"

#include <map>
#include <utility>

#include "base/limits.h"

namespace sealtrail::vocab {
namespace {

using record::AppendUnescaped;
using record::JsonString;

std::string_view Unescape(const JsonString& string, Scratch& scratch, JsonCursor& cursor) {
  if (!string.escaped) return string.raw;
  std::string plain;
  if (!AppendUnescaped(plain, string.raw)) cursor.Fail();
  return scratch.Copy(plain);
}

void AppendJsonValue(JsonCursor& cursor, std::string& out, int depth);

void AppendJsonList(JsonCursor& cursor, std::string& out, int depth) {
  out.push_back('[');
  bool first = true;
  cursor.Array([&] {
    if (!std::exchange(first, false)) out.push_back(',');
    AppendJsonValue(cursor, out, depth + 1);
  });
  out.push_back(']');
}

// Keys are compared unescaped, and written as they stood: canonical escapes are JSON's own.
void AppendJsonMap(JsonCursor& cursor, std::string& out, int depth) {
  struct Member {
    std::string name;
    std::string value;
  };
  std::map<std::string, Member> members;
  cursor.Array([&] {
    cursor.Expect('[');
    std::string quoted;
    std::string key;
    if (cursor.Peek() == '{') {
      std::string_view raw;  // base64, or what is left of a redacted key
      cursor.Object([&](std::string_view tag) {
        if (tag == "r") {
          cursor.Skip();
        } else {
          raw = cursor.String().raw;
        }
      });
      quoted = '"' + std::string(raw) + '"';
      if (!AppendUnescaped(key, raw)) cursor.Fail();
    } else {
      const JsonString name = cursor.String();
      quoted = '"' + std::string(name.raw) + '"';
      if (!AppendUnescaped(key, name.raw)) cursor.Fail();
    }
    std::string value = "null";
    if (cursor.Consume(',')) {
      if (cursor.Peek() == '0') {
        cursor.Literal();
      } else {
        value.clear();
        AppendJsonValue(cursor, value, depth + 1);
      }
      if (cursor.Consume(',')) cursor.String();
    }
    cursor.Expect(']');
    members[std::move(key)] = {std::move(quoted), std::move(value)};
  });
  out.push_back('{');
  bool first = true;
  for (const auto& [key, member] : members) {
    if (!std::exchange(first, false)) out.push_back(',');
    out += member.name;
    out.push_back(':');
    out += member.value;
  }
  out.push_back('}');
}

void AppendQuoted(std::string& out, std::string_view raw) {
  out.push_back('"');
  out += raw;
  out.push_back('"');
}

void AppendJsonTagged(JsonCursor& cursor, std::string& out, int depth) {
  const size_t start = out.size();
  cursor.Object([&](std::string_view tag) {
    if (tag == "i") {
      out += cursor.String().raw;
    } else if (tag == "d") {
      if (cursor.Peek() == '"') {
        const std::string_view name = cursor.String().raw;
        // Minus zero is a JSON number; the others have no JSON form of their own.
        if (name == "-0") {
          out += name;
        } else {
          AppendQuoted(out, name);
        }
      } else {
        out += cursor.Literal();
      }
    } else if (tag == "b" || tag == "u" || tag == "t") {
      AppendQuoted(out, cursor.String().raw);
    } else if (tag == "r") {
      cursor.Skip();
    } else if (tag == "l") {
      AppendJsonList(cursor, out, depth);
    } else if (tag == "m") {
      AppendJsonMap(cursor, out, depth);
    } else if (tag == "v") {
      AppendJsonValue(cursor, out, depth + 1);
    } else if (tag == "x") {
      cursor.String();
    } else {
      cursor.Fail();
    }
  });
  if (out.size() == start) out += "null";  // redacted, and nothing kept
}

void AppendJsonValue(JsonCursor& cursor, std::string& out, int depth) {
  // Each level of nesting may carry unknown fields, which wrap the value once more.
  if (depth > 2 * kNestingMax + 2) {
    cursor.Fail();
    return;
  }
  switch (cursor.Peek()) {
    case '"':
      AppendQuoted(out, cursor.String().raw);
      return;
    case '[':
      AppendJsonList(cursor, out, depth);
      return;
    case '{':
      AppendJsonTagged(cursor, out, depth);
      return;
    default:
      out += cursor.Literal();
  }
}

std::string_view JsonText(JsonCursor cursor, Scratch& scratch, JsonCursor& outer, bool is_map) {
  std::string json;
  if (is_map) {
    AppendJsonMap(cursor, json, 0);
  } else {
    AppendJsonList(cursor, json, 0);
  }
  if (cursor.failed()) outer.Fail();
  return scratch.Copy(json);
}

ValueText TakeTagged(JsonCursor& cursor, Scratch& scratch, int depth);

ValueText TakeAt(JsonCursor& cursor, Scratch& scratch, int depth) {
  if (depth > kNestingMax) {
    cursor.Fail();
    return {};
  }
  switch (cursor.Peek()) {
    case '"':
      return {.text = Unescape(cursor.String(), scratch, cursor)};
    case '{':
      return TakeTagged(cursor, scratch, depth);
    case '[':
      return {.text = JsonText(JsonCursor(cursor.Skip()), scratch, cursor, false)};
    case 'n':
      cursor.Literal();
      return {};
    case 't':
    case 'f':
      return {.text = cursor.Literal()};
    default:
      cursor.Fail();
      return {};
  }
}

ValueText TakeTagged(JsonCursor& cursor, Scratch& scratch, int depth) {
  ValueText value;
  cursor.Object([&](std::string_view tag) {
    if (tag == "i" || tag == "b") {
      value.text = cursor.String().raw;
    } else if (tag == "u") {
      value.text = cursor.String().raw;
      value.invalid_utf8 = true;
    } else if (tag == "r") {
      cursor.Skip();
    } else if (tag == "t") {
      value.text = Unescape(cursor.String(), scratch, cursor);
    } else if (tag == "d") {
      value.text = cursor.Peek() == '"' ? cursor.String().raw : cursor.Literal();
    } else if (tag == "l") {
      value.text = JsonText(JsonCursor(cursor.Skip()), scratch, cursor, false);
    } else if (tag == "m") {
      value.map = cursor.Skip();
      value.text = JsonText(JsonCursor(value.map), scratch, cursor, true);
    } else if (tag == "v") {
      value = TakeAt(cursor, scratch, depth + 1);
    } else if (tag == "x") {
      cursor.String();
    } else {
      cursor.Fail();
    }
  });
  return value;
}

}  // namespace

ValueText TakeValue(JsonCursor& cursor, Scratch& scratch) {
  return TakeAt(cursor, scratch, 0);
}

std::string_view TakeText(JsonCursor& cursor, Scratch& scratch, bool& invalid) {
  if (cursor.Peek() != '{') return Unescape(cursor.String(), scratch, cursor);
  std::string_view text;
  cursor.Object([&](std::string_view tag) {
    if (tag == "u") {
      text = cursor.String().raw;
      invalid = true;
    } else if (tag == "r") {
      cursor.Skip();
    } else if (tag == "t") {
      text = Unescape(cursor.String(), scratch, cursor);
    } else {
      cursor.Fail();
    }
  });
  return text;
}

}  // namespace sealtrail::vocab
