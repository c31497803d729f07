#include "net/content_decoder.h"

#include <fstream>
#include <libdeflate.h>
#include <string>
#include <zlib.h>

#include <gtest/gtest.h>

#include "base/limits.h"

namespace sealtrail::net {
namespace {

// zlib packs what libdeflate unpacks: two programs that have to agree on the format.
Bytes Gzip(ByteView plain, int level = 6) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(deflateBound(&z, plain.size()) + 32);
  z.next_in = const_cast<uint8_t*>(plain.data());
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

// One member of `mib` MiB of zeros, made quickly: the same independent block again and again.
// `isize` is what its end claims.
Bytes Bomb(size_t mib, uint32_t isize) {
  const Bytes zeros(kMiB);
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes block(64 * kKiB);
  z.next_in = const_cast<uint8_t*>(zeros.data());
  z.avail_in = static_cast<uInt>(zeros.size());
  z.next_out = block.data();
  z.avail_out = static_cast<uInt>(block.size());
  EXPECT_EQ(deflate(&z, Z_FULL_FLUSH), Z_OK);
  block.resize(z.total_out);
  deflateEnd(&z);

  Bytes out{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3};
  for (size_t i = 0; i < mib; ++i) AppendTo(out, block);
  AppendTo(out, Bytes{3, 0, 0, 0, 0, 0});  // a last, empty block and a checksum nobody gets to
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<uint8_t>(isize >> shift));
  return out;
}

size_t HighWaterBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) * kKiB;
  }
  ADD_FAILURE() << "no VmHWM";
  return 0;
}

// Lowers the mark to what is in use now.
size_t ResetHighWater() {
  std::ofstream("/proc/self/clear_refs") << "5";
  return HighWaterBytes();
}

class ContentDecoderTest : public testing::Test {
 protected:
  Result<SharedBytes> Decode(ContentCoding coding, Bytes body) {
    return DecodeContent(coding, SharedBytes(std::move(body)), budget_);
  }
  StatusCode GunzipCode(Bytes body) {
    return Decode(ContentCoding::kGzip, std::move(body)).status().code();
  }

  ByteBudget budget_{256 * kMiB};
};

Bytes Text(size_t size) {
  Bytes out(size);
  uint32_t x = 1;
  for (uint8_t& byte : out) {
    x = x * 1664525 + 1013904223;
    byte = static_cast<uint8_t>("etaoin shrdlu\n.,"[x >> 28]);
  }
  return out;
}

TEST_F(ContentDecoderTest, NamesAndMagic) {
  EXPECT_EQ(CodingNamed(""), ContentCoding::kIdentity);
  EXPECT_EQ(CodingNamed("Identity"), ContentCoding::kIdentity);
  EXPECT_EQ(CodingNamed("GZIP"), ContentCoding::kGzip);
  EXPECT_EQ(CodingNamed("x-gzip"), ContentCoding::kGzip);
  EXPECT_EQ(CodingNamed("br"), std::nullopt);
  EXPECT_EQ(CodingNamed("gzip, gzip"), std::nullopt);
  EXPECT_EQ(CodingByMagic(Gzip(Text(9))), ContentCoding::kGzip);
  EXPECT_EQ(CodingByMagic({}), ContentCoding::kIdentity);
  EXPECT_EQ(CodingByMagic(Bytes{0x1f}), ContentCoding::kIdentity);
  EXPECT_EQ(CodingByMagic(Bytes{0x0a, 0x8b, 0x1f}), ContentCoding::kIdentity);
}

TEST_F(ContentDecoderTest, IdentityIsTheSameMemory) {
  const SharedBytes body(Text(1000));
  const auto out = DecodeContent(ContentCoding::kIdentity, body, budget_);
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->view().data(), body.view().data());
}

TEST_F(ContentDecoderTest, GivesBackWhatZlibPacked) {
  for (const size_t size : {0u, 1u, 4095u, 4096u, 4097u, 70'000u, 9'000'000u}) {
    for (const int level : {0, 1, 9}) {
      SCOPED_TRACE(fmt::format("{} bytes, level {}", size, level));
      const Bytes plain = Text(size);
      const auto out = Decode(ContentCoding::kGzip, Gzip(plain, level));
      ASSERT_TRUE(out.ok()) << out.status().ToString();
      EXPECT_TRUE(Equal(out->view(), plain));
      EXPECT_EQ(budget_.used(), size);
    }
  }
  EXPECT_EQ(budget_.used(), 0u);
}

// Goal: members in a row are one body, also where the last one's length, which serves as hint for
// the whole, is far too small, so that the room grows in the middle.
TEST_F(ContentDecoderTest, MembersInARowAreOneBody) {
  Bytes packed;
  Bytes plain;
  for (const size_t size : {5'000'000u, 3u, 0u, 200'000u, 12'000'000u, 1u}) {
    AppendTo(packed, Gzip(Text(size)));
    AppendTo(plain, Text(size));
  }
  const auto out = Decode(ContentCoding::kGzip, packed);
  ASSERT_TRUE(out.ok()) << out.status().ToString();
  EXPECT_TRUE(Equal(out->view(), plain));
}

// A flipped bit where RFC 1952 leaves it free (time, extra flags, system, padding of the last
// deflate byte) means nothing; any other is refused.
TEST_F(ContentDecoderTest, EveryTruncationAndEveryFlippedByteIsRefused) {
  const Bytes plain = Text(300);
  const Bytes good = Gzip(plain);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(GunzipCode(Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size))),
              StatusCode::kInvalidArgument)
        << size;
  }
  int accepted = 0;
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const auto out = Decode(ContentCoding::kGzip, bad);
    if (out.ok()) {
      ++accepted;
      EXPECT_TRUE(Equal(out->view(), plain)) << bit;
    } else {
      EXPECT_EQ(out.status().code(), StatusCode::kInvalidArgument) << bit;
    }
  }
  EXPECT_LE(accepted, 6 * 8 + 7 + 1);  // and the flag FTEXT, a hint only
}

