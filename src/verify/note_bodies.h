// What the notes of a trail say, and its signing record: docs/formats/{checkpoint,manifest}.md. The checkpoint is a
// C2SP tlog-checkpoint. All views borrow from what was parsed; every InvalidArgument names the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "crypto/sha256.h"
#include "verify/segment_layout.h"
#include "verify/tree.h"

namespace sealtrail::verify {

struct CheckpointBody {
  std::string_view origin;
  uint64_t size = 0;
  crypto::Hash root{};
};

// `text` is a note's signed text. Exactly three lines; the size in decimal without leading zeros.
Result<CheckpointBody> ParseCheckpointBody(std::string_view text);

struct TrailBody {
  std::string_view origin;
  uint64_t format = 0;
  std::string_view created;
};

// Exactly four lines. Unimplemented if the trail was written by another format.
Result<TrailBody> ParseTrailBody(std::string_view text);

struct ManifestBody {
  std::string_view origin;
  uint64_t segment = 0;
  uint64_t records = 0;
  uint64_t file_bytes = 0;
  crypto::Hash file_hash{};
  uint64_t index_offset = 0;
  uint64_t leaves_bytes = 0;
  crypto::Hash chain_before{};
  crypto::Hash chain_after{};
  uint64_t size_before = 0;
  crypto::Hash root_before{};
  uint64_t size_after = 0;
  crypto::Hash root_after{};
  std::vector<TreeNode> nodes;
  Bounds event;
  Bounds received;
  std::optional<crypto::Hash> rules;
  std::optional<crypto::Hash> config;
  std::optional<crypto::Hash> previous;
  uint64_t epoch = 0;
  std::string_view sealed;
};

// Unimplemented if it was written by another format. The numbers agree with one another: `before` is `segment`, `after`
// is that and `records`, the `node` lines are those of the range.
Result<ManifestBody> ParseManifestBody(std::string_view text);

struct SigningState {
  std::string_view origin;
  uint64_t epoch = 0;
  uint64_t size = 0;
  crypto::Hash root{};
};

// Exactly six lines. DataLoss if the last one is not the SHA-256 of those before.
Result<SigningState> ParseSigningState(std::string_view text);

// "2026-11-24T03:04:05Z", with or without decimals of the second.
bool IsIso8601(std::string_view text);

// Decimal digits without leading zeros, at most 2^64 - 1.
bool ParseDecimal(std::string_view text, uint64_t* value);

}  // namespace sealtrail::verify
