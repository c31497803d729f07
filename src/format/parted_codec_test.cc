#include "format/parted_codec.h"

#include <random>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"
#include "format/segment_format.h"

namespace sealtrail::format {
namespace {

Bytes BundleOf(const std::vector<std::string>& leaves) {
  Bytes bundle;
  for (const std::string& leaf : leaves) {
    bundle.resize(bundle.size() + 2);
    PutBig16(bundle.data() + bundle.size() - 2, static_cast<uint16_t>(leaf.size()));
    AppendTo(bundle, AsBytes(leaf));
  }
  return bundle;
}

void ExpectRoundTrip(const std::vector<std::string>& leaves) {
  const Bytes bundle = BundleOf(leaves);
  Bytes body;
  ASSERT_TRUE(PartBundle(bundle, body));
  const auto joined = JoinBundle(body, static_cast<uint32_t>(bundle.size()));
  ASSERT_TRUE(joined.ok()) << joined.status().ToString();
  ASSERT_EQ(*joined, bundle);
}

std::string Salt(std::mt19937_64& random) {
  std::array<uint8_t, 16> salt;
  for (uint8_t& byte : salt) byte = static_cast<uint8_t>(random());
  return Base64Encode(salt);
}

std::string Text(std::mt19937_64& random, std::string_view alphabet, size_t length) {
  std::string text;
  for (size_t i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
  return text;
}

// Leaves as there are: alike, with salts, ids and times.
std::vector<std::string> Realistic(std::mt19937_64& random, int count) {
  std::vector<std::string> leaves;
  for (int i = 0; i < count; ++i) {
    const uint64_t start = 1'760'949'016'000'000'000 + random() % 1'000'000'000'000;
    leaves.push_back(fmt::format(
        R"({{"k":"span","n":"{}","o":{{"a":[["enduser.id","user-{}"],["audit.action","role_update"]],"e":"{}","i":"{}",)"
        R"("n":"user.role.update","s":"{}","t":"{}"}},"r":{{"a":"1764039846000000000","b":"local","t":"grpc"}},"v":1}})",
        Salt(random), random() % 5000, start + random() % 100'000'000,
        Text(random, "0123456789abcdef", 16), start, Text(random, "0123456789abcdef", 32)));
  }
  return leaves;
}

TEST(PartedCodecTest, RealisticLeavesComeBackAndTakeLittle) {
  std::mt19937_64 random(1);
  const auto leaves = Realistic(random, 256);
  ExpectRoundTrip(leaves);
  const Bytes bundle = BundleOf(leaves);
  Bytes parted, plain;
  ASSERT_EQ(EncodeBundle(bundle, parted), Codec::kParted);
  EncodeContent(bundle, plain);
  EXPECT_LT(parted.size(), plain.size());
  // 16 of salt, 24 of ids, some 10 of times, and next to nothing else.
  EXPECT_LT(parted.size(), 256u * 62) << plain.size();
}

// Anything that could be taken for a salt, an id or a number, whole or in part.
TEST(PartedCodecTest, WhateverStandsInALeafComesBack) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 3000; ++round) {
    SCOPED_TRACE(round);
    std::vector<std::string> leaves;
    for (uint64_t n = 1 + random() % 6; n > 0; --n) {
      std::string leaf;
      for (uint64_t pieces = random() % 8; pieces > 0 || leaf.empty(); pieces -= pieces > 0) {
        switch (random() % 8) {
          case 0:
            leaf += Text(random, "0123456789abcdef", random() % 70);
            break;
          case 1:
            leaf += Text(random, "0123456789", 17 + random() % 5);
            break;
          case 2:
            leaf += "9999999999999999999";
            break;
          case 3:
            leaf += R"({"k":"log","n":")" + Salt(random) + "\"";
            break;
          case 4:
            leaf += R"("n":")" + Text(random, "ABCabc019+/=", random() % 30) + "\"";
            break;
          case 5:
            leaf += Text(random, "xyz \"\\\xc3\xa4\x7f\xff{}[],:", random() % 40);
            break;
          case 6:
            leaf += "0" + Text(random, "0123456789", 18);
            break;
          default:
            leaf += Text(random, "0123456789ABCDEFabcdefg", random() % 40);
        }
      }
      leaves.push_back(std::move(leaf));
    }
    ExpectRoundTrip(leaves);
    if (HasFatalFailure()) return;
  }
  ExpectRoundTrip({std::string(kLeafBytesMax, 'a')});
  ExpectRoundTrip({"x"});
}

