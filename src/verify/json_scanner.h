// Takes canonical JSON (RFC 8785) apart byte by byte, and stops at the first byte that could not
// stand there.
//
// Nothing is copied and nothing is looked for: the form leaves one spelling for each thing, so a
// reader that knows what must come next only compares. That is why half a microsecond is enough for
// a record.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/bytes.h"
#include "base/utf8.h"
#include "verify/ecma_number.h"

namespace sealtrail::verify {

namespace internal {

// The first of `p` to `end` that is no plain character of a string: a quote, a backslash, a control
// character, or a byte of a longer UTF-8 sequence. The portable twin, which the tests compare with.
inline const uint8_t* SkipPlainPortable(const uint8_t* p, const uint8_t* end) {
  while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') ++p;
  return p;
}

#if defined(__SSE2__)
// A bit for each of the 16 bytes at `p` that is not plain.
inline uint32_t NotPlain16(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  // As signed numbers the bytes from 0x80 up are negative, so one comparison finds them with the
  // controls.
  const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return static_cast<uint32_t>(
      _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, backslash))));
}
#endif

inline const uint8_t* SkipPlain(const uint8_t* p, const uint8_t* end) {
#if defined(__SSE2__)
  while (end - p >= 16) {
    const uint32_t found = NotPlain16(p);
    if (found != 0) return p + std::countr_zero(found);
    p += 16;
  }
#endif
  return SkipPlainPortable(p, end);
}

// Whether the 16 bytes at `p` are lower-case hexadecimal digits; the portable twin.
inline bool IsHex16Portable(const uint8_t* p) {
  for (int i = 0; i < 16; ++i) {
    const bool digit = p[i] >= '0' && p[i] <= '9';
    if (!digit && !(p[i] >= 'a' && p[i] <= 'f')) return false;
  }
  return true;
}

inline bool IsHex16(const uint8_t* p) {
#if defined(__SSE2__)
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const auto within = [&](char low, char high) {
    return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(low - 1))),
                         _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(high + 1))));
  };
  return _mm_movemask_epi8(_mm_or_si128(within('0', '9'), within('a', 'f'))) == 0xffff;
#else
  return IsHex16Portable(p);
#endif
}

