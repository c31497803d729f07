// What a record lacks or overdoes, seen from its own bytes; and what its leaf says that it was found to be when it came
// (docs/formats/record.md §3, `f`). Never a reason to refuse one. docs/sql.md defines each.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace sealtrail::vocab {

// Bits, in the byte order of their names, which is also the order in which they are shown.
enum class Finding : uint8_t {
  kConflict,
  kDroppedAttributes,
  kDuplicateKeys,
  kFutureTime,
  kInvalidUtf8,
  kLate,
  kLateDuplicate,
  kNoActor,
  kNoId,
  kNoOutcome,
  kNoTime,
  kOversize,
  kPossibleDuplicate,
  kRedacted,
  kUnreadable,
  kUnsampled,
};
constexpr size_t kFindingCount = static_cast<size_t>(Finding::kUnsampled) + 1;

constexpr std::array<std::string_view, kFindingCount> kFindingNames = {
    "conflict", "dropped_attributes", "duplicate_keys",     "future_time", "invalid_utf8",
    "late",     "late_duplicate",     "no_actor",           "no_id",       "no_outcome",
    "no_time",  "oversize",           "possible_duplicate", "redacted",    "unreadable",
    "unsampled"};

constexpr uint32_t Bit(Finding finding) {
  return 1u << static_cast<uint32_t>(finding);
}

// An event may be this far ahead of the store's clock, and this old, before it is remarked upon.
constexpr int64_t kFutureToleranceNanos = 5 * 60 * kNanosPerSecond;
constexpr int64_t kLateNanos = 24 * 60 * 60 * kNanosPerSecond;

}  // namespace sealtrail::vocab
