// What a frame's body stands for: docs/formats/segment.md §3, codecs 0 and 1.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "verify/segment_layout.h"

struct ZSTD_DCtx_s;

namespace sealtrail::verify {

// A few bytes may claim to stand for very many, so what one file's bodies may decode to is counted: a segment holds
// 256 MiB of leaves, and one group of batches more.
constexpr uint64_t kDecodedBytesOfFileMax = 1 * kGiB;

// Threads  Compatible.
class BodyDecoder {
 public:
  BodyDecoder();
  ~BodyDecoder();

  // A view of `body` itself, or of what this object holds until the next call. Nothing unless a compressed body is one
  // zstd frame without a dictionary, of the stated length, with no byte behind it. ResourceExhausted beyond
  // kDecodedBytesOfFileMax.
  Result<std::optional<ByteView>> Decode(const FrameHeader& header, ByteView body);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  Bytes decoded_;
  uint64_t budget_ = kDecodedBytesOfFileMax;
};

}  // namespace sealtrail::verify
