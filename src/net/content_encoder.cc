#include "net/content_encoder.h"

#include <libdeflate.h>
#include <memory>

#include "base/check.h"

namespace sealtrail::net {
namespace {

// Of 150 KB of leaves it makes 1/6 in a millisecond; level 6 takes twice that for another 3 %.
constexpr int kLevel = 4;

struct FreeCompressor {
  void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
};

}  // namespace

Bytes GzipEncode(ByteView plain) {
  SEAL_CHECK(plain.size() <= kGzipInputBytesMax);
  const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(
      libdeflate_alloc_compressor(kLevel));
  SEAL_CHECK(compressor != nullptr);
  Bytes packed(libdeflate_gzip_compress_bound(compressor.get(), plain.size()));
  const size_t size = libdeflate_gzip_compress(compressor.get(), plain.data(), plain.size(),
                                               packed.data(), packed.size());
  SEAL_CHECK(size != 0);  // the bound is one
  packed.resize(size);
  return packed;
}

}  // namespace sealtrail::net
