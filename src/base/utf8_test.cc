#include "base/utf8.h"

#include <cstdint>
#include <initializer_list>
#include <string>

#include <gtest/gtest.h>

namespace sealtrail {
namespace {

// The second witness, written from RFC 3629 §3 by meaning: take the length from the first byte, gather the bits,
// then ask whether the number may be spelled so. Returns 0 where `text` does not begin with a character.
size_t SlowLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  const size_t length = first < 0x80             ? 1
                        : (first & 0xe0) == 0xc0 ? 2
                        : (first & 0xf0) == 0xe0 ? 3
                        : (first & 0xf8) == 0xf0 ? 4
                                                 : 0;
  if (length == 0 || text.size() < length) return 0;
  uint32_t code = length == 1 ? first : first & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return 0;
  return length;
}

size_t SlowPrefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = SlowLength(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::string Text(std::initializer_list<int> bytes) {
  std::string out;
  for (int byte : bytes) out += static_cast<char>(byte);
  return out;
}

// The edges of table 3-7 of the Unicode standard.
TEST(Utf8Test, EdgesOfTheTable) {
  for (const std::string& text :
       {Text({0x00}), Text({0x7f}), Text({0xc2, 0x80}), Text({0xdf, 0xbf}),
        Text({0xe0, 0xa0, 0x80}), Text({0xe1, 0x80, 0x80}), Text({0xec, 0xbf, 0xbf}),
        Text({0xed, 0x80, 0x80}), Text({0xed, 0x9f, 0xbf}), Text({0xee, 0x80, 0x80}),
        Text({0xef, 0xbf, 0xbf}), Text({0xf0, 0x90, 0x80, 0x80}), Text({0xf1, 0x80, 0x80, 0x80}),
        Text({0xf3, 0xbf, 0xbf, 0xbf}), Text({0xf4, 0x80, 0x80, 0x80}),
        Text({0xf4, 0x8f, 0xbf, 0xbf}), std::string()}) {
    EXPECT_TRUE(IsUtf8(text));
  }
  for (const std::string& text :
       {Text({0x80}), Text({0xbf}), Text({0xc0, 0x80}), Text({0xc1, 0xbf}), Text({0xc2}),
        Text({0xc2, 0x7f}), Text({0xc2, 0xc0}), Text({0xe0, 0x9f, 0xbf}), Text({0xe0, 0xa0}),
        Text({0xed, 0xa0, 0x80}), Text({0xed, 0xbf, 0xbf}), Text({0xf0, 0x8f, 0xbf, 0xbf}),
        Text({0xf4, 0x90, 0x80, 0x80}), Text({0xf5, 0x80, 0x80, 0x80}), Text({0xf0, 0x90, 0x80}),
        Text({0xff}), Text({0xfe})}) {
    EXPECT_EQ(Utf8ValidPrefix(text), 0u);
  }
}

TEST(Utf8Test, EveryTextOfTwoAndThreeBytes) {
  std::string text(3, '\0');
  for (int a = 0; a < 256; ++a) {
    text[0] = static_cast<char>(a);
    for (int b = 0; b < 256; ++b) {
      text[1] = static_cast<char>(b);
      const std::string_view two = std::string_view(text).substr(0, 2);
      ASSERT_EQ(Utf8ValidPrefix(two), SlowPrefix(two)) << a << " " << b;
      for (int c = 0; c < 256; ++c) {
        text[2] = static_cast<char>(c);
        ASSERT_EQ(Utf8ValidPrefix(text), SlowPrefix(text)) << a << " " << b << " " << c;
      }
    }
  }
}

TEST(Utf8Test, EveryTextOfFourBytesAtTheEdges) {
  const std::initializer_list<int> edges = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
                                            0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
  for (int a = 0xf0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      for (int c : edges) {
        for (int d : edges) {
          const std::string text = Text({a, b, c, d});
          ASSERT_EQ(Utf8ValidPrefix(text), SlowPrefix(text));
        }
      }
    }
  }
}

// Plain ASCII is skipped eight bytes at a time: a bad byte must be found at every place of a word.
TEST(Utf8Test, FindsABadByteAtEveryPlace) {
  for (size_t size = 1; size < 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = '\xff';
      ASSERT_EQ(Utf8ValidPrefix(text), at);
      text[at] = '\xc3';  // valid only if a tail byte follows
      ASSERT_EQ(Utf8ValidPrefix(text), at);
      if (at + 1 < size) {
        text[at + 1] = '\xa9';
        ASSERT_TRUE(IsUtf8(text));
      }
    }
  }
}

TEST(Utf8Test, LossyReplacesEachBadByte) {
  EXPECT_EQ(Utf8Lossy("plain \xc3\xa9"), "plain \xc3\xa9");
  EXPECT_EQ(Utf8Lossy("a\xff\xc3z"), "a\xef\xbf\xbd\xef\xbf\xbdz");
  EXPECT_EQ(Utf8Lossy(""), "");
  EXPECT_EQ(Utf8Lossy("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Utf8Test, ShortenedBetweenCharacters) {
  EXPECT_EQ(Utf8Shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(Utf8Shortened("abcdefg", 6), "abc\xe2\x80\xa6");
  EXPECT_EQ(Utf8Shortened("ab\xc3\xbc"
                          "defg",
                          6),
            "ab\xe2\x80\xa6");  // ü would be cut in two
  EXPECT_EQ(Utf8Shortened("\xf0\x9f\x94\x92\xf0\x9f\x94\x92", 7), "\xf0\x9f\x94\x92\xe2\x80\xa6");
  EXPECT_EQ(Utf8Shortened("\x80\x80\x80\x80\x80", 4), "\xe2\x80\xa6");  // no character begins here
}

}  // namespace
}  // namespace sealtrail
