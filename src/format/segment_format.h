// The bytes of a segment file: docs/formats/segment.md, format version 1.
// Encodes and decodes headers; whoever writes or reads files brings the bodies.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"

namespace sealtrail::format {

constexpr size_t kSegmentHeaderBytes = 128;
constexpr size_t kFrameHeaderBytes = 120;
constexpr uint8_t kFormatVersion = 1;

using Hash32 = std::array<uint8_t, 32>;

enum class Form : uint8_t { kLog = 1, kSealed = 2 };

struct SegmentHeader {
  Form form = Form::kLog;
  Seq first{};
  Hash32 chain_before{};
  Hash32 origin_hash{};  // SHA-256 of the origin
  UnixNanos created{};
};

std::array<uint8_t, kSegmentHeaderBytes> EncodeSegmentHeader(const SegmentHeader& header);

// DataLoss if magic, checksum or padding is wrong; Unimplemented for a version this program does
// not know.
Result<SegmentHeader> DecodeSegmentHeader(ByteView bytes);

enum class FrameType : uint8_t { kRecords = 1, kSide = 2, kIndex = 3 };
enum class Codec : uint8_t { kRaw = 0, kZstd = 1, kParted = 2 };

constexpr size_t kBundleBytesMax = kFrameRecordsMax * (kLeafBytesMax + 2);

// No record's time lies outside, nanoseconds since 1970. All zero where there is no record.
struct TimeBounds {
  int64_t event_min = 0;
  int64_t event_max = 0;
  int64_t received_min = 0;
  int64_t received_max = 0;
  bool operator==(const TimeBounds&) const = default;
};

// The bounds of both; `a` may be those of no record (`a_empty`).
TimeBounds Widen(const TimeBounds& a, bool a_empty, const TimeBounds& b);

struct FrameHeader {
  FrameType type = FrameType::kRecords;
  Codec codec = Codec::kRaw;
  Seq first{};
  uint32_t count = 0;  // records, at most kFrameRecordsMax
  uint32_t body_bytes = 0;
  uint32_t notes_bytes = 0;
  uint32_t side_offsets = 0;  // count
  uint64_t synced = 0;
  Hash32 chain_before{};
  uint32_t decoded_bytes = 0;  // of the body
  TimeBounds times;
  uint32_t payload_crc = 0;  // over body, notes and side offsets, as they stand in the file

  // What follows the header.
  uint64_t payload_bytes() const {
    return uint64_t{body_bytes} + notes_bytes + uint64_t{side_offsets} * 8;
  }
};

std::array<uint8_t, kFrameHeaderBytes> EncodeFrameHeader(const FrameHeader& header);

// DataLoss if magic, checksum, padding, type or a length is impossible.
Result<FrameHeader> DecodeFrameHeader(ByteView bytes);

// The leaves of a records body (a C2SP entry bundle). DataLoss unless they fill it exactly and are
// `count`.
Result<std::vector<std::string_view>> SplitBundle(ByteView body, uint32_t count);

// A note of a frame: of the batch whose first record has that number.
struct NoteView {
  Seq first;
  ByteView bytes;
};
constexpr size_t kNoteSeqBytes = 8;

// The notes of a records frame. DataLoss unless they fill `notes` exactly.
Result<std::vector<NoteView>> SplitNotes(ByteView notes);

// A bundle of leaves, or any other content, in the smallest form that a codec of ours gives it, into `out`; returns which.
// Threads  Safe; keep their work space per thread.
Codec EncodeBundle(ByteView bundle, Bytes& out);
Codec EncodeContent(ByteView content, Bytes& out);

// What a body stands for. DataLoss unless it decodes to exactly `decoded_bytes` bytes with nothing behind it.
Result<Bytes> DecodeBody(Codec codec, ByteView body, uint32_t decoded_bytes);

// What the last frame of a sealed file says (docs/formats/segment.md §4).
struct SegmentIndex {
  std::vector<uint64_t> offsets;  // of the records frames
  std::vector<Hash32>
      nodes;  // perfect subtrees of kFrameRecordsMax records that end in this segment
};

Bytes EncodeIndex(const SegmentIndex& index);

// DataLoss unless `body` is exactly one index.
Result<SegmentIndex> DecodeIndex(ByteView body);

// Files of a segment, named by its first record.
enum class FileKind : uint8_t { kLog, kSealing, kSealed, kManifest };

// "00000000000000000042.seg"
std::string SegmentFileName(Seq first, FileKind kind);

struct SegmentFile {
  Seq first;
  FileKind kind;
};

// InvalidArgument if `name` is not the name of a segment's file.
Result<SegmentFile> ParseSegmentFileName(std::string_view name);

}  // namespace sealtrail::format