TEST_F(ContentDecoderTest, GarbageBehindTheEndIsRefused) {
  for (const Bytes& tail : {Bytes{0}, Bytes{0x1f, 0x8b}, Bytes(100), Text(1000)}) {
    Bytes body = Gzip(Text(300));
    AppendTo(body, tail);
    EXPECT_EQ(GunzipCode(body), StatusCode::kInvalidArgument);
  }
}

TEST_F(ContentDecoderTest, TheLimitItselfIsAllowedAndOneMoreIsNot) {
  const Bytes zeros(kRequestBytesMax + 1);
  const ByteView all(zeros);
  const auto fits = Decode(ContentCoding::kGzip, Gzip(all.first(kRequestBytesMax), 1));
  ASSERT_TRUE(fits.ok()) << fits.status().ToString();
  EXPECT_EQ(fits->size(), kRequestBytesMax);
  EXPECT_EQ(GunzipCode(Gzip(all, 1)), StatusCode::kResourceExhausted);
  Bytes two = Gzip(all.first(40 * kMiB), 1);
  AppendTo(two, Gzip(all.subspan(40 * kMiB), 1));
  EXPECT_EQ(GunzipCode(two), StatusCode::kResourceExhausted);
  EXPECT_EQ(Decode(ContentCoding::kIdentity, zeros).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(GunzipCode(zeros), StatusCode::kResourceExhausted);
}

// Goal: a bomb costs no more than the limit, whatever its end claims, and nothing stays behind.
TEST_F(ContentDecoderTest, ABombAddsLessThan80MiB) {
  const uint32_t claims[] = {0, 1u << 30, 40u << 20, 5'000'000, 0xffffffff};
  for (const uint32_t claim : claims) {
    SCOPED_TRACE(claim);
    Bytes bomb = Bomb(1024, claim);
    ASSERT_LT(bomb.size(), 2 * kMiB);
    const size_t before = ResetHighWater();
    const StatusCode code = GunzipCode(std::move(bomb));
    const size_t added = HighWaterBytes() - before;
    EXPECT_EQ(code, StatusCode::kResourceExhausted);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(added, 80 * kMiB);
#else
    (void)added;
#endif
    EXPECT_EQ(budget_.used(), 0u);
  }
}

TEST_F(ContentDecoderTest, AClaimAloneTakesNoMoreThanTheInputCouldHold) {
  Bytes small = Gzip(Text(100));
  for (size_t i = 1; i <= 4; ++i) small[small.size() - i] = 0xff;
  ByteBudget tight(small.size() * 1032);
  EXPECT_EQ(DecodeContent(ContentCoding::kGzip, SharedBytes(small), tight).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(ContentDecoderTest, WithoutBudgetTheClientMayTryAgain) {
  ByteBudget tight(64 * kKiB);
  const auto out = DecodeContent(ContentCoding::kGzip, SharedBytes(Gzip(Text(70'000))), tight);
  EXPECT_EQ(out.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(tight.used(), 0u);
}

TEST_F(ContentDecoderTest, ThreeMillionEmptyMembersEnd) {
  Bytes many;
  const Bytes one = Gzip({});
  while (many.size() + one.size() <= kRequestBytesMax) AppendTo(many, one);
  const auto out = Decode(ContentCoding::kGzip, std::move(many));
  ASSERT_TRUE(out.ok()) << out.status().ToString();
  EXPECT_EQ(out->size(), 0u);
}

TEST(ByteBudgetTest, LeasesComeAndGo) {
  ByteBudget budget(100);
  auto a = budget.TryTake(60);
  ASSERT_TRUE(a.has_value());
  EXPECT_FALSE(budget.TryTake(41).has_value());
  auto b = budget.TryTake(40);
  ASSERT_TRUE(b.has_value());
  EXPECT_FALSE(a->Resize(61));
  EXPECT_TRUE(a->Resize(10));
  EXPECT_EQ(budget.used(), 50u);
  ByteBudget::Lease moved = std::move(*a);
  a.reset();
  EXPECT_EQ(budget.used(), 50u);
  moved = ByteBudget::Lease();
  b.reset();
  EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace sealtrail::net