// The number that the eight decimal digits at `p` write; false if they are not that. Eight bytes at a time in a word,
// whose lowest byte is the first one.
inline bool TakeEightDigits(const uint8_t* p, uint64_t* value) {
  uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, p, 8);
  } else {
    for (int i = 7; i >= 0; --i) word = word << 8 | p[i];
  }
  const uint64_t digits = word - 0x3030303030303030u;
  const uint64_t above_nine = digits + 0x7676767676767676u;
  if (((digits | above_nine) & 0x8080808080808080u) != 0) return false;
  // Neighbours join to pairs, pairs to fours, fours to one.
  const uint64_t pairs = digits * 10 + (digits >> 8);
  const uint64_t mask = 0x000000ff000000ffu;
  *value = ((pairs & mask) * (100 + (uint64_t{1'000'000} << 32)) +
            ((pairs >> 16) & mask) * (1 + (uint64_t{10'000} << 32))) >>
           32;
  return true;
}

enum CharClass : uint8_t { kHexChar = 1, kBase64Char = 2, kDigitChar = 4, kNumberChar = 8 };
constexpr auto kCharClass = [] {
  std::array<uint8_t, 256> out{};
  for (int c = '0'; c <= '9'; ++c) out[c] = kHexChar | kBase64Char | kDigitChar | kNumberChar;
  for (int c = 'a'; c <= 'z'; ++c) out[c] = kBase64Char;
  for (int c = 'A'; c <= 'Z'; ++c) out[c] = kBase64Char;
  for (int c = 'a'; c <= 'f'; ++c) out[c] |= kHexChar;
  out['+'] |= kBase64Char | kNumberChar;
  out['/'] |= kBase64Char;
  for (char c : {'-', '.', 'e'}) out[static_cast<uint8_t>(c)] |= kNumberChar;
  return out;
}();

// The value of a base64 digit.
constexpr auto kBase64Value = [] {
  std::array<uint8_t, 256> out{};
  const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (uint8_t i = 0; i < 64; ++i) out[static_cast<uint8_t>(digits[i])] = i;
  return out;
}();

}  // namespace internal

// Each function takes one thing and returns true, or returns false once and for all: then error()
// and offset() say what was wrong, and where.
class JsonScanner {
 public:
  explicit JsonScanner(ByteView bytes)
      : begin_(bytes.data()), p_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  const char* error() const { return error_; }
  size_t offset() const { return static_cast<size_t>(p_ - begin_); }

 protected:
  bool Fail(const char* what) {
    if (error_ == nullptr) error_ = what;
    return false;
  }

  uint8_t Peek() const { return p_ < end_ ? *p_ : 0; }
  bool AtEnd() const { return p_ == end_; }
  size_t left() const { return static_cast<size_t>(end_ - p_); }

  bool TryTake(uint8_t c) {
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  bool Take(uint8_t c, const char* otherwise) { return TryTake(c) || Fail(otherwise); }
  bool TryTake(std::string_view word) {
    if (left() < word.size() || std::memcmp(p_, word.data(), word.size()) != 0) return false;
    p_ += word.size();
    return true;
  }
  bool Take(std::string_view word, const char* otherwise) {
    return TryTake(word) || Fail(otherwise);
  }

  // A string with its quotes. `body`: what stands between them, escapes as written.
  bool String(std::string_view* body) {
#if defined(__SSE2__)
    // Most are short and plain: then the first byte that is not plain is the quote that ends them.
    if (left() >= 33 && *p_ == '"') {
      const uint64_t found =
          internal::NotPlain16(p_ + 1) | static_cast<uint64_t>(internal::NotPlain16(p_ + 17)) << 16;
      if (found != 0) {
        const uint8_t* const stop = p_ + 1 + std::countr_zero(found);
        if (*stop == '"') {
          *body = {reinterpret_cast<const char*>(p_ + 1), static_cast<size_t>(stop - p_ - 1)};
          p_ = stop + 1;
          return true;
        }
      }
    }
#endif
    return AnyString(body);
  }

  // The same, whatever stands in it.
  bool AnyString(std::string_view* body) {
    if (!Take('"', "a string is expected")) return false;
    const uint8_t* const start = p_;
    bool wide = false;
    for (;;) {
      p_ = internal::SkipPlain(p_, end_);
      if (p_ == end_) return Fail("a string does not end");
      if (*p_ == '"') break;
      if (*p_ == '\\') {
        if (!Escape()) return false;
      } else if (*p_ < 0x20) {
        return Fail("a control character stands unescaped");
      } else {
        wide = true;
        while (p_ < end_ && *p_ >= 0x80) ++p_;
      }
    }
    *body = {reinterpret_cast<const char*>(start), static_cast<size_t>(p_ - start)};
    if (wide && !IsUtf8(*body)) {
      p_ = start + Utf8ValidPrefix(*body);
      return Fail("invalid UTF-8");
    }
    ++p_;
    return true;
  }

  // A number in its one spelling.
  bool Number() {
    const uint8_t* const start = p_;
    while (p_ < end_ && (internal::kCharClass[*p_] & internal::kNumberChar)) ++p_;
    const std::string_view text(reinterpret_cast<const char*>(start),
                                static_cast<size_t>(p_ - start));
    if (IsEcmaNumber(text)) return true;
    p_ = start;
    return Fail("not a number in its canonical form");
  }

  const uint8_t* const begin_;
  const uint8_t* p_;
  const uint8_t* const end_;

 private:
  // Takes an escape that RFC 8785 §3.2.2.2 asks for; all else has to stand as it is.
  bool Escape() {
    if (left() < 2) return Fail("a string does not end");
    switch (p_[1]) {
      case '"':
      case '\\':
      case 'b':
      case 't':
      case 'n':
      case 'f':
      case 'r':
        p_ += 2;
        return true;
      case 'u':
        break;
      default:
        return Fail("an escape that is not canonical");
    }
    if (left() < 6 || p_[2] != '0' || p_[3] != '0' || (p_[4] != '0' && p_[4] != '1') ||
        !(internal::kCharClass[p_[5]] & internal::kHexChar)) {
      return Fail("an escape that is not canonical");
    }
    if (p_[4] == '0' &&
        std::string_view("89acd").find(static_cast<char>(p_[5])) != std::string_view::npos) {
      return Fail("an escape that has a shorter form");
    }
    p_ += 6;
    return true;
  }

  const char* error_ = nullptr;
};

}  // namespace sealtrail::verify
