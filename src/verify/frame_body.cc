#include "verify/frame_body.h"

#include <zstd.h>

namespace sealtrail::verify {

std::optional<ByteView> BundleOf(const FrameHeader& header, ByteView body, Bytes& storage) {
  if (header.codec == 0) return body;
  const unsigned long long stated = ZSTD_getFrameContentSize(body.data(), body.size());
  if (stated != header.decoded_bytes) return std::nullopt;
  if (ZSTD_findFrameCompressedSize(body.data(), body.size()) != body.size()) return std::nullopt;
  storage.resize(header.decoded_bytes);
  const size_t got = ZSTD_decompress(storage.data(), storage.size(), body.data(), body.size());
  if (ZSTD_isError(got) || got != storage.size()) return std::nullopt;
  return ByteView(storage);
}

}  // namespace sealtrail::verify
