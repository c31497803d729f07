#include "net/content_decoder.h"

#include <fstream>
#include <libdeflate.h>
#include <string>
#include <zlib.h>
#include <zstd.h>

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

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

struct ZstdForm {
  int level = 3;
  bool states_size = true;  // and so is decoded at once; else as a stream
  bool checksum = false;
  int window_log = 0;  // 0: as the level has it
};

Bytes Zstd(ByteView plain, ZstdForm form = {}) {
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, form.level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, form.states_size ? 1 : 0);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, form.checksum ? 1 : 0);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, form.window_log);
  Bytes out(ZSTD_compressBound(plain.size()));
  const size_t size =
      ZSTD_compress2(context.get(), out.data(), out.size(), plain.data(), plain.size());
  EXPECT_FALSE(ZSTD_isError(size)) << ZSTD_getErrorName(size);
  out.resize(size);
  return out;
}

// A frame of `mib` MiB of zeros: RFC 8878 §3.1.1 by hand, an RLE block of 4 bytes for each 128 KiB. `stated` is the size
// that it claims; without one it is decoded as a stream.
Bytes ZstdBomb(size_t mib, std::optional<uint64_t> stated) {
  Bytes out{0x28, 0xb5, 0x2f, 0xfd};
  if (stated.has_value()) {
    out.push_back(0b1110'0000);  // eight bytes of size, one segment
    for (int shift = 0; shift < 64; shift += 8)
      out.push_back(static_cast<uint8_t>(*stated >> shift));
  } else {
    out.push_back(0);
    out.push_back(13 << 3);  // a window of 8 MiB, the largest that may be asked for
  }
  for (size_t i = 0; i < mib * 8; ++i) {
    const uint32_t block = 128 * kKiB << 3 | 1 << 1 | (i + 1 == mib * 8 ? 1 : 0);
    for (int shift = 0; shift < 24; shift += 8) out.push_back(static_cast<uint8_t>(block >> shift));
    out.push_back(0);
  }
  return out;
}

Bytes Skippable(ByteView content, uint8_t kind = 0) {
  Bytes out{static_cast<uint8_t>(0x50 + kind), 0x2a, 0x4d, 0x18};
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<uint8_t>(content.size() >> shift));
  }
  AppendTo(out, content);
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
  StatusCode UnzstdCode(Bytes body) {
    return Decode(ContentCoding::kZstd, std::move(body)).status().code();
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
  EXPECT_EQ(CodingNamed("Zstd"), ContentCoding::kZstd);
  EXPECT_EQ(CodingNamed("br"), std::nullopt);
  EXPECT_EQ(CodingNamed("gzip, gzip"), std::nullopt);
  EXPECT_EQ(CodingByMagic(Gzip(Text(9))), ContentCoding::kGzip);
  EXPECT_EQ(CodingByMagic(Zstd(Text(9))), ContentCoding::kZstd);
  EXPECT_EQ(CodingByMagic(Bytes{0x28, 0xb5, 0x2f}), ContentCoding::kIdentity);
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

TEST_F(ContentDecoderTest, GivesBackWhatZstdPacked) {
  for (const size_t size : {0u, 1u, 4095u, 4096u, 4097u, 70'000u, 131'072u, 9'000'000u}) {
    const Bytes plain = Text(size);
    for (const int level : {-5, 1, 3, 9}) {
      for (const bool states_size : {true, false}) {
        SCOPED_TRACE(fmt::format("{} bytes, level {}, stated {}", size, level, states_size));
        const auto out =
            Decode(ContentCoding::kZstd,
                   Zstd(plain, {.level = level, .states_size = states_size, .checksum = true}));
        ASSERT_TRUE(out.ok()) << out.status().ToString();
        EXPECT_TRUE(Equal(out->view(), plain));
        EXPECT_EQ(budget_.used(), size);
      }
    }
  }
  EXPECT_EQ(budget_.used(), 0u);
}

// Goal: frames in a row are one body, whichever way each is decoded, and what is to be skipped is.
TEST_F(ContentDecoderTest, FramesInARowAreOneBody) {
  Bytes packed = Skippable(Text(100));
  Bytes plain;
  for (const bool states_size : {true, false, false, true, true}) {
    for (const size_t size : {5'000'000u, 3u, 0u, 200'000u, 1u}) {
      AppendTo(packed, Zstd(Text(size), {.states_size = states_size}));
      AppendTo(packed, Skippable(Text(size % 7), static_cast<uint8_t>(size % 16)));
      AppendTo(plain, Text(size));
    }
  }
  const auto out = Decode(ContentCoding::kZstd, packed);
  ASSERT_TRUE(out.ok()) << out.status().ToString();
  EXPECT_TRUE(Equal(out->view(), plain));

  const auto nothing = Decode(ContentCoding::kZstd, Skippable({}, 15));
  ASSERT_TRUE(nothing.ok()) << nothing.status().ToString();
  EXPECT_EQ(nothing->size(), 0u);
}

TEST_F(ContentDecoderTest, ZstdThatIsCutOrDamagedIsRefused) {
  const Bytes plain = Text(300);
  for (const bool states_size : {true, false}) {
    SCOPED_TRACE(states_size);
    const Bytes good = Zstd(plain, {.states_size = states_size, .checksum = true});
    for (size_t size = 0; size < good.size(); ++size) {
      EXPECT_EQ(UnzstdCode(Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size))),
                StatusCode::kInvalidArgument)
          << size;
    }
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes bad = good;
      bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      const auto out = Decode(ContentCoding::kZstd, bad);
      if (out.ok()) {
        EXPECT_TRUE(Equal(out->view(), plain)) << bit;  // the window, or a bit that is unused
      } else {
        EXPECT_EQ(out.status().code(), StatusCode::kInvalidArgument) << bit;
      }
    }
    for (const Bytes& tail : {Bytes{0}, Bytes{0x28, 0xb5, 0x2f, 0xfd}, Bytes(100), Text(1000),
                              Bytes{0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0}}) {
      Bytes body = good;
      AppendTo(body, tail);
      EXPECT_EQ(UnzstdCode(body), StatusCode::kInvalidArgument);
    }
  }
}

