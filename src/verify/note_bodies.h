// What the two notes of a trail say: docs/formats/checkpoint.md. The checkpoint is a C2SP
// tlog-checkpoint.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "crypto/sha256.h"

namespace sealtrail::verify {

struct CheckpointBody {
  std::string_view origin;
  uint64_t size = 0;
  crypto::Hash root{};
};

// `text` is a note's signed text. Exactly three lines; the size in decimal without leading zeros.
// InvalidArgument names the line. The views borrow from `text`.
Result<CheckpointBody> ParseCheckpointBody(std::string_view text);

struct TrailBody {
  std::string_view origin;
  uint64_t format = 0;
  std::string_view created;
};

// Exactly four lines. InvalidArgument names the line; Unimplemented if the trail was written by a
// later format.
Result<TrailBody> ParseTrailBody(std::string_view text);

// Decimal digits without leading zeros, at most 2^64 - 1.
bool ParseDecimal(std::string_view text, uint64_t* value);

}  // namespace sealtrail::verify
