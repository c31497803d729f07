#include "ledger/frame_cutter.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/endian.h"

namespace sealtrail::ledger {
namespace {

using format::FrameHeader;

constexpr uint64_t kNotWritten = 0;

// The part of the bundle that holds these records, length bytes included.
ByteView BundleOf(const record::RecordBatch& batch, std::span<const record::RecordEntry> records) {
  const size_t begin = records.front().leaf_offset - 2;
  const size_t end = records.back().leaf_offset + records.back().leaf_size;
  return ByteView(batch.bundle).subspan(begin, end - begin);
}

format::TimeBounds TimesOf(const record::RecordBatch& batch, const record::RecordEntry& entry) {
  const int64_t event = Value(entry.event_time);
  const int64_t received = Value(batch.received_at);
  return {
      .event_min = event, .event_max = event, .received_min = received, .received_max = received};
}

Bytes EncodeOffsets(std::vector<uint64_t> offsets) {
  std::ranges::sort(offsets);
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
  Bytes out(offsets.size() * 8);
  for (size_t i = 0; i < offsets.size(); ++i) PutBig64(out.data() + i * 8, offsets[i]);
  return out;
}

}  // namespace

void FrameCutter::Add(const record::RecordBatch& batch) {
  std::vector<uint64_t> side_offset_of(batch.beside.size(), kNotWritten);
  std::span<const record::RecordEntry> left = batch.records;
  const Seq first = sequencer_.next();
  while (!left.empty()) {
    const size_t room = kFrameRecordsMax - Value(sequencer_.next()) % kFrameRecordsMax;
    const auto records = left.first(std::min(room, left.size()));
    left = left.subspan(records.size());
    AddRecords(batch, records, side_offset_of);
    if (left.empty()) AddNotes(batch, first);
    if (records.size() == room) CloseFrame();
  }
  if (batch.records.empty()) AddNotes(batch, first);
}

void FrameCutter::Finish() {
  if (open_.header.count != 0 || !open_.notes.empty()) CloseFrame();
}

void FrameCutter::AddRecords(const record::RecordBatch& batch,
                             std::span<const record::RecordEntry> records,
                             std::vector<uint64_t>& side_offset_of) {
  FrameHeader& header = open_.header;
  if (header.count == 0) {
    header.first = sequencer_.next();
    header.chain_before = sequencer_.chain();
  }
  for (const record::RecordEntry& entry : records) {
    for (uint32_t i = entry.beside_begin; i < entry.beside_end; ++i) {
      uint64_t& offset = side_offset_of[batch.beside_refs[i]];
      if (offset == kNotWritten) {
        offset = offset_;
        WriteSide(batch.beside[batch.beside_refs[i]].bytes);
      }
      open_.side_offsets.push_back(offset);
    }
    header.times = format::Widen(header.times, header.count == 0, TimesOf(batch, entry));
    ++header.count;
    sequencer_.Append(entry.leaf_hash, growth_.NodeSink());
  }
  open_.pieces.push_back(BundleOf(batch, records));
}

void FrameCutter::AddNotes(const record::RecordBatch& batch, Seq first) {
  for (const Bytes& note : batch.notes) {
    std::array<uint8_t, 4 + format::kNoteSeqBytes> head;
    PutBig32(head.data(), static_cast<uint32_t>(format::kNoteSeqBytes + note.size()));
    PutBig64(head.data() + 4, Value(first));
    AppendTo(open_.notes, head);
    AppendTo(open_.notes, note);
  }
}

// A side content goes before the frame that is the first to refer to it, and so right away: that frame is still open.
// Whatever a power cut leaves, a side frame without its records can only be the last thing in the file.
void FrameCutter::WriteSide(ByteView content) {
  const FrameHeader header{.type = format::FrameType::kSide,
                           .first = open_.header.first,
                           .chain_before = open_.header.chain_before,
                           .decoded_bytes = static_cast<uint32_t>(content.size())};
  Emit(header, std::span(&content, 1), {}, {});
}

void FrameCutter::CloseFrame() {
  OpenFrame frame = std::exchange(open_, OpenFrame());
  FrameHeader& header = frame.header;
  if (header.count == 0) {
    header.first = sequencer_.next();
    header.chain_before = sequencer_.chain();
  } else {
    growth_.frames.push_back({.first = header.first, .count = header.count, .offset = offset_});
  }
  for (const ByteView piece : frame.pieces)
    header.decoded_bytes += static_cast<uint32_t>(piece.size());
  bundle_bytes_ += header.decoded_bytes;
  if (header.count == kFrameRecordsMax) {
    ByteView bundle = frame.pieces[0];
    if (frame.pieces.size() != 1) {
      Bytes whole;
      whole.reserve(header.decoded_bytes);
      for (const ByteView piece : frame.pieces) AppendTo(whole, piece);
      bundle = Own(std::move(whole));
    }
    Bytes encoded;
    header.codec = format::EncodeBundle(bundle, encoded);
    frame.pieces = {header.codec == format::Codec::kRaw ? bundle : Own(std::move(encoded))};
  }
  Emit(header, frame.pieces, Own(std::move(frame.notes)),
       Own(EncodeOffsets(std::move(frame.side_offsets))));
}

void FrameCutter::Emit(FrameHeader header, std::span<const ByteView> body, ByteView notes,
                       ByteView side_offsets) {
  header.synced = synced_;
  uint32_t crc = 0;
  for (const ByteView piece : body) {
    header.body_bytes += static_cast<uint32_t>(piece.size());
    crc = Crc32c(piece, crc);
  }
  header.notes_bytes = static_cast<uint32_t>(notes.size());
  header.side_offsets = static_cast<uint32_t>(side_offsets.size() / 8);
  header.payload_crc = Crc32c(side_offsets, Crc32c(notes, crc));
  headers_.push_back(format::EncodeFrameHeader(header));
  parts_.emplace_back(headers_.back());
  for (const ByteView piece : body) {
    if (!piece.empty()) parts_.push_back(piece);
  }
  for (const ByteView part : {notes, side_offsets}) {
    if (!part.empty()) parts_.push_back(part);
  }
  offset_ += format::kFrameHeaderBytes + header.payload_bytes();
}

}  // namespace sealtrail::ledger
