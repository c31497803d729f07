#include "verify/canonical_json.h"

#include <bit>
#include <charconv>
#include <cmath>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/sha256.h"
#include "env/files.h"
#include "env/real_files.h"
#include "verify/json_scanner.h"

namespace sealtrail::verify {
namespace {

std::string Vector(std::string_view name) {
  const auto bytes =
      env::ReadFile(env::RealFiles(),
                    fmt::format("{}/tests/vectors/jcs/{}", SEALTRAIL_SOURCE_DIR, name), 1 << 20);
  EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
  return bytes.ok() ? std::string(AsText(*bytes)) : "";
}

bool Canonical(std::string_view text) {
  return CheckCanonicalJson(AsBytes(text)).what == nullptr;
}

TEST(CanonicalJsonTest, AcceptsThePublishedVectors) {
  for (const char* name : {"arrays", "french", "structures", "unicode", "values", "weird"}) {
    const std::string text = Vector(fmt::format("output/{}.json", name));
    const JsonFault fault = CheckCanonicalJson(AsBytes(text));
    EXPECT_EQ(fault.what, nullptr) << name << " at " << fault.offset;
    EXPECT_FALSE(Canonical(Vector(fmt::format("input/{}.json", name)))) << name;
  }
}

// tests/vectors/jcs/numbers.md: 168 patterns, 2000 in a row, then doubles out of SHA-256; the hash
// of the first 100,000 lines "bits,text" is published.
TEST(CanonicalJsonTest, NumbersOfThePublishedSequence) {
  std::string lines;
  int count = 0;
  const auto add = [&](uint64_t bits) {
    const double value = std::bit_cast<double>(bits);
    const std::string text = EcmaNumber(value);
    EXPECT_EQ(IsEcmaNumber(text), true) << text;
    lines += fmt::format("{:x},{}\n", bits, text);
    ++count;
  };
  const std::string patterns = Vector("numbers-static.txt");
  for (size_t at = 0; at < patterns.size(); at += 17) {
    uint64_t bits = 0;
    std::from_chars(patterns.data() + at, patterns.data() + at + 16, bits, 16);
    add(bits);
  }
  ASSERT_EQ(count, 168);
  for (uint64_t i = 0; i < 2000; ++i) add(0x0010000000000000 + i);
  crypto::Hash block{};
  while (count < 100000) {
    block = crypto::Sha256(block);
    for (size_t i = 0; i < 32 && count < 100000; i += 8) {
      uint64_t bits = 0;
      for (size_t k = 0; k < 8; ++k) bits |= uint64_t{block[i + k]} << (8 * k);
      const double value = std::bit_cast<double>(bits);
      if (std::isfinite(value) && value != 0) add(bits);
    }
  }
  EXPECT_EQ(lines.size(), 4031728u);
  EXPECT_EQ(HexEncode(crypto::Sha256(AsBytes(lines))),
            "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7");
}

TEST(CanonicalJsonTest, Refusals) {
  for (std::string_view text :
       {"", " 1", "1 ", "1\n", "[1, 2]", "{\"a\" :1}", "{\"a\":1,\"a\":1}", "{\"b\":1,\"a\":1}",
        "{\"a\":1,}", "[1,]", "[", "{\"a\":1", "\"abc", "tru", "nul", "True", "01", "-0", "+1",
        "1.0", "1.50", ".5", "5.", "1e5", "1e21", "1E+21", "1e+021", "1e400", "NaN", "0x1", "--1",
        "333333333.33333329", "\"\\/\"", "\"\\u0041\"", "\"\\u000A\"", "\"\\u000a\"", "\"\\u0008\"",
        "\"\\u001F\"", "\"\\u007f\"", "\"\\ud83d\\ude00\"", "\"\\x41\"", "\"a\nb\"", "\"a\tb\"",
        "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xe2\x82\"", "\"\\", "\"\\u00", "1 2",
        "{1:2}",
        // U+FB33 sorts after U+1F600 by code units, though its number is lower.
        "{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x80\":2}"}) {
    EXPECT_FALSE(Canonical(text)) << text;
  }
  EXPECT_TRUE(Canonical("{\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}"));
  EXPECT_TRUE(Canonical("\"\\u0000\\u001f\\b\\t\\n\\f\\r\\\"\\\\/\x7f\""));
  EXPECT_TRUE(Canonical("[0,-1,1e+21,100000000000000000000,0.000001,1e-7,{}]"));
  EXPECT_FALSE(Canonical(std::string(100000, '[')));
}

TEST(CanonicalJsonTest, NamesThePlace) {
  EXPECT_EQ(CheckCanonicalJson(AsBytes("{\"a\":\"x\\u0041\"}")).offset, 7u);
  EXPECT_EQ(CheckCanonicalJson(AsBytes("{\"b\":1,\"a\":1}")).offset, 7u);
  EXPECT_EQ(CheckCanonicalJson(AsBytes("[\"ok\",\"\xff\"]")).offset, 7u);
}

TEST(JsonScannerTest, SkippingPlainTextIsTheSameBothWays) {
  for (int special = 0; special < 256; ++special) {
    for (size_t at : {0u, 3u, 15u, 16u, 17u, 40u}) {
      std::string text(41, 'x');
      text[at] = static_cast<char>(special);
      const ByteView bytes = AsBytes(text);
      const uint8_t* const end = bytes.data() + bytes.size();
      EXPECT_EQ(internal::SkipPlain(bytes.data(), end),
                internal::SkipPlainPortable(bytes.data(), end))
          << special << " at " << at;
    }
  }
}

}  // namespace
}  // namespace sealtrail::verify
