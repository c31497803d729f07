#include "format/segment_format.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/limits.h"
#include "format/compression.h"
#include "format/parted_codec.h"

namespace sealtrail::format {
namespace {

constexpr std::string_view kSegmentMagic = "SEALSEG";
constexpr std::string_view kFrameMagic = "SEAF";
constexpr std::array<std::string_view, 4> kSuffixes = {".log", ".sealing", ".seg",
                                                       ".manifest"};  // by FileKind
constexpr size_t kNameDigits = 20;
constexpr size_t kIndexBytesMax = 64 * kMiB;  // 400 million records

bool AllZero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

template <size_t N>
void PutHash(std::array<uint8_t, N>& out, size_t at, const Hash32& hash) {
  std::memcpy(out.data() + at, hash.data(), hash.size());
}

Hash32 GetHash(ByteView in, size_t at) {
  Hash32 hash;
  std::memcpy(hash.data(), in.data() + at, hash.size());
  return hash;
}

void PutTimes(uint8_t* out, const TimeBounds& times) {
  for (const int64_t time :
       {times.event_min, times.event_max, times.received_min, times.received_max}) {
    PutBig64(out, static_cast<uint64_t>(time));
    out += 8;
  }
}

TimeBounds GetTimes(const uint8_t* in) {
  const auto at = [in](int i) { return static_cast<int64_t>(GetBig64(in + i * 8)); };
  return {.event_min = at(0), .event_max = at(1), .received_min = at(2), .received_max = at(3)};
}

bool BoundsHold(const FrameHeader& header) {
  if (header.count == 0) return header.times == TimeBounds();
  return header.times.event_min <= header.times.event_max &&
         header.times.received_min <= header.times.received_max;
}

}  // namespace

TimeBounds Widen(const TimeBounds& a, bool a_empty, const TimeBounds& b) {
  if (a_empty) return b;
  return {.event_min = std::min(a.event_min, b.event_min),
          .event_max = std::max(a.event_max, b.event_max),
          .received_min = std::min(a.received_min, b.received_min),
          .received_max = std::max(a.received_max, b.received_max)};
}

std::array<uint8_t, kSegmentHeaderBytes> EncodeSegmentHeader(const SegmentHeader& header) {
  std::array<uint8_t, kSegmentHeaderBytes> out{};
  std::memcpy(out.data(), kSegmentMagic.data(), kSegmentMagic.size());
  out[7] = kFormatVersion;
  PutBig64(out.data() + 8, Value(header.first));
  PutHash(out, 16, header.chain_before);
  PutHash(out, 48, header.origin_hash);
  PutBig64(out.data() + 80, static_cast<uint64_t>(Value(header.created)));
  out[88] = static_cast<uint8_t>(header.form);
  PutBig32(out.data() + 124, Crc32c(ByteView(out).first(124)));
  return out;
}

Result<SegmentHeader> DecodeSegmentHeader(ByteView bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return DataLoss("file header of {} bytes", bytes.size());
  bytes = bytes.first(kSegmentHeaderBytes);
  if (AsText(bytes.first(7)) != kSegmentMagic) return DataLoss("file header: not a segment");
  if (bytes[7] != kFormatVersion) {
    return Unimplemented("segment format version {}, this program knows {}", bytes[7],
                         kFormatVersion);
  }
  if (GetBig32(bytes.data() + 124) != Crc32c(bytes.first(124)))
    return DataLoss("file header: checksum");
  if (!AllZero(bytes.subspan(89, 35))) return DataLoss("file header: padding");
  if (bytes[88] != static_cast<uint8_t>(Form::kLog) &&
      bytes[88] != static_cast<uint8_t>(Form::kSealed)) {
    return DataLoss("file header: form {}", bytes[88]);
  }
  return SegmentHeader{.form = static_cast<Form>(bytes[88]),
                       .first = Seq{GetBig64(bytes.data() + 8)},
                       .chain_before = GetHash(bytes, 16),
                       .origin_hash = GetHash(bytes, 48),
                       .created = UnixNanos{static_cast<int64_t>(GetBig64(bytes.data() + 80))}};
}

std::array<uint8_t, kFrameHeaderBytes> EncodeFrameHeader(const FrameHeader& header) {
  std::array<uint8_t, kFrameHeaderBytes> out{};
  std::memcpy(out.data(), kFrameMagic.data(), kFrameMagic.size());
  out[4] = static_cast<uint8_t>(header.type);
  out[5] = static_cast<uint8_t>(header.codec);
  PutBig64(out.data() + 8, Value(header.first));
  PutBig32(out.data() + 16, header.count);
  PutBig32(out.data() + 20, header.body_bytes);
  PutBig32(out.data() + 24, header.notes_bytes);
  PutBig32(out.data() + 28, header.side_offsets);
  PutBig64(out.data() + 32, header.synced);
  PutHash(out, 40, header.chain_before);
  PutBig32(out.data() + 72, header.decoded_bytes);
  PutTimes(out.data() + 80, header.times);
  PutBig32(out.data() + 112, header.payload_crc);
  PutBig32(out.data() + 116, Crc32c(ByteView(out).first(116)));
  return out;
}

Result<FrameHeader> DecodeFrameHeader(ByteView bytes) {
  if (bytes.size() < kFrameHeaderBytes) return DataLoss("frame header of {} bytes", bytes.size());
  const uint8_t* p = bytes.data();
  if (AsText(bytes.first(4)) != kFrameMagic) return DataLoss("frame header: magic");
  if (GetBig32(p + 116) != Crc32c(bytes.first(116))) return DataLoss("frame header: checksum");
  const FrameHeader header{.type = static_cast<FrameType>(p[4]),
                           .codec = static_cast<Codec>(p[5]),
                           .first = Seq{GetBig64(p + 8)},
                           .count = GetBig32(p + 16),
                           .body_bytes = GetBig32(p + 20),
                           .notes_bytes = GetBig32(p + 24),
                           .side_offsets = GetBig32(p + 28),
                           .synced = GetBig64(p + 32),
                           .chain_before = GetHash(bytes, 40),
                           .decoded_bytes = GetBig32(p + 72),
                           .times = GetTimes(p + 80),
                           .payload_crc = GetBig32(p + 112)};
  if (p[5] > static_cast<uint8_t>(Codec::kParted)) return Unimplemented("frame codec {}", p[5]);
  if (!AllZero(bytes.subspan(6, 2)) || !AllZero(bytes.subspan(76, 4))) {
    return DataLoss("frame header: padding");
  }
  if (header.codec == Codec::kRaw && header.decoded_bytes != header.body_bytes) {
    return DataLoss("frame header: a raw body of two lengths");
  }
  if (!BoundsHold(header)) return DataLoss("frame header: times that bound nothing");
  switch (header.type) {
    case FrameType::kRecords:
      if (header.count > kFrameRecordsMax || header.body_bytes > kBundleBytesMax ||
          header.decoded_bytes > kBundleBytesMax) {
        return DataLoss("frame header: {} records in {} bytes", header.count, header.body_bytes);
      }
      return header;
    case FrameType::kSide:
      if (header.count != 0 || header.notes_bytes != 0 || header.side_offsets != 0 ||
          header.body_bytes == 0 || header.decoded_bytes == 0 ||
          header.body_bytes > kSideBytesMax || header.decoded_bytes > kSideBytesMax) {
        return DataLoss("frame header: a side frame with records");
      }
      return header;
    case FrameType::kIndex:
      if (header.count != 0 || header.notes_bytes != 0 || header.side_offsets != 0 ||
          header.body_bytes > kIndexBytesMax || header.codec != Codec::kRaw) {
        return DataLoss("frame header: an index frame with records");
      }
      return header;
  }
  return DataLoss("frame header: type {}", p[4]);
}

Result<std::vector<std::string_view>> SplitBundle(ByteView body, uint32_t count) {
  std::vector<std::string_view> leaves;
  leaves.reserve(count);
  while (!body.empty()) {
    if (body.size() < 2) return DataLoss("bundle: {} bytes left over", body.size());
    const size_t size = GetBig16(body.data());
    if (size == 0 || body.size() - 2 < size) return DataLoss("bundle: an entry of {} bytes", size);
    leaves.push_back(AsText(body.subspan(2, size)));
    body = body.subspan(2 + size);
  }
  if (leaves.size() != count)
    return DataLoss("bundle: {} entries, expected {}", leaves.size(), count);
  return leaves;
}

Result<std::vector<NoteView>> SplitNotes(ByteView notes) {
  std::vector<NoteView> views;
  while (!notes.empty()) {
    if (notes.size() < 4) return DataLoss("notes: {} bytes left over", notes.size());
    const size_t size = GetBig32(notes.data());
    if (size < kNoteSeqBytes || notes.size() - 4 < size)
      return DataLoss("notes: a note of {} bytes", size);
    views.push_back({.first = Seq{GetBig64(notes.data() + 4)},
                     .bytes = notes.subspan(4 + kNoteSeqBytes, size - kNoteSeqBytes)});
    notes = notes.subspan(4 + size);
  }
  return views;
}

Codec EncodeBundle(ByteView bundle, Bytes& out) {
  if (PartBundle(bundle, out) && out.size() < bundle.size()) return Codec::kParted;
  return EncodeContent(bundle, out);
}

Codec EncodeContent(ByteView content, Bytes& out) {
  Compress(content, out);
  if (out.size() < content.size()) return Codec::kZstd;
  out.assign(content.begin(), content.end());
  return Codec::kRaw;
}

Result<Bytes> DecodeBody(Codec codec, ByteView body, uint32_t decoded_bytes) {
  switch (codec) {
    case Codec::kRaw:
      return Bytes(body.begin(), body.end());
    case Codec::kZstd:
      return Decompress(body, decoded_bytes);
    case Codec::kParted:
      return JoinBundle(body, decoded_bytes);
  }
  SEAL_UNREACHABLE();
}

Bytes EncodeIndex(const SegmentIndex& index) {
  Bytes out(8 + index.offsets.size() * 8 + index.nodes.size() * sizeof(Hash32));
  uint8_t* p = out.data();
  PutBig32(p, static_cast<uint32_t>(index.offsets.size()));
  p += 4;
  for (const uint64_t offset : index.offsets) {
    PutBig64(p, offset);
    p += 8;
  }
  PutBig32(p, static_cast<uint32_t>(index.nodes.size()));
  p += 4;
  for (const Hash32& node : index.nodes) {
    std::memcpy(p, node.data(), node.size());
    p += node.size();
  }
  return out;
}

Result<SegmentIndex> DecodeIndex(ByteView body) {
  SegmentIndex index;
  const Status bad = DataLoss("index: its counts do not fill its {} bytes", body.size());
  if (body.size() < 4) return bad;
  const uint64_t offsets = GetBig32(body.data());
  body = body.subspan(4);
  if (body.size() < offsets * 8 + 4) return bad;
  for (uint64_t i = 0; i < offsets; ++i) index.offsets.push_back(GetBig64(body.data() + i * 8));
  body = body.subspan(offsets * 8);
  const uint64_t nodes = GetBig32(body.data());
  body = body.subspan(4);
  if (body.size() != nodes * sizeof(Hash32)) return bad;
  for (uint64_t i = 0; i < nodes; ++i) index.nodes.push_back(GetHash(body, i * sizeof(Hash32)));
  return index;
}

std::string SegmentFileName(Seq first, FileKind kind) {
  return fmt::format("{:020}{}", Value(first), kSuffixes[static_cast<size_t>(kind)]);
}

Result<SegmentFile> ParseSegmentFileName(std::string_view name) {
  for (size_t kind = 0; kind < kSuffixes.size(); ++kind) {
    uint64_t first = 0;
    if (name.size() != kNameDigits + kSuffixes[kind].size() || !name.ends_with(kSuffixes[kind]))
      continue;
    const auto [end, error] = std::from_chars(name.data(), name.data() + kNameDigits, first);
    if (error != std::errc() || end != name.data() + kNameDigits) break;
    return SegmentFile{.first = Seq{first}, .kind = static_cast<FileKind>(kind)};
  }
  return InvalidArgument("\"{}\" is not the name of a segment's file", name);
}

}  // namespace sealtrail::format
