#include "format/compression.h"

#include <memory>
#include <zstd.h>

#include "base/check.h"

namespace sealtrail::format {

// Level 2 with a small window: the block fits it, and its tables fit the cache.
void Compress(ByteView content, Bytes& out) {
  constexpr int kLevel = 2;
  constexpr int kWindowLog = 18;
  thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                                  &ZSTD_freeCCtx);
  SEAL_CHECK(context != nullptr);
  ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, kWindowLog);
  out.resize(ZSTD_compressBound(content.size()));
  const size_t size =
      ZSTD_compress2(context.get(), out.data(), out.size(), content.data(), content.size());
  SEAL_CHECK(!ZSTD_isError(size));
  out.resize(size);
}

Result<uint64_t> ContentSize(ByteView frame, uint64_t max) {
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > max ||
      ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) {
    return DataLoss("compressed content: not one zstd frame of a stated size up to {}", max);
  }
  return size;
}

Result<Bytes> Decompress(ByteView frame, uint64_t size) {
  SEAL_ASSIGN_OR_RETURN(const uint64_t stated, ContentSize(frame, size));
  if (stated != size) return DataLoss("compressed content: {} bytes, expected {}", stated, size);
  Bytes out(size);
  const size_t got = ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size());
  if (ZSTD_isError(got)) return DataLoss("compressed content: {}", ZSTD_getErrorName(got));
  if (got != size) return DataLoss("compressed content: {} bytes, expected {}", got, size);
  return out;
}

}  // namespace sealtrail::format
