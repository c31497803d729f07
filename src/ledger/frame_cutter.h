// Cuts batches into frames: at the multiples of 256 and nowhere else but at the end, whatever batch a record came in
// (docs/formats/segment.md §3, "In a log"). A whole block of 256 is compressed here, in its final form.
#pragma once

#include <array>
#include <deque>
#include <vector>

#include "format/segment_format.h"
#include "ledger/growth.h"
#include "ledger/sequencer.h"
#include "record/record_sink.h"

namespace sealtrail::ledger {

// The frames of one group as a list of byte ranges for one gathered write. What is written as it came is written from
// where it lies in the batches, which must live until the write.
class FrameCutter {
 public:
  // The frames will stand at `file_size`, of which `synced` bytes are known durable.
  FrameCutter(uint64_t file_size, uint64_t synced, Sequencer& sequencer, Growth& growth)
      : offset_(file_size), synced_(synced), sequencer_(sequencer), growth_(growth) {}

  void Add(const record::RecordBatch& batch);

  // Ends the last frame. Then parts() is what to write.
  void Finish();

  const std::vector<ByteView>& parts() const { return parts_; }
  uint64_t bundle_bytes() const { return bundle_bytes_; }  // of all records added

 private:
  // The records frame that is being put together.
  struct OpenFrame {
    format::FrameHeader header;
    std::vector<ByteView> pieces;  // of the bundle
    std::vector<uint64_t> side_offsets;
    Bytes notes;
  };

  void AddRecords(const record::RecordBatch& batch, std::span<const record::RecordEntry> records,
                  std::vector<uint64_t>& side_offset_of);
  void AddNotes(const record::RecordBatch& batch, Seq first);
  void WriteSide(ByteView content);
  void CloseFrame();
  void Emit(format::FrameHeader header, std::span<const ByteView> body, ByteView notes,
            ByteView side_offsets);
  ByteView Own(Bytes bytes) { return owned_.emplace_back(std::move(bytes)); }

  uint64_t offset_;
  const uint64_t synced_;
  Sequencer& sequencer_;
  Growth& growth_;
  uint64_t bundle_bytes_ = 0;
  OpenFrame open_;
  std::deque<std::array<uint8_t, format::kFrameHeaderBytes>> headers_;
  std::deque<Bytes> owned_;
  std::vector<ByteView> parts_;
};

}  // namespace sealtrail::ledger
