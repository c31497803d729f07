// Target: the decoder of gzip bodies. Whatever comes in, it ends within its bounds, gives back what
// it took from the budget, and accepts only what zlib accepts with the same result.
#include <algorithm>
#include <zlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "net/content_decoder.h"

namespace sealtrail::net {
namespace {

// Whether zlib reads `body`, member after member, as `expected`.
bool ZlibAgrees(ByteView body, ByteView expected) {
  Bytes out(expected.size() + 1);
  size_t written = 0;
  while (!body.empty()) {
    z_stream z{};
    SEAL_CHECK(inflateInit2(&z, 15 + 16) == Z_OK);
    z.next_in = const_cast<uint8_t*>(body.data());
    z.avail_in = static_cast<uInt>(body.size());
    z.next_out = out.data() + written;
    z.avail_out = static_cast<uInt>(out.size() - written);
    const int result = inflate(&z, Z_FINISH);
    written += z.total_out;
    body = body.subspan(z.total_in);
    inflateEnd(&z);
    if (result == Z_BUF_ERROR) return false;  // more than expected
    if (result != Z_STREAM_END) return true;
  }
  return Equal(ByteView(out).first(written), expected);
}

void DecodeOnce(ByteView body) {
  ByteBudget budget(kRequestBytesMax);
  {
    const auto out =
        DecodeContent(ContentCoding::kGzip, SharedBytes(Bytes(body.begin(), body.end())), budget);
    if (out.ok()) SEAL_CHECK(ZlibAgrees(body, out->view()));
  }
  SEAL_CHECK(budget.used() == 0);
}

}  // namespace
}  // namespace sealtrail::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sealtrail::net::DecodeOnce({data, size});
  return 0;
}
