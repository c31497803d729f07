#include "net/content_encoder.h"

#include <zlib.h>

#include <gtest/gtest.h>

namespace sealtrail::net {
namespace {

// zlib unpacks what libdeflate packed.
Bytes Gunzip(ByteView packed, size_t size_max) {
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
  Bytes out(size_max + 1);
  z.next_in = const_cast<uint8_t*>(packed.data());
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(z.avail_in, 0u);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

TEST(ContentEncoderTest, AnotherProgramUnpacksIt) {
  uint32_t state = 1;
  for (const size_t size : {0, 1, 100, 65'536, 3'000'000}) {
    Bytes plain(size);
    for (size_t i = 0; i < size; ++i) {
      state = state * 1'664'525 + 1'013'904'223;
      plain[i] = i % 3 == 0 ? static_cast<uint8_t>(state >> 24) : static_cast<uint8_t>('a');
    }
    const Bytes packed = GzipEncode(plain);
    EXPECT_EQ(Gunzip(packed, size), plain) << size;
    EXPECT_EQ(GzipEncode(plain), packed) << size;
    EXPECT_LE(packed.size(), size + size / 1000 + 64);
  }
}

TEST(ContentEncoderTest, RepetitionShrinks) {
  EXPECT_LT(GzipEncode(Bytes(100'000, uint8_t{'x'})).size(), 1000u);
}

}  // namespace
}  // namespace sealtrail::net
