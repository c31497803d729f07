#include "ledger/record_reader.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/endian.h"
#include "ledger/frame_reader.h"

namespace sealtrail::ledger {

Result<RecordRange> ReadRecords(const SegmentTable& table, Seq from, size_t records_max,
                                size_t bytes_max) {
  SEAL_ASSIGN_OR_RETURN(const SegmentTable::Location place, table.Find(from));
  auto storage = std::make_shared<Bytes>();
  std::vector<std::pair<format::FrameHeader, size_t>> bodies;  // header and offset in storage
  size_t found = 0;
  RecordRange range{.storage = storage, .records = {}, .notes = {}};
  for (uint64_t offset = place.offset; offset < place.end && found < records_max;) {
    SEAL_ASSIGN_OR_RETURN(const format::FrameHeader header,
                          ReadFrameHeader(*place.file, offset, place.end));
    const bool records = header.type == format::FrameType::kRecords && header.count != 0 &&
                         Value(header.first) + header.count > Value(from);
    const bool only_notes =
        header.type == format::FrameType::kRecords && header.count == 0 && header.first >= from;
    if (records || only_notes) {
      if (found != 0 && storage->size() + header.decoded_bytes > bytes_max) break;
      auto frame = ReadFrame(*place.file, offset, place.end);
      if (!frame.ok()) return frame.status().Annotate(fmt::format("{} at {}", place.path, offset));
      SEAL_ASSIGN_OR_RETURN(const auto notes, format::SplitNotes(frame->notes()));
      for (const format::NoteView& note : notes) {
        range.notes.push_back(
            {.first = note.first, .bytes = Bytes(note.bytes.begin(), note.bytes.end())});
      }
      if (records) {
        bodies.emplace_back(header, storage->size());
        SEAL_ASSIGN_OR_RETURN(const Bytes bundle, frame->Bundle());
        AppendTo(*storage, bundle);
        found += Value(header.first) + header.count - std::max(Value(from), Value(header.first));
      }
    }
    offset += format::kFrameHeaderBytes + header.payload_bytes();
  }
  for (const auto& [header, at] : bodies) {
    SEAL_ASSIGN_OR_RETURN(
        const auto leaves,
        format::SplitBundle(ByteView(*storage).subspan(at, header.decoded_bytes), header.count));
    for (size_t i = 0; i < leaves.size() && range.records.size() < records_max; ++i) {
      const Seq seq = header.first + i;
      if (seq >= from) range.records.push_back({.seq = seq, .leaf = leaves[i]});
    }
  }
  if (range.records.empty())
    return DataLoss("{}: record {} is not where it should be", place.path, Value(from));
  return range;
}

Result<Bytes> ReadBesideContent(const SegmentTable& table, Seq seq, const crypto::Hash& hash) {
  SEAL_ASSIGN_OR_RETURN(const SegmentTable::Location place, table.Find(seq));
  for (uint64_t offset = place.offset; offset < place.end;) {
    SEAL_ASSIGN_OR_RETURN(const format::FrameHeader header,
                          ReadFrameHeader(*place.file, offset, place.end));
    if (header.type == format::FrameType::kRecords &&
        Value(header.first) + header.count > Value(seq)) {
      SEAL_ASSIGN_OR_RETURN(const Frame frame, ReadFrame(*place.file, offset, place.end));
      SEAL_ASSIGN_OR_RETURN(const Bytes bundle, frame.Bundle());
      SEAL_ASSIGN_OR_RETURN(const auto leaves, format::SplitBundle(bundle, header.count));
      const std::string_view leaf = leaves[Value(seq) - Value(header.first)];
      if (leaf.find(Base64Encode(hash)) == leaf.npos) break;
      const ByteView offsets = frame.side_offsets();
      for (size_t i = 0; i + 8 <= offsets.size(); i += 8) {
        SEAL_ASSIGN_OR_RETURN(const Frame side,
                              ReadFrame(*place.file, GetBig64(offsets.data() + i), place.end));
        SEAL_ASSIGN_OR_RETURN(Bytes content, side.Bundle());
        if (crypto::Sha256(content) == hash) return content;
      }
      break;
    }
    offset += format::kFrameHeaderBytes + header.payload_bytes();
  }
  return NotFound("record {} refers to no such content", Value(seq));
}

}  // namespace sealtrail::ledger
