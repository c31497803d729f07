// Target: the decoder of zstd bodies. Whatever comes in, it ends within its bounds, gives back what it took from the
// budget, and accepts only what libzstd decodes in one call with the same result.
#include <zstd.h>

#include "base/check.h"
#include "base/limits.h"
#include "net/content_decoder.h"

namespace sealtrail::net {
namespace {

// The library's own walk over frames, into memory of the expected size.
bool ZstdAgrees(ByteView body, ByteView expected) {
  Bytes out(expected.size() + 1);
  const size_t size = ZSTD_decompress(out.data(), out.size(), body.data(), body.size());
  return !ZSTD_isError(size) && Equal(ByteView(out).first(size), expected);
}

void DecodeOnce(ByteView body) {
  ByteBudget budget(2 * kRequestBytesMax);
  {
    const auto out =
        DecodeContent(ContentCoding::kZstd, SharedBytes(Bytes(body.begin(), body.end())), budget);
    if (out.ok()) {
      SEAL_CHECK(out->size() <= kRequestBytesMax);
      SEAL_CHECK(ZstdAgrees(body, out->view()));
    } else {
      SEAL_CHECK(out.status().code() != StatusCode::kUnavailable);
    }
  }
  SEAL_CHECK(budget.used() == 0);
}

}  // namespace
}  // namespace sealtrail::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sealtrail::net::DecodeOnce({data, size});
  return 0;
}
