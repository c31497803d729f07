#include "verify/segment_layout.h"

#include <algorithm>
#include <array>

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

constexpr std::array<Field, 8> kFileFields = {{
    {"magic", 0, 7},
    {"format version", 7, 1},
    {"number of the first record", 8, 8},
    {"running hash before the first record", 16, 32},
    {"hash of the origin", 48, 32},
    {"time of creation", 80, 8},
    {"reserved bytes", 88, 36},
    {"header checksum", 124, 4},
}};

constexpr std::array<Field, 15> kFrameFields = {{
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
    {"payload checksum", 80, 4},
    {"header checksum", 84, 4},
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
                       .first = GetBig64(p + 8),
                       .chain = HashAt(bytes, 16),
                       .origin_hash = HashAt(bytes, 48)};
  *wrong = std::nullopt;
  if (AsText(bytes.first(7)) != kFileMagic) {
    *wrong = 0;
  } else if (!AllZero(bytes.subspan(88, 36))) {
    *wrong = 88;
  }
  return out;
}

FrameHeader DecodeFrameHeader(ByteView bytes, std::optional<size_t>* wrong) {
  const uint8_t* const p = bytes.data();
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
                        .payload_crc = GetBig32(p + 80)};
  const auto fault = [&]() -> std::optional<size_t> {
    if (AsText(bytes.first(4)) != kFrameMagic) return 0;
    if (out.type != 1 && out.type != 2) return 4;
    if (out.codec > (out.is_side() ? 0 : 1)) return 5;
    if (p[6] != 0 || p[7] != 0) return 6;
    if (out.count > (out.is_side() ? 0 : kFrameRecordsMax)) return 16;
    if (out.is_side()) {
      if (out.body_bytes < 1 || out.body_bytes > kSideBytesMax) return 20;
      if (out.notes_bytes != 0) return 24;
      if (out.side_count != 0) return 28;
    } else {
      if (out.body_bytes > kBodyBytesMax || (out.body_bytes == 0) != (out.count == 0)) return 20;
      if (out.notes_bytes > kLedgerQueueBytesMax || (out.count == 0 && out.notes_bytes == 0))
        return 24;
      if (out.side_count > std::min(kSideCountMax, out.count * 4)) return 28;
    }
    if (out.synced < kFileHeaderBytes) return 32;
    if (out.codec == 0 && out.decoded_bytes != out.body_bytes) return 72;
    if (!out.is_side() && out.decoded_bytes > kBodyBytesMax) return 72;
    if (!AllZero(bytes.subspan(76, 4))) return 76;
    return std::nullopt;
  };
  *wrong = fault();
  return out;
}

std::string SegmentName(uint64_t first) {
  return fmt::format("{:020}.seg", first);
}

std::optional<uint64_t> FirstOfSegmentName(std::string_view name) {
  if (name.size() != 24 || !name.ends_with(".seg")) return std::nullopt;
  std::string_view digits = name.substr(0, 20);
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  uint64_t first;
  if (!ParseDecimal(digits, &first)) return std::nullopt;
  return first;
}

}  // namespace sealtrail::verify
