#include "format/segment_format.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/limits.h"

namespace sealtrail::format {
namespace {

FrameHeader Example() {
  FrameHeader header{.first = Seq{0x0102030405060708},
                     .count = 3,
                     .body_bytes = 300,
                     .notes_bytes = 9,
                     .side_offsets = 2,
                     .synced = 0x1122334455667788,
                     .decoded_bytes = 300,
                     .times = {.event_min = 1,
                               .event_max = 2,
                               .received_min = 3,
                               .received_max = 0x0102030405060708},
                     .payload_crc = 0xdeadbeef};
  header.chain_before.fill(0xab);
  return header;
}

// The bytes as docs/formats/segment.md §3 lays them out; the checksum is from the portable CRC.
TEST(FrameHeaderTest, BytesAreAsSpecified) {
  const auto bytes = EncodeFrameHeader(Example());
  std::string chain;
  for (int i = 0; i < 32; ++i) chain += "ab";
  EXPECT_EQ(HexEncode(ByteView(bytes).first(116)),
            "53454146"
            "01000000"
            "0102030405060708"
            "00000003"
            "0000012c"
            "00000009"
            "00000002"
            "1122334455667788" +
                chain +
                "0000012c"
                "00000000"
                "0000000000000001"
                "0000000000000002"
                "0000000000000003"
                "0102030405060708"
                "deadbeef");
}

TEST(FrameHeaderTest, EveryFlippedBitIsNoticed) {
  const auto good = EncodeFrameHeader(Example());
  ASSERT_TRUE(DecodeFrameHeader(good).ok());
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(DecodeFrameHeader(bad).ok()) << bit;
  }
}

TEST(FrameHeaderTest, ImpossibleHeadersAreRefused) {
  FrameHeader header = Example();
  header.count = kFrameRecordsMax + 1;
  EXPECT_FALSE(DecodeFrameHeader(EncodeFrameHeader(header)).ok());
  header = Example();
  header.type = FrameType::kSide;
  EXPECT_FALSE(DecodeFrameHeader(EncodeFrameHeader(header)).ok());
  header.type = FrameType::kIndex;
  EXPECT_FALSE(DecodeFrameHeader(EncodeFrameHeader(header)).ok());
  header.type = static_cast<FrameType>(4);
  EXPECT_FALSE(DecodeFrameHeader(EncodeFrameHeader(header)).ok());
  header = Example();
  std::swap(header.times.event_min, header.times.event_max);
  EXPECT_FALSE(DecodeFrameHeader(EncodeFrameHeader(header)).ok());
  header = {.first = Seq{1}, .notes_bytes = 8, .times = {.event_max = 1}};
  EXPECT_FALSE(DecodeFrameHeader(EncodeFrameHeader(header)).ok()) << "times of no record";
}

TEST(SegmentHeaderTest, RoundTripsAndNoticesEveryFlippedBit) {
  SegmentHeader header{
      .form = Form::kSealed, .first = Seq{77}, .created = UnixNanos{1764039845000000000}};
  header.chain_before.fill(1);
  header.origin_hash.fill(2);
  const auto good = EncodeSegmentHeader(header);
  const auto decoded = DecodeSegmentHeader(good);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->form, Form::kSealed);
  EXPECT_EQ(decoded->first, Seq{77});
  EXPECT_EQ(decoded->chain_before, header.chain_before);
  EXPECT_EQ(decoded->origin_hash, header.origin_hash);
  EXPECT_EQ(decoded->created, header.created);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(DecodeSegmentHeader(bad).ok()) << bit;
  }
}

TEST(BundleTest, SplitsExactly) {
  const Bytes body = {0, 1, 'a', 0, 2, 'b', 'c'};
  const auto leaves = SplitBundle(body, 2);
  ASSERT_TRUE(leaves.ok());
  EXPECT_EQ(*leaves, (std::vector<std::string_view>{"a", "bc"}));
  EXPECT_FALSE(SplitBundle(body, 1).ok());
  EXPECT_FALSE(SplitBundle(body, 3).ok());
  EXPECT_FALSE(SplitBundle(ByteView(body).first(6), 2).ok());
  EXPECT_FALSE(SplitBundle(ByteView(body).first(4), 2).ok());
  EXPECT_FALSE(SplitBundle(Bytes{0, 0}, 1).ok());
}

TEST(BodyTest, BundlesComeBackWhateverTheCodec) {
  Bytes text, noise;
  for (uint32_t i = 0; i < 20'000; ++i) {
    text.push_back(static_cast<uint8_t>('a' + i % 7));
    noise.push_back(static_cast<uint8_t>((i * 2654435761u) >> 13));
  }
  for (const Bytes& bundle : {text, noise, Bytes{1}}) {
    Bytes body;
    const Codec codec = EncodeContent(bundle, body);
    EXPECT_LE(body.size(), bundle.size());
    const auto size = static_cast<uint32_t>(bundle.size());
    EXPECT_EQ(DecodeBody(codec, body, size).value(), bundle);
    if (codec == Codec::kRaw) continue;
    EXPECT_FALSE(DecodeBody(codec, body, size - 1).ok());
    EXPECT_FALSE(DecodeBody(codec, ByteView(body).first(body.size() - 1), size).ok());
    body.push_back(0);  // bytes behind the compressed ones
    EXPECT_FALSE(DecodeBody(codec, body, size).ok());
  }
  Bytes body;
  EXPECT_EQ(EncodeContent(text, body), Codec::kZstd);
  EXPECT_LT(body.size(), text.size() / 10);
}

TEST(IndexTest, RoundTripsAndRefusesEveryOtherLength) {
  SegmentIndex index{.offsets = {128, 1000, 5'000'000'000}, .nodes = {Hash32{1}, Hash32{2}}};
  const Bytes body = EncodeIndex(index);
  EXPECT_EQ(body.size(), 8 + 3 * 8 + 2 * 32u);
  const auto decoded = DecodeIndex(body);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->offsets, index.offsets);
  EXPECT_EQ(decoded->nodes, index.nodes);
  for (size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(DecodeIndex(ByteView(body).first(size)).ok()) << size;
  }
  Bytes longer = body;
  longer.push_back(0);
  EXPECT_FALSE(DecodeIndex(longer).ok());
}

TEST(TimeBoundsTest, WidenHoldsBoth) {
  const TimeBounds a{.event_min = 5, .event_max = 9, .received_min = 5, .received_max = 5};
  const TimeBounds b{.event_min = 1, .event_max = 6, .received_min = 7, .received_max = 8};
  EXPECT_EQ(Widen(a, false, b),
            (TimeBounds{.event_min = 1, .event_max = 9, .received_min = 5, .received_max = 8}));
  EXPECT_EQ(Widen(TimeBounds(), true, b), b);
}

TEST(SegmentFileNameTest, OneSpelling) {
  EXPECT_EQ(SegmentFileName(Seq{42}, FileKind::kSealed), "00000000000000000042.seg");
  for (const FileKind kind :
       {FileKind::kLog, FileKind::kSealing, FileKind::kSealed, FileKind::kManifest}) {
    const auto file = ParseSegmentFileName(SegmentFileName(Seq{42}, kind));
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file->first, Seq{42});
    EXPECT_EQ(file->kind, kind);
  }
  for (std::string_view bad : {"42.seg", "0000000000000000004x.seg", "00000000000000000042.tmp",
                               "+0000000000000000042.seg", "00000000000000000042.log.seg"}) {
    EXPECT_FALSE(ParseSegmentFileName(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace sealtrail::format
