#include "verify/parted_body.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"

namespace sealtrail::verify {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return state_ ^ state_ >> 29;
  }
  size_t Below(size_t n) { return static_cast<size_t>(Next() >> 33) % n; }

 private:
  uint64_t state_;
};

struct Parts {
  std::string text, ids, times, salts;
};

// segment.md §3.1, a byte at a time. The bundle, or nothing.
std::optional<std::string> JoinPlainly(Parts parts) {
  const auto take = [](std::string& part, size_t size) -> std::optional<std::string> {
    if (part.size() < size) return std::nullopt;
    const std::string taken = part.substr(0, size);
    part.erase(0, size);
    return taken;
  };
  const auto difference = [&]() -> std::optional<uint64_t> {
    uint64_t value = 0;
    for (int i = 0; i < 10; ++i) {
      const auto byte = take(parts.times, 1);
      if (!byte || (i == 9 && static_cast<uint8_t>((*byte)[0]) > 1)) return std::nullopt;
      value |= uint64_t{static_cast<uint8_t>((*byte)[0]) & 0x7fu} << (7 * i);
      if (static_cast<uint8_t>((*byte)[0]) < 0x80) return value % 2 == 0 ? value / 2 : ~(value / 2);
    }
    return std::nullopt;
  };
  std::string out, leaf;
  std::vector<uint64_t> now, before;
  for (const char c : parts.text) {
    std::optional<std::string> more;
    if (c == '\n') {
      if (leaf.empty() || leaf.size() > kLeafBytesMax) return std::nullopt;
      out += static_cast<char>(leaf.size() >> 8);
      out += static_cast<char>(leaf.size() & 255);
      out += leaf;
      leaf.clear();
      before = std::exchange(now, {});
      continue;
    } else if (c == 1) {
      more = take(parts.salts, 16);
      if (more) more = Base64Encode(AsBytes(*more));
    } else if (c == 2 || c == 3) {
      more = take(parts.ids, c == 2 ? 16 : 8);
      if (more) more = HexEncode(AsBytes(*more));
    } else if (c == 4 || c == 5) {
      if (c == 4 && now.empty()) return std::nullopt;
      const auto step = difference();
      if (!step) return std::nullopt;
      const bool leans = now.size() < 8 && now.size() < before.size();
      const uint64_t value = *step + (c == 4 ? now.back() : leans ? before[now.size()] : 0);
      now.push_back(value);
      if (std::to_string(value).size() == 19) more = std::to_string(value);
    } else if (static_cast<uint8_t>(c) >= 0x20) {
      more = std::string(1, c);
    }
    if (!more) return std::nullopt;
    leaf += *more;
  }
  if (!leaf.empty() || !parts.ids.empty() || !parts.times.empty() || !parts.salts.empty())
    return std::nullopt;
  return out;
}

// Into exactly `size` bytes; what lies behind the room that is allowed must stay as it was.
std::optional<std::string> Join(const Parts& parts, size_t size) {
  constexpr uint8_t kUntouched = 0xa5;
  std::string text = parts.text + std::string(kJoinRoom, '\n');
  Bytes out(size + kJoinRoom + 1, kUntouched);
  const bool joined = JoinParts({.text = AsBytes(text).first(parts.text.size()),
                                 .ids = AsBytes(parts.ids),
                                 .times = AsBytes(parts.times),
                                 .salts = AsBytes(parts.salts)},
                                std::span(out).first(size));
  EXPECT_EQ(out.back(), kUntouched);
  if (!joined) return std::nullopt;
  return std::string(AsText(out).substr(0, size));
}

void ExpectSame(const Parts& parts, size_t size) {
  auto plain = JoinPlainly(parts);
  if (plain && plain->size() != size) plain.reset();
  ASSERT_EQ(Join(parts, size), plain) << HexEncode(AsBytes(parts.text));
}

void AppendDifference(std::string& times, uint64_t from, uint64_t to) {
  const uint64_t step = to - from;
  uint64_t coded = step << 1 ^ (step >> 63 ? ~uint64_t{0} : 0);
  for (; coded >= 0x80; coded >>= 7) times += static_cast<char>(coded | 0x80);
  times += static_cast<char>(coded);
}

