#include "base/crc32c.h"

#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace sealtrail {
namespace {

using Crc = uint32_t (*)(ByteView, uint32_t);

class Crc32cTest : public ::testing::TestWithParam<Crc> {
 protected:
  uint32_t Of(ByteView bytes, uint32_t crc = 0) const { return GetParam()(bytes, crc); }
};
INSTANTIATE_TEST_SUITE_P(Both, Crc32cTest, ::testing::Values(&Crc32c, &internal::Crc32cPortable),
                         [](const auto& info) { return info.index == 0 ? "Fastest" : "Portable"; });

// RFC 3720 appendix B.4 (it prints the bytes in the order of the wire, least first).
TEST_P(Crc32cTest, Rfc3720Vectors) {
  Bytes rising(32);
  std::iota(rising.begin(), rising.end(), uint8_t{0});
  const Bytes falling(rising.rbegin(), rising.rend());
  EXPECT_EQ(Of(Bytes(32, 0x00)), 0x8a9136aau);
  EXPECT_EQ(Of(Bytes(32, 0xff)), 0x62a8ab43u);
  EXPECT_EQ(Of(rising), 0x46dd794eu);
  EXPECT_EQ(Of(falling), 0x113fdb5cu);
  const Bytes iscsi_read = {0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                            0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
                            0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
                            0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
  EXPECT_EQ(Of(iscsi_read), 0xd9963a56u);
  EXPECT_EQ(Of(AsBytes("123456789")), 0xe3069283u);
  EXPECT_EQ(Of({}), 0u);
}

TEST_P(Crc32cTest, GoesOnFromAnEarlierResult) {
  const Bytes bytes(100, 0x5a);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    EXPECT_EQ(Of(ByteView(bytes).subspan(cut), Of(ByteView(bytes).first(cut))), Of(bytes));
  }
}

TEST(Crc32cTwinsTest, AgreeAtEveryLengthAndAlignment) {
  std::mt19937 random(7);
  Bytes bytes(5'000);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  for (int i = 0; i < 5'000; ++i) {
    const size_t offset = random() % 64;
    const size_t size = i < 200 ? static_cast<size_t>(i) : random() % (bytes.size() - offset);
    const uint32_t start = i % 2 == 0 ? 0 : static_cast<uint32_t>(random());
    const ByteView part = ByteView(bytes).subspan(offset, size);
    ASSERT_EQ(Crc32c(part, start), internal::Crc32cPortable(part, start)) << offset << " " << size;
  }
}

TEST(Crc32cTwinsTest, SeeEveryFlippedBit) {
  Bytes bytes(64, 0);
  const uint32_t clean = Crc32c(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_NE(Crc32c(bytes), clean);
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace sealtrail
