#include "verify/sha256_lanes.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace sealtrail::verify {
namespace {

// FIPS 180-4's own examples, and a message of no bytes.
TEST(Sha256LanesTest, KnownAnswers) {
  const std::string a_tail = "bc", empty;
  crypto::Hash out[1];
  const ByteView abc[] = {AsBytes(a_tail)};
  HashTagged('a', abc, out);
  EXPECT_EQ(HexEncode(out[0]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string two_blocks = "bcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  const ByteView long_one[] = {AsBytes(two_blocks)};
  HashTagged('a', long_one, out);
  EXPECT_EQ(HexEncode(out[0]), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const ByteView nothing[] = {AsBytes(empty)};
  HashTagged(0x00, nothing, out);
  EXPECT_EQ(HexEncode(out[0]), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

// Goal: however messages of different lengths share the lanes, each comes out as libcrypto has it.
TEST(Sha256LanesTest, IsTheTwin) {
  uint64_t state = 7;
  const auto random = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 33);
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<Bytes> messages(random() % 9);
    std::vector<ByteView> views;
    for (Bytes& message : messages) {
      message.resize(random() % (round % 3 == 0 ? 140 : 2000));
      for (uint8_t& byte : message) byte = static_cast<uint8_t>(random());
      views.push_back(message);
    }
    const auto tag = static_cast<uint8_t>(random());
    std::vector<crypto::Hash> out(messages.size());
    HashTagged(tag, views, out.data());
    for (size_t i = 0; i < messages.size(); ++i) {
      ASSERT_EQ(out[i], crypto::Sha256({ByteView(&tag, 1), messages[i]}))
          << "round " << round << ", " << messages[i].size() << " bytes";
    }
  }
}

TEST(Sha256LanesTest, EveryLengthAroundABlock) {
  for (size_t length = 0; length < 400; ++length) {
    const Bytes a(length, 1), b(399 - length, 2);
    const ByteView views[] = {a, b};
    crypto::Hash out[2];
    HashTagged(5, views, out);
    const uint8_t tag = 5;
    ASSERT_EQ(out[0], crypto::Sha256({ByteView(&tag, 1), a})) << length;
    ASSERT_EQ(out[1], crypto::Sha256({ByteView(&tag, 1), b})) << length;
  }
}

TEST(Sha256LanesTest, LongMessages) {
  const Bytes largest(65'535, 3), longer(65'536, 4);
  for (const Bytes& message : {largest, longer}) {
    const ByteView views[] = {message};
    const uint8_t tag = 0;
    crypto::Hash out[1];
    HashTagged(tag, views, out);
    EXPECT_EQ(out[0], crypto::Sha256({ByteView(&tag, 1), message}));
  }
}

TEST(Sha256LanesTest, Pairs) {
  crypto::Hash hashes[4];
  for (uint8_t i = 0; i < 4; ++i) hashes[i].fill(static_cast<uint8_t>(i + 1));
  const auto slow = [&](uint8_t tag, size_t a, size_t b) {
    return crypto::Sha256({ByteView(&tag, 1), hashes[a], hashes[b]});
  };
  for (bool enabled : {true, false}) {
    internal::lanes_enabled = enabled;
    crypto::Hash one, two;
    HashPairs({.tag = 1, .first = &hashes[0], .second = &hashes[1], .out = &one},
              {.tag = 2, .first = &hashes[2], .second = &hashes[3], .out = &two});
    EXPECT_EQ(one, slow(1, 0, 1));
    EXPECT_EQ(two, slow(2, 2, 3));
    HashPair({.tag = 2, .first = &one, .second = &hashes[3], .out = &one});
    const uint8_t tag = 2;
    EXPECT_EQ(one, crypto::Sha256({ByteView(&tag, 1), slow(1, 0, 1), hashes[3]}));
  }
  internal::lanes_enabled = true;
}

}  // namespace
}  // namespace sealtrail::verify
