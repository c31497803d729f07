// The headers of a segment file: docs/formats/segment.md §2 and §3, format version 1, field by field.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/limits.h"
#include "crypto/sha256.h"

namespace sealtrail::verify {

constexpr size_t kFileHeaderBytes = 128;
constexpr size_t kFrameHeaderBytes = 120;
constexpr uint8_t kFormatVersion = 1;
// A log is closed at 256 MiB, and under load holds twice that and a group of batches more. A longer file has holes, or
// is a stranger's.
constexpr uint64_t kSegmentFileBytesMax = 4 * kGiB;
constexpr std::string_view kFrameMagic = "SEAF";

// A place in a header that has a name.
struct Field {
  const char* name;
  size_t offset;
  size_t length;
};

// A segment grows as a log and is kept in the sealed form.
enum class Form : uint8_t { kLog = 1, kSealed = 2 };

// From and to, both inclusive.
struct Bounds {
  int64_t least = 0;
  int64_t greatest = 0;

  bool Hold(int64_t value) const { return least <= value && value <= greatest; }
  bool operator==(const Bounds&) const = default;
};

// The bounds of what was added to them.
class BoundsSoFar {
 public:
  void Add(int64_t value) {
    bounds_ = any_ ? Bounds{std::min(bounds_.least, value), std::max(bounds_.greatest, value)}
                   : Bounds{value, value};
    any_ = true;
  }
  bool any() const { return any_; }
  const Bounds& bounds() const { return bounds_; }  // zeros where nothing was added

 private:
  Bounds bounds_;
  bool any_ = false;
};

struct FileHeader {
  static const Field& FieldAt(size_t offset);

  uint8_t version = 0;
  uint8_t form = 0;
  uint64_t first = 0;
  crypto::Hash chain{};        // running hash before the first record
  crypto::Hash origin_hash{};  // SHA-256 of the origin
};

struct FrameHeader {
  static const Field& FieldAt(size_t offset);

  uint8_t type = 0;   // 1 records, 2 side content, 3 index
  uint8_t codec = 0;  // of the body: 0 raw, 1 zstd, 2 parted
  uint64_t first = 0;
  uint32_t count = 0;
  uint32_t body_bytes = 0;
  uint32_t notes_bytes = 0;
  uint32_t side_count = 0;
  uint64_t synced = 0;
  crypto::Hash chain{};
  uint32_t decoded_bytes = 0;  // of the body
  Bounds event;                // of its records' times, nanoseconds since 1970
  Bounds received;             // of their receipt times
  uint32_t payload_crc = 0;

  bool is_records() const { return type == 1; }
  bool is_side() const { return type == 2; }
  bool is_index() const { return type == 3; }
  uint64_t end() const { return first + count; }
  uint64_t payload_bytes() const {
    return uint64_t{body_bytes} + notes_bytes + uint64_t{side_count} * 8;
  }
  uint64_t frame_bytes() const { return kFrameHeaderBytes + payload_bytes(); }
};

// True if the last four bytes are the checksum of the rest.
bool HeaderChecksumHolds(ByteView header);

// What the fields say, and the offset of the first one that no writer could have written so. The checksum is not
// looked at here.
FileHeader DecodeFileHeader(ByteView bytes, std::optional<size_t>* wrong);
FrameHeader DecodeFrameHeader(ByteView bytes, Form form, std::optional<size_t>* wrong);

// "00000000000000000042" and ".seg", ".log", ".manifest", ...
std::string SegmentName(uint64_t first, std::string_view suffix);
// The number in such a name; nothing if it is none.
std::optional<uint64_t> FirstOfSegmentName(std::string_view name, std::string_view suffix);

}  // namespace sealtrail::verify
