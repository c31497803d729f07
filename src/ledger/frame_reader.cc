#include "ledger/frame_reader.h"

#include "base/crc32c.h"

namespace sealtrail::ledger {

Result<format::FrameHeader> ReadFrameHeader(const env::ReadableFile& file, uint64_t offset,
                                            uint64_t end) {
  if (end - offset < format::kFrameHeaderBytes)
    return DataLoss("a frame header of {} bytes", end - offset);
  std::array<uint8_t, format::kFrameHeaderBytes> bytes;
  SEAL_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(offset, bytes));
  return format::DecodeFrameHeader(ByteView(bytes).first(got));
}

Result<Frame> ReadFrame(const env::ReadableFile& file, uint64_t offset, uint64_t end) {
  SEAL_ASSIGN_OR_RETURN(const format::FrameHeader header, ReadFrameHeader(file, offset, end));
  const uint64_t payload_bytes = header.payload_bytes();
  if (end - offset - format::kFrameHeaderBytes < payload_bytes)
    return DataLoss("a frame cut short");
  Frame frame{.header = header, .offset = offset, .payload = Bytes(payload_bytes)};
  SEAL_ASSIGN_OR_RETURN(const size_t got,
                        file.ReadAt(offset + format::kFrameHeaderBytes, frame.payload));
  if (got < payload_bytes) return DataLoss("a frame cut short");
  if (Crc32c(frame.payload) != header.payload_crc) return DataLoss("frame payload: checksum");
  return frame;
}

}  // namespace sealtrail::ledger
