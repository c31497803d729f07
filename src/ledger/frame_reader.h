// Reads frames of a segment file, one after the other, checking both checksums.
#pragma once

#include "env/files.h"
#include "format/segment_format.h"

namespace sealtrail::ledger {

struct Frame {
  format::FrameHeader header;
  uint64_t offset;
  Bytes payload;  // body, notes, side offsets

  // The bundle. DataLoss if the body does not decode.
  Result<Bytes> Bundle() const {
    return format::DecodeBody(header.codec, ByteView(payload).first(header.body_bytes),
                              header.decoded_bytes);
  }
  ByteView notes() const {
    return ByteView(payload).subspan(header.body_bytes, header.notes_bytes);
  }
  ByteView side_offsets() const {
    return ByteView(payload).subspan(size_t{header.body_bytes} + header.notes_bytes);
  }
  uint64_t end() const { return offset + format::kFrameHeaderBytes + payload.size(); }
};

// The frame at `offset`, which must end at `end` or before. DataLoss says what is wrong with it.
Result<Frame> ReadFrame(const env::ReadableFile& file, uint64_t offset, uint64_t end);

// Only its header.
Result<format::FrameHeader> ReadFrameHeader(const env::ReadableFile& file, uint64_t offset,
                                            uint64_t end);

}  // namespace sealtrail::ledger
