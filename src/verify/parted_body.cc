// A third of the time that verify needs went into this, a string and a vector for each id, until it wrote in place. The
// plain version, which does the same a byte at a time, is in the test.
#include "verify/parted_body.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"

namespace sealtrail::verify {
namespace {

constexpr size_t kSaltBytes = 16;
constexpr size_t kSaltDigits = 24;
constexpr size_t kNumberDigits = 19;
constexpr uint64_t kNumberMin = 1'000'000'000'000'000'000;  // the least of 19 digits
constexpr uint64_t kNumberMax = 9'999'999'999'999'999'999u;
constexpr size_t kPlaces = 8;  // numbers of a leaf that the next leaf may lean on
// The most that is written beyond a place that was seen to lie inside: 32 digits of an id.
static_assert(kJoinRoom >= 2 * 32);

// Copies what stands before the next control byte and returns how much that is: at most `size`, and not much more than
// `room`. Reads and writes up to 15 bytes more.
size_t CopyPlain(const uint8_t* from, size_t size, uint8_t* to, size_t room) {
  size_t done = 0;
#if defined(__SSE2__)
  for (; done < size && done <= room; done += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + done));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + done), bytes);
    const __m128i below = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    const auto marks = static_cast<uint32_t>(_mm_movemask_epi8(below));
    if (marks != 0) return std::min(size, done + static_cast<size_t>(std::countr_zero(marks)));
  }
  return std::min(size, done);
#else
  for (; done < size && done <= room && from[done] >= 0x20; ++done) to[done] = from[done];
  return done;
#endif
}

// 16 lower-case digits of the 8 bytes at `from`.
void WriteHex8(const uint8_t* from, uint8_t* to) {
#if defined(__SSE2__)
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  const __m128i low_mask = _mm_set1_epi8(0x0f);
  const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), low_mask);
  const __m128i digits = _mm_unpacklo_epi8(high, _mm_and_si128(bytes, low_mask));
  const __m128i letters =
      _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm_add_epi8(_mm_add_epi8(digits, letters), _mm_set1_epi8('0')));
#else
  for (size_t i = 0; i < 8; ++i) {
    to[2 * i] = static_cast<uint8_t>("0123456789abcdef"[from[i] >> 4]);
    to[2 * i + 1] = static_cast<uint8_t>("0123456789abcdef"[from[i] & 15]);
  }
#endif
}

constexpr auto kTwoDigits = [] {
  std::array<uint8_t, 200> out{};
  for (size_t i = 0; i < 100; ++i) {
    out[2 * i] = static_cast<uint8_t>('0' + i / 10);
    out[2 * i + 1] = static_cast<uint8_t>('0' + i % 10);
  }
  return out;
}();

// `digits`, an even number, of which `value` has no more.
void WriteDigits(uint32_t value, size_t digits, uint8_t* to) {
  for (; digits > 0; digits -= 2, value /= 100)
    std::memcpy(to + digits - 2, kTwoDigits.data() + size_t{2} * (value % 100), 2);
}

// One pass over the text: what is no mark is copied, what is one is replaced by the next of its kind.
class Assembly {
 public:
  Assembly(const BodyParts& parts, std::span<uint8_t> out)
      : parts_(parts), end_(out.data() + out.size()), at_(out.data()) {}

  bool Run() {
    const uint8_t* text = parts_.text.data();
    const uint8_t* const text_end = text + parts_.text.size();
    StartLeaf();
    while (text < text_end) {
      if (at_ > end_) return false;
      const size_t plain = CopyPlain(text, static_cast<size_t>(text_end - text), at_,
                                     static_cast<size_t>(end_ - at_));
      text += plain;
      at_ += plain;
      if (text == text_end || at_ > end_) return false;  // no line feed behind the last leaf
      if (!TakeMark(*text++)) return false;
    }
    // The length that was made room for last is of no leaf.
    return at_ == end_ + 2 && parts_.ids.empty() && parts_.times.empty() && parts_.salts.empty();
  }

 private:
  void StartLeaf() {
    leaf_ = at_;
    at_ += 2;
    std::swap(before_, now_);
    now_.count = 0;
  }

  bool EndLeaf() {
    const auto size = static_cast<size_t>(at_ - leaf_ - 2);
    if (at_ > end_ || size < 1 || size > kLeafBytesMax) return false;
    PutBig16(leaf_, static_cast<uint16_t>(size));
    StartLeaf();
    return true;
  }

  // at_ is inside, or at the end.
  bool TakeMark(uint8_t mark) {
    switch (mark) {
      case '\n':
        return EndLeaf();
      case 1:
        if (!Has(parts_.salts, kSaltBytes)) return false;
        Base64EncodeAt(at_, Next(parts_.salts, kSaltBytes));
        at_ += kSaltDigits;
        return true;
      case 2:
        return TakeId(16);
      case 3:
        return TakeId(8);
      case 4:
        return now_.count > 0 && TakeNumber(now_.last);
      case 5:
        return TakeNumber(now_.count < std::min(before_.count, kPlaces) ? before_.first[now_.count]
                                                                        : 0);
      default:
        return false;
    }
  }

  bool TakeId(size_t bytes) {
    if (!Has(parts_.ids, bytes)) return false;
    const ByteView id = Next(parts_.ids, bytes);
    for (size_t i = 0; i < bytes; i += 8, at_ += 16) WriteHex8(id.data() + i, at_);
    return true;
  }

  bool TakeNumber(uint64_t base) {
    uint64_t coded = 0;
    if (!TakeVarint(&coded)) return false;
    const uint64_t value = base + (coded % 2 == 0 ? coded / 2 : ~(coded / 2));
    if (value < kNumberMin || value > kNumberMax) return false;
    const uint64_t upper = value / 100'000'000;
    at_[0] = static_cast<uint8_t>('0' + value / kNumberMin);
    WriteDigits(static_cast<uint32_t>(upper / 100'000'000 % 100), 2, at_ + 1);
    WriteDigits(static_cast<uint32_t>(upper % 100'000'000), 8, at_ + 3);
    WriteDigits(static_cast<uint32_t>(value % 100'000'000), 8, at_ + 11);
    at_ += kNumberDigits;
    if (now_.count < kPlaces) now_.first[now_.count] = value;
    now_.last = value;
    ++now_.count;
    return true;
  }

  bool TakeVarint(uint64_t* out) {
    uint64_t value = 0;
    for (int shift = 0; shift < 70 && !parts_.times.empty(); shift += 7) {
      const uint8_t byte = Next(parts_.times, 1)[0];
      if (shift == 63 && byte > 1) return false;
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) {
        *out = value;
        return true;
      }
    }
    return false;
  }

  static bool Has(ByteView part, size_t size) { return part.size() >= size; }
  static ByteView Next(ByteView& part, size_t size) {
    const ByteView taken = part.first(size);
    part = part.subspan(size);
    return taken;
  }

  struct Numbers {  // those that were taken out of a leaf
    size_t count = 0;
    std::array<uint64_t, kPlaces> first{};
    uint64_t last = 0;
  };

  BodyParts parts_;
  uint8_t* const end_;
  uint8_t* at_;
  uint8_t* leaf_ = nullptr;  // where the present leaf's length stands
  Numbers now_, before_;     // of the present leaf and of the one before
};

}  // namespace

bool JoinParts(const BodyParts& parts, std::span<uint8_t> out) {
  return Assembly(parts, out).Run();
}

}  // namespace sealtrail::verify
