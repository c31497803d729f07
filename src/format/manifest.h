// The text of a segment's manifest: docs/formats/manifest.md. Who signs it is not this file's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "format/segment_format.h"

namespace sealtrail::format {

constexpr size_t kManifestBytesMax = 64 * kKiB;  // signed, as a file
constexpr uint32_t kRecordFormat = 1;            // docs/formats/record.md

struct TreeHead {
  TreeSize size{0};
  Hash32 root{};
  bool operator==(const TreeHead&) const = default;
};

// A perfect subtree: records index * 2^level to (index + 1) * 2^level - 1.
struct ManifestNode {
  uint32_t level;
  uint64_t index;
  Hash32 hash;
  bool operator==(const ManifestNode&) const = default;
};

struct Manifest {
  std::string origin;
  Seq first{};
  uint64_t records = 0;
  uint64_t file_bytes = 0;
  Hash32 file_hash{};
  uint64_t index_offset = 0;
  uint64_t leaf_bytes = 0;
  Hash32 chain_before{};
  Hash32 chain_after{};
  TreeHead before;
  TreeHead after;
  std::vector<ManifestNode> nodes;  // compact range of the segment, left to right
  TimeBounds times;
  std::optional<Hash32> rules;
  std::optional<Hash32> config;
  std::optional<Hash32> previous;
  uint32_t epoch = 0;
  UnixNanos sealed{};

  // The number after its last record.
  Seq end() const { return first + records; }
  bool operator==(const Manifest&) const = default;
};

// Ends in a line feed, as a signed note's text must.
std::string ManifestText(const Manifest& manifest);

// InvalidArgument, naming the line, unless `text` is exactly what ManifestText writes; Unimplemented for a later
// version. What it says is held against nothing here but itself (sizes that add up, bounds in order).
Result<Manifest> ParseManifestText(std::string_view text);

}  // namespace sealtrail::format
