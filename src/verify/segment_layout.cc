#include "verify/segment_layout.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/limits.h"
#include "verify/note_bodies.h"

namespace sealtrail::verify {
namespace {

constexpr std::string_view kFileMagic = "SEALSEG";
constexpr uint32_t kBodyBytesMax = kFrameRecordsMax * (2 + kLeafBytesMax);
// Four members of each record may lie beside it.
constexpr uint32_t kSideCountMax = kFrameRecordsMax * 4;
// Of a segment of tiny records: far above what 256 MiB of leaves need.
constexpr uint32_t kIndexBytesMax = 64 * kMiB;

constexpr std::array<Field, 9> kFileFields = {{
    {"magic", 0, 7},
    {"format version", 7, 1},
    {"number of the first record", 8, 8},
    {"running hash before the first record", 16, 32},
    {"hash of the origin", 48, 32},
    {"time of creation", 80, 8},
    {"form", 88, 1},
    {"reserved bytes", 89, 35},
    {"header checksum", 124, 4},
}};

constexpr std::array<Field, 19> kFrameFields = {{
    {"magic", 0, 4},
    {"type", 4, 1},
    {"codec", 5, 1},
    {"reserved bytes", 6, 2},
    {"number of the first record", 8, 8},
    {"count of records", 16, 4},
    {"length of the body", 20, 4},
    {"length of the notes", 24, 4},
    {"count of side offsets", 28, 4},
    {"synced length", 32, 8},
    {"running hash before the first record", 40, 32},
    {"length of the decoded body", 72, 4},
    {"reserved bytes", 76, 4},
    {"least event time", 80, 8},
    {"greatest event time", 88, 8},
    {"least receipt time", 96, 8},
    {"greatest receipt time", 104, 8},
    {"payload checksum", 112, 4},
    {"header checksum", 116, 4},
}};

const Field& Find(std::span<const Field> fields, size_t offset) {
  for (const Field& field : fields) {
    if (offset >= field.offset && offset < field.offset + field.length) return field;
  }
  SEAL_UNREACHABLE();
}

crypto::Hash HashAt(ByteView bytes, size_t offset) {
  crypto::Hash out;
  std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
  return out;
}

bool AllZero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

using Wrong = std::optional<size_t>;

// What only frames of records have.
Wrong WrongBeyondRecords(const FrameHeader& h) {
  if (h.count != 0) return 16;
  if (h.notes_bytes != 0) return 24;
  if (h.side_count != 0) return 28;
  return std::nullopt;
}

Wrong WrongRecordsField(const FrameHeader& h, Form form) {
  const bool whole_block = h.count == kFrameRecordsMax;
  const bool may_be_coded = form == Form::kSealed ? h.count > 0 : whole_block;
  if (h.codec > (may_be_coded ? 2 : 0)) return 5;
  if (h.first > std::numeric_limits<uint64_t>::max() - kFrameRecordsMax) return 8;
  if (h.count > kFrameRecordsMax - h.first % kFrameRecordsMax) return 16;
  // Notes of a block that has records of the segment stand in the frame of those.
  if (h.count == 0 && form == Form::kSealed && h.first % kFrameRecordsMax != 0) return 16;
  if (h.body_bytes > kBodyBytesMax || (h.body_bytes == 0) != (h.count == 0)) return 20;
  if (h.notes_bytes > kLedgerQueueBytesMax || (h.count == 0 && h.notes_bytes == 0)) return 24;
  if (h.side_count > std::min(kSideCountMax, h.count * 4)) return 28;
  if (h.decoded_bytes > kBodyBytesMax) return 72;
  return std::nullopt;
}

Wrong WrongSideField(const FrameHeader& h, Form form) {
  if (h.codec > (form == Form::kSealed ? 1 : 0)) return 5;
  if (h.body_bytes < 1 || h.body_bytes > kSideBytesMax) return 20;
  if (h.decoded_bytes < 1 || h.decoded_bytes > kSideBytesMax) return 72;
  return WrongBeyondRecords(h);
}

Wrong WrongIndexField(const FrameHeader& h) {
  if (h.codec != 0) return 5;
  if (h.body_bytes < 8 || h.body_bytes > kIndexBytesMax) return 20;
  return WrongBeyondRecords(h);
}

Wrong WrongBounds(const FrameHeader& h, const Bounds& bounds, size_t offset) {
  if (h.count > 0) return bounds.least > bounds.greatest ? Wrong(offset) : std::nullopt;
  if (bounds.least != 0) return offset;
  return bounds.greatest != 0 ? Wrong(offset + 8) : std::nullopt;
}

Wrong WrongField(const FrameHeader& h, Form form) {
  if (h.type < 1 || h.type > (form == Form::kSealed ? 3 : 2)) return 4;
  const Wrong wrong = h.is_records() ? WrongRecordsField(h, form)
                      : h.is_side()  ? WrongSideField(h, form)
                                     : WrongIndexField(h);
  if (wrong) return wrong;
  if (form == Form::kSealed ? h.synced != 0 : h.synced < kFileHeaderBytes) return 32;
  if (h.codec == 0 && h.decoded_bytes != h.body_bytes) return 72;
  if (const Wrong event = WrongBounds(h, h.event, 80)) return event;
  return WrongBounds(h, h.received, 96);
}

}  // namespace

const Field& FileHeader::FieldAt(size_t offset) {
  return Find(kFileFields, offset);
}
const Field& FrameHeader::FieldAt(size_t offset) {
  return Find(kFrameFields, offset);
}

bool HeaderChecksumHolds(ByteView header) {
  const size_t covered = header.size() - 4;
  return Crc32c(header.first(covered)) == GetBig32(header.data() + covered);
}

FileHeader DecodeFileHeader(ByteView bytes, std::optional<size_t>* wrong) {
  const uint8_t* const p = bytes.data();
  const FileHeader out{.version = p[7],
                       .form = p[88],
                       .first = GetBig64(p + 8),
                       .chain = HashAt(bytes, 16),
                       .origin_hash = HashAt(bytes, 48)};
  *wrong = std::nullopt;
  if (AsText(bytes.first(7)) != kFileMagic) {
    *wrong = 0;
  } else if (out.form != 1 && out.form != 2) {
    *wrong = 88;
  } else if (!AllZero(bytes.subspan(89, 35))) {
    *wrong = 89;
  }
  return out;
}

FrameHeader DecodeFrameHeader(ByteView bytes, Form form, std::optional<size_t>* wrong) {
  const uint8_t* const p = bytes.data();
  const auto time_at = [&](size_t offset) { return static_cast<int64_t>(GetBig64(p + offset)); };
  const FrameHeader out{.type = p[4],
                        .codec = p[5],
                        .first = GetBig64(p + 8),
                        .count = GetBig32(p + 16),
                        .body_bytes = GetBig32(p + 20),
                        .notes_bytes = GetBig32(p + 24),
                        .side_count = GetBig32(p + 28),
                        .synced = GetBig64(p + 32),
                        .chain = HashAt(bytes, 40),
                        .decoded_bytes = GetBig32(p + 72),
                        .event = {.least = time_at(80), .greatest = time_at(88)},
                        .received = {.least = time_at(96), .greatest = time_at(104)},
                        .payload_crc = GetBig32(p + 112)};
  *wrong = AsText(bytes.first(4)) != kFrameMagic ? std::optional<size_t>(0)
           : p[6] != 0 || p[7] != 0              ? std::optional<size_t>(6)
           : !AllZero(bytes.subspan(76, 4))      ? std::optional<size_t>(76)
                                                 : WrongField(out, form);
  return out;
}

std::string SegmentName(uint64_t first, std::string_view suffix) {
  return fmt::format("{:020}{}", first, suffix);
}

std::optional<uint64_t> FirstOfSegmentName(std::string_view name, std::string_view suffix) {
  if (name.size() != 20 + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::string_view digits = name.substr(0, 20);
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  uint64_t first;
  if (!ParseDecimal(digits, &first)) return std::nullopt;
  return first;
}

}  // namespace sealtrail::verify
