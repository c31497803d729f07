#include "base/encoding.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sealtrail {
namespace {

// RFC 4648 §10.
TEST(EncodingTest, Rfc4648Vectors) {
  const std::pair<std::string_view, std::string_view> base64[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, text] : base64) {
    EXPECT_EQ(Base64Encode(AsBytes(plain)), text);
    EXPECT_EQ(AsText(*Base64Decode(text)), plain);
  }
  EXPECT_EQ(HexEncode(AsBytes("foobar")), "666f6f626172");
  EXPECT_EQ(AsText(*HexDecode("666F6f626172")), "foobar");
}

// What a lenient decoder would take, and we do not: each byte string has one spelling.
TEST(EncodingTest, Base64IsStrict) {
  const std::vector<std::string_view> texts[] = {
      /* no padding     */ {"Zg", "Zg=", "Zg===", "Z", "=", "==", "===", "====", "Z==="},
      /* or in between  */ {"Zm9v====", "Zg==Zg==", "Zm=v", "=Zm9", "Zg=a"},
      /* unused bits    */ {"Zh==", "Zo==", "Zm9=", "Zm5="},
      /* other letters  */ {"Zm9_", "Zm-v", "Zm 9", "Zm9\xc3", "\xc3\xa9\xc3\xa9", {"Zm9\0", 4}},
      /* white space    */ {" Zm9", "Zm9v\n", "Zm9v\n\n\n\n"},
  };
  for (const auto& row : texts) {
    for (const std::string_view text : row) EXPECT_FALSE(Base64Decode(text).ok()) << text;
  }
  EXPECT_EQ(Base64Decode("Zm9v*mFy").status().ToString(), "INVALID_ARGUMENT: no base64 digit at 4");
}

// Second witness: of all 2^16 texts of two digits and "==", exactly 256 decode, each to its own byte.
TEST(EncodingTest, EachByteHasOneSpelling) {
  std::set<uint8_t> bytes;
  int accepted = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b), '=', '='};
      const auto decoded = Base64Decode(text);
      if (!decoded.ok()) continue;
      ++accepted;
      ASSERT_EQ(decoded->size(), 1u);
      bytes.insert(decoded->front());
      EXPECT_EQ(Base64Encode(*decoded), text);
    }
  }
  EXPECT_EQ(accepted, 256);
  EXPECT_EQ(bytes.size(), 256u);
}

TEST(EncodingTest, RoundTripsEveryLengthAndByte) {
  for (size_t size = 0; size < 300; ++size) {
    Bytes bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 167 + size);
    EXPECT_EQ(*Base64Decode(Base64Encode(bytes)), bytes);
    EXPECT_EQ(*HexDecode(HexEncode(bytes)), bytes);
    std::string out = "kept ";
    Base64EncodeTo(out, bytes);
    EXPECT_EQ(out, "kept " + Base64Encode(bytes));
    out = "kept ";
    HexEncodeTo(out, bytes);
    EXPECT_EQ(out, "kept " + HexEncode(bytes));
  }
}

TEST(EncodingTest, HexKnowsItsDigits) {
  for (int c = 0; c < 256; ++c) {
    const bool digit = std::string_view("0123456789abcdefABCDEF").find(static_cast<char>(c)) !=
                       std::string_view::npos;
    EXPECT_EQ(HexDecode(std::string{static_cast<char>(c), '0'}).ok(), digit) << c;
    EXPECT_EQ(HexDecode(std::string{'0', static_cast<char>(c)}).ok(), digit) << c;
  }
  EXPECT_FALSE(HexDecode("abc").ok());
  EXPECT_TRUE(HexDecode("")->empty());
}

}  // namespace
}  // namespace sealtrail