TEST(PartedCodecTest, WhatCouldBeTakenForAMarkIsLeftToAnotherCodec) {
  Bytes out;
  for (char control : {'\x00', '\x01', '\x05', '\n', '\x1f'}) {
    EXPECT_FALSE(PartBundle(BundleOf({"good", std::string("bad") + control}), out)) << int{control};
  }
  Bytes cut = BundleOf({"good", "leaf"});
  cut.pop_back();
  EXPECT_FALSE(PartBundle(cut, out));
  const Bytes bundle = BundleOf({std::string(300, '\x01')});
  EXPECT_EQ(EncodeBundle(bundle, out), Codec::kZstd);
  EXPECT_EQ(DecodeBody(Codec::kZstd, out, static_cast<uint32_t>(bundle.size())).value(), bundle);
}

// The body as docs/formats/segment.md §3.1 lays it out, without its compression.
TEST(PartedCodecTest, PartsAreAsSpecified) {
  const std::string salt = Base64Encode(Bytes(16, 0xab));
  const Bytes bundle = BundleOf({
      R"({"k":"log","n":")" + salt +
          R"(","t":"00112233445566778899aabbccddeeff","w":"1764039846000000000","ob":"1764039846000000003"})",
      R"({"i":"0123456789abcdef","w":"1764039845999999999"})",
  });
  const std::string text =
      "{\"k\":\"log\",\"n\":\"\x01\",\"t\":\"\x02\",\"w\":\"\x05\",\"ob\":\"\x04\"}\n"
      "{\"i\":\"\x03\",\"w\":\"\x05\"}\n";
  Bytes body;
  ASSERT_TRUE(PartBundle(bundle, body));
  std::array<Bytes, 3> parts;
  size_t at = 12;
  for (size_t i = 0; i < 3; ++i) {
    const ByteView frame = ByteView(body).subspan(at, GetBig32(body.data() + i * 4));
    const size_t size = i == 0 ? text.size() : i == 1 ? 24 : 11;
    parts[i] = DecodeBody(Codec::kZstd, frame, static_cast<uint32_t>(size)).value();
    at += frame.size();
  }
  EXPECT_EQ(AsText(parts[0]), text);
  EXPECT_EQ(HexEncode(parts[1]), "00112233445566778899aabbccddeeff0123456789abcdef");
  // 1764039846000000000 from 0; 3 from that; -1 from the first one of the leaf before.
  EXPECT_EQ(HexEncode(parts[2]).substr(18), "0601");
  EXPECT_EQ(HexEncode(ByteView(body).subspan(at)), HexEncode(Bytes(16, 0xab)));
}

TEST(PartedCodecTest, ForeignBytesAreErrorsOrBundles) {
  std::mt19937_64 random(3);
  const Bytes bundle = BundleOf(Realistic(random, 20));
  Bytes body;
  ASSERT_TRUE(PartBundle(bundle, body));
  const auto size = static_cast<uint32_t>(bundle.size());
  for (size_t cut = 0; cut < body.size(); cut += 7)
    EXPECT_FALSE(JoinBundle(ByteView(body).first(cut), size).ok());
  for (int round = 0; round < 5000; ++round) {
    Bytes changed = body;
    changed[random() % changed.size()] ^= static_cast<uint8_t>(1 + random() % 255);
    const auto joined = JoinBundle(changed, size);
    if (joined.ok()) {
      EXPECT_EQ(joined->size(), size);
    }
  }
  EXPECT_FALSE(JoinBundle(body, size - 1).ok());
  EXPECT_FALSE(JoinBundle(body, size + 1).ok());
  body.push_back(0);
  EXPECT_FALSE(JoinBundle(body, size).ok()) << "salts left over";
}

}  // namespace
}  // namespace sealtrail::format
