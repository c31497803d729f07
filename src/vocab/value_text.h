// A value of docs/formats/record.md §2 as text: strings bare, numbers and bools as JSON text, lists
// and maps as JSON (keys in byte order, the last duplicate wins), bytes and invalid UTF-8 as
// base64, no value as NULL, what was redacted as what is left of it (NULL for nothing).
#pragma once

#include <string>
#include <string_view>

#include "record/json_cursor.h"
#include "vocab/scratch.h"

namespace sealtrail::vocab {

using record::JsonCursor;

struct ValueText {
  std::string_view text;  // NULL (no data) where there is no value
  std::string_view map;   // of a map: its pairs as they stand in the leaf, "[[…],…]"; else NULL
  bool invalid_utf8 = false;  // the value itself is a tagged text
};

// Takes one value from `cursor`. Text that is not in the leaf as it stands is made in `scratch`.
// Errors  The cursor fails on a tag that the record format does not name, and on nesting over
// kNestingMax.
ValueText TakeValue(JsonCursor& cursor, Scratch& scratch);

// Takes a text: a JSON string, or in its place {"u":"<base64>"} (then `invalid` is set) or a mark of redaction.
std::string_view TakeText(JsonCursor& cursor, Scratch& scratch, bool& invalid);

// Calls pair(key, has_value) for each pair of "[[key, value, …],…]"; it must consume the value
// where there is one. A pair is [key], [key, value] or [key, value, "unknown"], with 0 for a value
// that is absent.
template <typename F>
void TakePairs(JsonCursor& cursor, Scratch& scratch, F pair) {
  cursor.Array([&] {
    cursor.Expect('[');
    bool invalid = false;
    const std::string_view key = TakeText(cursor, scratch, invalid);
    if (!cursor.Consume(',')) {
      pair(key, false);
      cursor.Expect(']');
      return;
    }
    if (cursor.Peek() == '0') {
      cursor.Literal();
      pair(key, false);
    } else {
      pair(key, true);
    }
    if (cursor.Consume(',')) cursor.String();
    cursor.Expect(']');
  });
}

}  // namespace sealtrail::vocab