// A few leaves of any mixture, with numbers that mostly have 19 digits; some hold little but numbers, more than are leant on.
Parts SomeParts(Random& random) {
  Parts out;
  std::vector<uint64_t> now, before;
  const auto bytes = [&](size_t size) {
    std::string text;
    while (text.size() < size) text += static_cast<char>(random.Next() >> 40);
    return text;
  };
  const bool many_numbers = random.Below(4) == 0;
  for (size_t leaves = 1 + random.Below(5); leaves > 0; --leaves) {
    for (size_t things = 1 + random.Below(14); things > 0; --things) {
      const size_t kind = many_numbers ? 5 + random.Below(2) : random.Below(9);
      const size_t place = now.size();
      if (kind == 1) out.salts += bytes(16);
      if (kind == 2) out.ids += bytes(16);
      if (kind == 3) out.ids += bytes(8);
      if (kind >= 1 && kind <= 3) out.text += static_cast<char>(kind);
      if (kind == 4 || kind == 5) {
        const uint64_t base =
            kind == 4 ? (now.empty() ? 0 : now.back())
                      : (place < 8 && place < before.size() ? before[place] : uint64_t{0});
        uint64_t number = 1'000'000'000'000'000'000 + random.Next() % 8'999'999'999'999'999'999u;
        if (random.Below(20) == 0) number = random.Next() >> random.Below(40);
        out.text += static_cast<char>(kind);
        AppendDifference(out.times, base, number);
        now.push_back(number);
      }
      if (kind > 5)
        out.text += std::string(random.Below(40), static_cast<char>(0x20 + random.Below(224)));
    }
    out.text += '\n';
    before = std::exchange(now, {});
  }
  return out;
}

TEST(PartedBodyTest, IsTheTwinOfThePlainReading) {
  Random random(7);
  size_t joined = 0;
  for (int round = 0; round < 20'000; ++round) {
    Parts parts = SomeParts(random);
    const auto plain = JoinPlainly(parts);
    const size_t size = plain ? plain->size() : random.Below(400);
    if (plain) ++joined;
    ASSERT_NO_FATAL_FAILURE(ExpectSame(parts, size));
    ASSERT_NO_FATAL_FAILURE(ExpectSame(parts, size + 1 + random.Below(40)));
    if (size > 0) {
      ASSERT_NO_FATAL_FAILURE(ExpectSame(parts, random.Below(size)));
    }
    std::string* const part =
        std::array{&parts.text, &parts.ids, &parts.times, &parts.salts}[random.Below(4)];
    if (part->empty()) continue;
    const size_t at = random.Below(part->size());
    if (random.Below(2) == 0)
      (*part)[at] = static_cast<char>(random.Below(3) == 0 ? random.Below(32) : random.Below(256));
    else
      part->erase(at, 1 + random.Below(20));
    ASSERT_NO_FATAL_FAILURE(ExpectSame(parts, size));
  }
  EXPECT_GT(joined, 4'000u);
}

TEST(PartedBodyTest, NumbersHaveNineteenDigits) {
  for (const auto& [number, good] :
       std::vector<std::pair<uint64_t, bool>>{{999'999'999'999'999'999, false},
                                              {1'000'000'000'000'000'000, true},
                                              {9'999'999'999'999'999'999u, true},
                                              {10'000'000'000'000'000'000u, false},
                                              {1'764'039'846'000'000'001, true}}) {
    Parts parts{.text = "\x05\n", .ids = {}, .times = {}, .salts = {}};
    AppendDifference(parts.times, 0, number);
    const auto joined = Join(parts, 21);
    ASSERT_EQ(joined.has_value(), good) << number;
    if (good) {
      EXPECT_EQ(joined->substr(2), std::to_string(number));
    }
  }
}

// A leaf of exactly the most bytes, and one more.
TEST(PartedBodyTest, LeavesHaveALimit) {
  for (const size_t size : {kLeafBytesMax, kLeafBytesMax + 1}) {
    const Parts parts{.text = std::string(size, 'x') + "\n", .ids = {}, .times = {}, .salts = {}};
    EXPECT_EQ(Join(parts, size + 2).has_value(), size == kLeafBytesMax);
  }
}

}  // namespace
}  // namespace sealtrail::verify