// The library would read v0.5 to v0.7 of the format, by decoders of their time.
TEST_F(ContentDecoderTest, ZstdBeforeItsSpecificationIsRefused) {
  for (const uint8_t version : {0x22, 0x23, 0x24, 0x25, 0x26, 0x27}) {
    for (const size_t size : {size_t{0}, size_t{2}, size_t{100}}) {
      Bytes body{version, 0xb5, 0x2f, 0xfd};
      body.resize(4 + size);
      EXPECT_EQ(UnzstdCode(body), StatusCode::kInvalidArgument) << version << " " << size;
    }
  }
  // "abc" in v0.7: one segment of 3 bytes, a raw block, the end.
  const Bytes whole{0x27, 0xb5, 0x2f, 0xfd, 0x20, 3, 0x40, 0, 3, 'a', 'b', 'c', 0xc0, 0, 0};
  EXPECT_EQ(UnzstdCode(whole), StatusCode::kInvalidArgument);
}

// RFC 9659. A frame that says how large it is needs no window, whatever it asks for.
TEST_F(ContentDecoderTest, TheLargestWindowIsThatOfHttp) {
  const Bytes plain = Text(20'000'000);
  const auto fits = Decode(ContentCoding::kZstd,
                           Zstd(plain, {.level = 1, .states_size = false, .window_log = 23}));
  ASSERT_TRUE(fits.ok()) << fits.status().ToString();
  EXPECT_TRUE(Equal(fits->view(), plain));
  const auto larger = Decode(ContentCoding::kZstd,
                             Zstd(plain, {.level = 1, .states_size = false, .window_log = 24}));
  EXPECT_EQ(larger.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(larger.status().message().find("window"), std::string::npos);
  const auto stated = Decode(ContentCoding::kZstd,
                             Zstd(plain, {.level = 1, .states_size = true, .window_log = 24}));
  ASSERT_TRUE(stated.ok()) << stated.status().ToString();
  EXPECT_TRUE(Equal(stated->view(), plain));
}

TEST_F(ContentDecoderTest, ZstdUpToTheLimit) {
  const Bytes zeros(kRequestBytesMax + 1);
  const ByteView all(zeros);
  for (const bool states_size : {true, false}) {
    SCOPED_TRACE(states_size);
    const ZstdForm form{.level = 1, .states_size = states_size, .checksum = true};
    const auto fits = Decode(ContentCoding::kZstd, Zstd(all.first(kRequestBytesMax), form));
    ASSERT_TRUE(fits.ok()) << fits.status().ToString();
    EXPECT_EQ(fits->size(), kRequestBytesMax);
    EXPECT_EQ(UnzstdCode(Zstd(all, form)), StatusCode::kResourceExhausted);
    Bytes two = Zstd(all.first(40 * kMiB), form);
    AppendTo(two, Zstd(all.subspan(40 * kMiB), form));
    EXPECT_EQ(UnzstdCode(two), StatusCode::kResourceExhausted);
    Bytes full = Zstd(all.first(kRequestBytesMax), form);
    AppendTo(full, Zstd({}, form));
    AppendTo(full, Skippable(Text(9)));
    EXPECT_EQ(UnzstdCode(full), StatusCode::kOk);
  }
  EXPECT_EQ(UnzstdCode(zeros), StatusCode::kResourceExhausted);
}

// Goal: as with gzip, a bomb costs no more than the limit and the window, whatever it claims, and nothing stays behind.
TEST_F(ContentDecoderTest, AZstdBombAddsLessThan80MiB) {
  const std::optional<uint64_t> claims[] = {std::nullopt, 0,        5'000'000,     40u << 20,
                                            64u << 20,    1u << 30, UINT64_MAX - 2};
  for (const auto& claim : claims) {
    SCOPED_TRACE(claim.has_value() ? fmt::format("{}", *claim) : "a stream");
    Bytes bomb = ZstdBomb(1024, claim);
    ASSERT_LT(bomb.size(), kMiB);
    const size_t before = ResetHighWater();
    const StatusCode code = UnzstdCode(std::move(bomb));
    const size_t added = HighWaterBytes() - before;
    const bool honest = !claim.has_value() || *claim == 1u << 30;
    EXPECT_EQ(code, honest ? StatusCode::kResourceExhausted : StatusCode::kInvalidArgument);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(added, 80 * kMiB);
#else
    (void)added;
#endif
    EXPECT_EQ(budget_.used(), 0u);
  }
  EXPECT_EQ(Decode(ContentCoding::kZstd, ZstdBomb(64, std::nullopt)).value().size(), 64 * kMiB);
  EXPECT_EQ(Decode(ContentCoding::kZstd, ZstdBomb(64, 64 * kMiB)).value().size(), 64 * kMiB);
}

TEST_F(ContentDecoderTest, AZstdClaimAloneTakesNoMoreThanTheInputCouldHold) {
  Bytes small = ZstdBomb(1, 2 * kMiB);
  ByteBudget tight(kMiB + 64 * kKiB);
  EXPECT_EQ(DecodeContent(ContentCoding::kZstd, SharedBytes(small), tight).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(ContentDecoderTest, ZstdWithoutBudgetMayBeTriedAgain) {
  for (const bool states_size : {true, false}) {
    ByteBudget tight(64 * kKiB);
    const Bytes packed = Zstd(Text(70'000), {.states_size = states_size});
    const auto out = DecodeContent(ContentCoding::kZstd, SharedBytes(packed), tight);
    EXPECT_EQ(out.status().code(), StatusCode::kUnavailable);
    EXPECT_EQ(tight.used(), 0u);
  }
}

// The window is taken from the budget too, for as long as it is there.
TEST_F(ContentDecoderTest, AZstdWindowCounts) {
  const Bytes packed = ZstdBomb(1, std::nullopt);
  for (const auto& [bytes, expected] :
       {std::pair{9 * kMiB, StatusCode::kUnavailable}, std::pair{11 * kMiB, StatusCode::kOk}}) {
    ByteBudget budget(bytes);
    const auto out = DecodeContent(ContentCoding::kZstd, SharedBytes(packed), budget);
    EXPECT_EQ(out.status().code(), expected) << out.status().ToString();
    EXPECT_EQ(budget.used(), out.ok() ? kMiB : 0u);
  }
}

TEST_F(ContentDecoderTest, MillionsOfEmptyFramesEnd) {
  for (const Bytes& one : {Zstd({}), Zstd({}, {.states_size = false}), Skippable({})}) {
    Bytes many;
    while (many.size() + one.size() <= kRequestBytesMax) AppendTo(many, one);
    const auto out = Decode(ContentCoding::kZstd, std::move(many));
    ASSERT_TRUE(out.ok()) << out.status().ToString();
    EXPECT_EQ(out->size(), 0u);
  }
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
