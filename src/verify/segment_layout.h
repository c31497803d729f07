// The headers of a segment file: docs/formats/segment.md §2 and §3, format version 0, field by field.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/sha256.h"

namespace sealtrail::verify {

constexpr size_t kFileHeaderBytes = 128;
constexpr size_t kFrameHeaderBytes = 88;
constexpr std::string_view kFrameMagic = "SEAF";

// A place in a header that has a name.
struct Field {
  const char* name;
  size_t offset;
  size_t length;
};

struct FileHeader {
  static const Field& FieldAt(size_t offset);

  uint8_t version = 0;
  uint64_t first = 0;
  crypto::Hash chain{};        // running hash before the first record
  crypto::Hash origin_hash{};  // SHA-256 of the origin
};

struct FrameHeader {
  static const Field& FieldAt(size_t offset);

  uint8_t type = 0;   // 1 records, 2 side content
  uint8_t codec = 0;  // of the body: 0 raw, 1 zstd
  uint64_t first = 0;
  uint32_t count = 0;
  uint32_t body_bytes = 0;
  uint32_t notes_bytes = 0;
  uint32_t side_count = 0;
  uint64_t synced = 0;
  crypto::Hash chain{};
  uint32_t decoded_bytes = 0;  // of the body
  uint32_t payload_crc = 0;

  bool is_side() const { return type == 2; }
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
FrameHeader DecodeFrameHeader(ByteView bytes, std::optional<size_t>* wrong);

// "00000000000000000042.seg"
std::string SegmentName(uint64_t first);
std::optional<uint64_t> FirstOfSegmentName(std::string_view name);

}  // namespace sealtrail::verify
