// The small headers: byte order, byte views, ids.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/endian.h"
#include "base/ids.h"

namespace sealtrail {
namespace {

TEST(EndianTest, WritesTheMostSignificantByteFirst) {
  uint8_t out[8];
  PutBig64(out, 0x0102030405060708);
  EXPECT_TRUE(Equal(out, Bytes{1, 2, 3, 4, 5, 6, 7, 8}));
  PutBig32(out, 0xfffefdfc);
  EXPECT_TRUE(Equal(ByteView(out).first(4), Bytes{0xff, 0xfe, 0xfd, 0xfc}));
  PutBig16(out, 0x8001);
  EXPECT_TRUE(Equal(ByteView(out).first(2), Bytes{0x80, 0x01}));
}

// Bytes above 127 at every place: a promotion to int would smear their sign over the rest.
TEST(EndianTest, ReadsBackEveryBit) {
  uint8_t out[8];
  for (int bit = 0; bit < 64; ++bit) {
    for (const uint64_t v : {uint64_t{1} << bit, ~(uint64_t{1} << bit)}) {
      PutBig64(out, v);
      EXPECT_EQ(GetBig64(out), v);
      EXPECT_EQ(GetBig32(out), static_cast<uint32_t>(v >> 32));
      EXPECT_EQ(GetBig16(out), static_cast<uint16_t>(v >> 48));
      EXPECT_EQ(GetBig16(out + 6), static_cast<uint16_t>(v));
    }
  }
}

TEST(BytesTest, ComparesByContent) {
  EXPECT_TRUE(Equal({}, {}));
  EXPECT_TRUE(Equal(AsBytes("ab"), AsBytes(std::string("ab"))));
  EXPECT_FALSE(Equal(AsBytes("ab"), AsBytes("ac")));
  EXPECT_FALSE(Equal(AsBytes("ab"), AsBytes("abc")));
  Bytes out{1};
  AppendTo(out, Bytes{2, 3});
  EXPECT_EQ(out, (Bytes{1, 2, 3}));
  EXPECT_EQ(AsText(AsBytes("caf\xc3\xa9")), "caf\xc3\xa9");
}

template <typename A, typename B>
constexpr bool kComparable = requires(A a, B b) { a < b; };

TEST(IdsTest, OrderAndDoNotMix) {
  EXPECT_LT(Seq{1}, Seq{2});
  EXPECT_EQ(Seq{1} + 2, Seq{3});
  EXPECT_LT(TreeSize{9}, TreeSize{10});
  EXPECT_EQ(MonotonicNanos{7} - (MonotonicNanos{5} + 1), 1);
  static_assert(!kComparable<Seq, TreeSize>);
  static_assert(!kComparable<UnixNanos, MonotonicNanos>);
  static_assert(!kComparable<Seq, uint64_t>);
  static_assert(!std::is_convertible_v<uint64_t, Seq>);
}

}  // namespace
}  // namespace sealtrail
