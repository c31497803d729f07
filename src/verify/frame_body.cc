#include "verify/frame_body.h"

#include <zstd.h>

#include "base/check.h"

namespace sealtrail::verify {

BodyDecoder::BodyDecoder() : context_(ZSTD_createDCtx()) {
  SEAL_CHECK(context_ != nullptr);
}
BodyDecoder::~BodyDecoder() = default;

void BodyDecoder::Free::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

Result<std::optional<ByteView>> BodyDecoder::Decode(const FrameHeader& header, ByteView body) {
  constexpr std::optional<ByteView> kNone;
  if (header.codec == 0) return std::optional(body);
  const unsigned long long stated = ZSTD_getFrameContentSize(body.data(), body.size());
  if (stated != header.decoded_bytes) return kNone;
  if (ZSTD_getDictID_fromFrame(body.data(), body.size()) != 0) return kNone;
  if (ZSTD_findFrameCompressedSize(body.data(), body.size()) != body.size()) return kNone;
  if (stated > budget_) {
    return ResourceExhausted("its frames decode to more than {} bytes", kDecodedBytesOfFileMax);
  }
  budget_ -= stated;
  if (decoded_.size() < stated) decoded_.resize(static_cast<size_t>(stated));
  const size_t got = ZSTD_decompressDCtx(context_.get(), decoded_.data(),
                                         static_cast<size_t>(stated), body.data(), body.size());
  if (ZSTD_isError(got) || got != stated) return kNone;
  return std::optional(ByteView(decoded_).first(got));
}

}  // namespace sealtrail::verify
