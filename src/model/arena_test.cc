#include "model/arena.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/telemetry.h"

namespace sealtrail::model {
namespace {

// Values of all sizes and alignments, written when they are made and read at the end: none may share a byte.
TEST(ArenaTest, KeepsEveryValueApartAndAligned) {
  Arena arena;
  std::vector<std::pair<uint8_t*, size_t>> blocks;
  for (size_t i = 0; i < 20'000; ++i) {
    const size_t alignment = size_t{1} << i % 5;
    const size_t count = i % 61 + (i % 4'999 == 0 ? 100'000 : 0);
    auto* block = static_cast<uint8_t*>(arena.Allocate(count, alignment));
    ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0u);
    std::memset(block, static_cast<int>(i % 251), count);
    blocks.emplace_back(block, count);
  }
  size_t asked = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    asked += blocks[i].second;
    for (size_t at = 0; at < blocks[i].second; ++at) ASSERT_EQ(blocks[i].first[at], i % 251);
  }
  EXPECT_GE(arena.total(), asked);
  EXPECT_LE(arena.total(), 2 * asked + 128 * 1024);
}

TEST(ArenaTest, MovingKeepsEveryPointer) {
  Arena arena;
  const std::string_view text = arena.CopyText(std::string(100, 'x'));
  const int* number = arena.New(5);
  Arena other = std::move(arena);
  EXPECT_EQ(text, std::string(100, 'x'));
  EXPECT_EQ(*number, 5);
  EXPECT_NE(other.New(6), number);
}

// Its sizes stay behind, its blocks do not: the next allocation must not use one that went away.
TEST(ArenaTest, AMovedFromArenaIsUsable) {
  Arena arena;
  arena.New(5);
  const Arena other = std::move(arena);
  const int* number = arena.New(7);  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(*number, 7);
}

TEST(ArenaTest, WipesEveryBlock) {
  Arena arena;
  const std::string_view first = arena.CopyText("a secret");
  const std::string_view large = arena.CopyText(std::string(200'000, 's'));
  const std::string_view last = arena.CopyText("another");
  arena.Wipe();
  for (const std::string_view text : {first, large, last})
    EXPECT_EQ(text, std::string(text.size(), '\0'));
}

TEST(ArenaTest, CopiesSpansAndTexts) {
  Arena arena;
  const std::vector<uint64_t> numbers{1, 2, 3};
  const std::span<const uint64_t> copy = arena.CopySpan(std::span<const uint64_t>(numbers));
  EXPECT_NE(copy.data(), numbers.data());
  EXPECT_EQ(std::vector<uint64_t>(copy.begin(), copy.end()), numbers);
  EXPECT_TRUE(arena.CopySpan(std::span<const uint64_t>()).empty());
  EXPECT_TRUE(arena.CopyText("").empty());
}

// What decoders put into an arena is freed without a destructor.
TEST(TelemetryTest, ValuesArePlain) {
  static_assert(std::is_trivially_destructible_v<AnyValue>);
  static_assert(std::is_trivially_destructible_v<Span>);
  static_assert(std::is_trivially_destructible_v<LogRecord>);
  static_assert(std::is_trivially_destructible_v<TracesRequest>);
  EXPECT_EQ(AnyValue().type, AnyValue::Type::kEmpty);
  AnyValue value;
  value.type = AnyValue::Type::kBytes;
  value.text = std::string_view("\0\xff", 2);
  EXPECT_TRUE(Equal(value.bytes(), Bytes{0, 0xff}));
}

}  // namespace
}  // namespace sealtrail::model
