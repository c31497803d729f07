#include "ledger/segment_writer.h"

#include <algorithm>
#include <deque>

#include "base/crc32c.h"
#include "base/endian.h"
#include "crypto/sha256.h"

namespace sealtrail::ledger {
namespace {

using format::FrameHeader;

// The frames of one batch as a list of byte ranges for one gathered write. The leaves are written
// from where they lie in the batch; only headers, notes and offsets are made here.
class FrameList {
 public:
  FrameList(uint64_t file_size, uint64_t synced) : offset_(file_size), synced_(synced) {}

  uint64_t offset() const { return offset_; }
  const std::vector<ByteView>& parts() const { return parts_; }

  // `body_crc` is the checksum of `body` alone.
  void Add(FrameHeader header, ByteView body, uint32_t body_crc, ByteView notes,
           ByteView side_offsets) {
    header.synced = synced_;
    header.body_bytes = static_cast<uint32_t>(body.size());
    header.notes_bytes = static_cast<uint32_t>(notes.size());
    header.side_offsets = static_cast<uint32_t>(side_offsets.size() / 8);
    header.payload_crc = Crc32c(side_offsets, Crc32c(notes, body_crc));
    headers_.push_back(format::EncodeFrameHeader(header));
    for (ByteView part : {ByteView(headers_.back()), body, notes, side_offsets}) {
      if (!part.empty()) parts_.push_back(part);
    }
    offset_ += format::kFrameHeaderBytes + header.payload_bytes();
  }

  // Keeps `bytes` alive until the list ends.
  ByteView Own(Bytes bytes) { return owned_.emplace_back(std::move(bytes)); }

 private:
  uint64_t offset_;
  const uint64_t synced_;
  std::deque<std::array<uint8_t, format::kFrameHeaderBytes>> headers_;
  std::deque<Bytes> owned_;
  std::vector<ByteView> parts_;
};

Bytes EncodeNotes(const std::vector<Bytes>& notes) {
  Bytes out;
  for (const Bytes& note : notes) {
    out.resize(out.size() + 4);
    PutBig32(out.data() + out.size() - 4, static_cast<uint32_t>(note.size()));
    AppendTo(out, note);
  }
  return out;
}

constexpr uint64_t kNotWritten = 0;

// Side contents that these records are the first to refer to go right before them: whatever a power
// cut leaves, a side frame without its records can only be the last thing in the file.
void AddSideFrames(const record::RecordBatch& batch, std::span<const record::RecordEntry> records,
                   const FrameHeader& before, FrameList& frames,
                   std::vector<uint64_t>& side_offset_of) {
  for (const record::RecordEntry& entry : records) {
    for (uint32_t i = entry.beside_begin; i < entry.beside_end; ++i) {
      const uint32_t content = batch.beside_refs[i];
      if (side_offset_of[content] != kNotWritten) continue;
      side_offset_of[content] = frames.offset();
      const ByteView bytes = batch.beside[content].bytes;
      frames.Add({.type = format::FrameType::kSide,
                  .first = before.first,
                  .chain_before = before.chain_before,
                  .decoded_bytes = static_cast<uint32_t>(bytes.size())},
                 bytes, Crc32c(bytes), {}, {});
    }
  }
}

// Offsets, ascending and each once, of the side frames that these records refer to.
Bytes EncodeSideOffsets(const record::RecordBatch& batch,
                        std::span<const record::RecordEntry> records,
                        const std::vector<uint64_t>& side_offset_of) {
  std::vector<uint64_t> offsets;
  for (const record::RecordEntry& entry : records) {
    for (uint32_t i = entry.beside_begin; i < entry.beside_end; ++i) {
      offsets.push_back(side_offset_of[batch.beside_refs[i]]);
    }
  }
  std::ranges::sort(offsets);
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
  Bytes out(offsets.size() * 8);
  for (size_t i = 0; i < offsets.size(); ++i) PutBig64(out.data() + i * 8, offsets[i]);
  return out;
}

}  // namespace

Result<SegmentWriter> SegmentWriter::Create(env::FileSystem& files, const std::string& dir,
                                            const Sequencer& next, std::string_view origin,
                                            UnixNanos now) {
  const auto header = format::EncodeSegmentHeader({.first = next.next(),
                                                   .chain_before = next.chain(),
                                                   .origin_hash = crypto::Sha256(AsBytes(origin)),
                                                   .created = now});
  SEAL_ASSIGN_OR_RETURN(auto file,
                        files.Create(env::JoinPath(dir, format::SegmentFileName(next.next()))));
  SEAL_RETURN_IF_ERROR(file->Append(ByteView(header)));
  SEAL_RETURN_IF_ERROR(file->Sync());
  SEAL_RETURN_IF_ERROR(files.SyncDir(dir));
  return SegmentWriter(next.next(), 0, std::move(file));
}

Result<SegmentWriter> SegmentWriter::Continue(env::FileSystem& files, const std::string& dir,
                                              Seq first, uint64_t bundle_bytes) {
  SEAL_ASSIGN_OR_RETURN(auto file,
                        files.OpenAppend(env::JoinPath(dir, format::SegmentFileName(first))));
  return SegmentWriter(first, bundle_bytes, std::move(file));
}

Status SegmentWriter::Append(const PreparedBatch& prepared, Sequencer& sequencer,
                             std::vector<FramePlace>& places) {
  if (!failed_.ok()) return failed_;
  const record::RecordBatch& batch = prepared.batch;
  FrameList frames(file_->size(), synced_);
  std::vector<uint64_t> side_offset_of(batch.beside.size(), kNotWritten);
  std::span<const record::RecordEntry> left = batch.records;
  ByteView notes = frames.Own(EncodeNotes(batch.notes));
  for (const PreparedFrame& frame : prepared.frames) {
    const auto records = left.first(frame.count);
    left = left.subspan(records.size());
    const FrameHeader header{.codec = frame.codec,
                             .first = sequencer.next(),
                             .count = frame.count,
                             .chain_before = sequencer.chain(),
                             .decoded_bytes = frame.decoded_bytes};
    AddSideFrames(batch, records, header, frames, side_offset_of);
    places.push_back({.first = header.first, .count = header.count, .offset = frames.offset()});
    for (const record::RecordEntry& entry : records) sequencer.Append(entry.leaf_hash);
    frames.Add(header, frame.body, frame.body_crc, notes,
               frames.Own(EncodeSideOffsets(batch, records, side_offset_of)));
    notes = {};
    bundle_bytes_ += frame.decoded_bytes;
  }
  if (!notes.empty()) {
    const FrameHeader header{.first = sequencer.next(), .chain_before = sequencer.chain()};
    places.push_back({.first = header.first, .count = 0, .offset = frames.offset()});
    frames.Add(header, {}, 0, notes, {});
  }
  if (Status s = file_->Append(frames.parts()); !s.ok()) return Fail(std::move(s));
  return OkStatus();
}

// A sync that failed once may claim success the next time while the pages are already gone, so the
// only honest course is to stop writing to this file.
Status SegmentWriter::Sync() {
  if (!failed_.ok()) return failed_;
  if (Status s = file_->Sync(); !s.ok()) return Fail(std::move(s));
  synced_ = file_->size();
  return OkStatus();
}

Status SegmentWriter::Close() {
  return file_->Close();
}

}  // namespace sealtrail::ledger
