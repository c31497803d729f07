#include "verify/byte_change.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/endian.h"

namespace sealtrail::verify {
namespace {

Bytes Header() {
  Bytes out(88);
  for (size_t i = 0; i < 84; ++i) out[i] = static_cast<uint8_t>(i * 37 + 5);
  PutBig32(out.data() + 84, Crc32c(ByteView(out).first(84)));
  return out;
}

TEST(ByteChangeTest, FindsEveryChangeOfEveryByteOfAHeader) {
  Bytes header = Header();
  EXPECT_FALSE(ByteChangeInHeader(header).has_value()) << "nothing is wrong";
  for (size_t i = 0; i < header.size(); ++i) {
    for (int difference = 1; difference < 256; ++difference) {
      header[i] ^= static_cast<uint8_t>(difference);
      const auto found = ByteChangeInHeader(header);
      ASSERT_TRUE(found.has_value()) << i << " by " << difference;
      EXPECT_EQ(found->position, i);
      EXPECT_EQ(found->difference, difference);
      header[i] ^= static_cast<uint8_t>(difference);
    }
  }
}

TEST(ByteChangeTest, LargerDamageIsNotExplained) {
  int explained = 0;
  for (size_t i = 0; i + 9 < 88; ++i) {
    Bytes header = Header();
    header[i] ^= 0x5a;
    header[i + 9] ^= 0x11;
    explained += ByteChangeInHeader(header).has_value();
  }
  EXPECT_EQ(explained, 0);
}

TEST(ByteChangeTest, FindsTheByteOfABody) {
  Bytes body(100'000, 'x');
  const uint32_t stored = Crc32c(body);
  for (size_t at : {size_t{0}, size_t{1}, size_t{77'777}, body.size() - 1}) {
    body[at] ^= 0x40;
    bool found = false;
    for (const ByteChange& change : ByteChangesThatExplain(body, stored)) {
      found |= change.position == at && change.difference == 0x40;
    }
    EXPECT_TRUE(found) << at;
    body[at] ^= 0x40;
  }
}

}  // namespace
}  // namespace sealtrail::verify
