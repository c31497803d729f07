// What a frame's body stands for: docs/formats/segment.md §3, codecs 0, 1 and 2.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "verify/segment_layout.h"

struct ZSTD_DCtx_s;

namespace sealtrail::verify {

// A few bytes may claim to stand for very many, so what one file's bodies may decode to is counted, the parts of a
// parted body too. A segment holds 256 MiB of leaves, or twice that under load, and one group of batches more.
constexpr uint64_t kDecodedBytesOfFileMax = 4 * kGiB;

// Threads  Compatible.
class BodyDecoder {
 public:
  BodyDecoder();
  ~BodyDecoder();

  // A view of `body` itself, or of what this object holds until the next call. Nothing unless a compressed body is one
  // zstd frame without a dictionary, of the stated length, with no byte behind it; a parted one likewise in each part.
  // ResourceExhausted beyond kDecodedBytesOfFileMax.
  Result<std::optional<ByteView>> Decode(const FrameHeader& header, ByteView body);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  // One zstd frame into `out`, which keeps its size where it is larger. Nothing if it is none, or of more than `max`.
  Result<std::optional<ByteView>> Inflate(ByteView frame, uint64_t max, Bytes& out);
  Result<std::optional<ByteView>> Join(const FrameHeader& header, ByteView body);
  Status Spend(uint64_t bytes);

  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  Bytes decoded_;
  std::array<Bytes, 3> parts_;
  uint64_t budget_ = kDecodedBytesOfFileMax;
};

}  // namespace sealtrail::verify
