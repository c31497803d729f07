#include "vocab/invalid_text.h"

#include "record/json_cursor.h"

namespace sealtrail::vocab {
namespace {

using record::JsonCursor;

constexpr int kDepthMax = 2048;

bool Walk(JsonCursor& cursor, std::string_view member, int depth) {
  bool found = false;
  if (depth > kDepthMax) {
    cursor.Fail();
  } else if (cursor.Peek() == '{') {
    int members = 0;
    bool has_u = false;
    cursor.Object([&](std::string_view name) {
      ++members;
      has_u |= name == "u" && cursor.Peek() == '"';
      found |= Walk(cursor, name, depth + 1);
    });
    found |= members == 1 && has_u && member != "re" && member != "sc" && member != "er";
  } else if (cursor.Peek() == '[') {
    cursor.Array([&] { found |= Walk(cursor, member == "er" ? "er" : "", depth + 1); });
  } else {
    cursor.Skip();
  }
  return found;
}

}  // namespace

// Nearly no record has the six bytes that open the tag, and inside a JSON string they cannot stand
// unescaped.
bool HasInvalidText(std::string_view json, std::string_view member) {
  if (json.find("{\"u\":\"") == std::string_view::npos) return false;
  JsonCursor cursor(json);
  return Walk(cursor, member, 0);
}

}  // namespace sealtrail::vocab
