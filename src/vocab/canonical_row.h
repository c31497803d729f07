// A record as the tables show it: canonical columns, and attributes and resource as ordered key →
// text. What each column means, and how values become text: docs/sql.md.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "base/ids.h"
#include "vocab/columns.h"

namespace sealtrail::vocab {

// NULL is a view without data; an empty text has data. All text is UTF-8.
constexpr std::string_view kNullText{};
constexpr bool IsNull(std::string_view text) {
  return text.data() == nullptr;
}

constexpr int64_t kNullTime = std::numeric_limits<int64_t>::min();

struct MapEntry {
  std::string_view key;
  std::string_view value;  // NULL: the key is there, its value is empty
};

// Ownership  Every view borrows from the leaf or from the RowDecoder that filled the row, until its
// next Decode.
struct CanonicalRow {
  Seq seq{};
  std::array<int64_t, kTimeColumnCount> times;  // nanoseconds since 1970 UTC, or kNullTime
  std::array<std::string_view, kTextColumnCount> texts;
  int32_t severity_number = 0;           // 0: NULL
  uint32_t findings = 0;                 // bits of Finding
  std::span<const MapEntry> attributes;  // keys in byte order, each once
  std::span<const MapEntry> resource;    // likewise
  uint64_t resource_id = 0;              // equal ids of one decoder: equal resources

  std::string_view text(TextColumn column) const { return texts[static_cast<size_t>(column)]; }
  int64_t time(TimeColumn column) const { return times[static_cast<size_t>(column)]; }
};

}  // namespace sealtrail::vocab
