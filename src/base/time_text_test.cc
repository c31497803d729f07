#include "base/time_text.h"

#include <random>
#include <time.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sealtrail {
namespace {

// The second witness: the C library's calendar.
std::string ByLibc(int64_t nanos) {
  int64_t seconds = nanos / kNanosPerSecond;
  int64_t rest = nanos % kNanosPerSecond;
  if (rest < 0) {
    rest += kNanosPerSecond;
    --seconds;
  }
  const time_t time = seconds;
  tm parts;
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     rest);
}

TEST(TimeTextTest, KnownTimes) {
  EXPECT_EQ(Iso8601(UnixNanos{0}), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(Iso8601(UnixNanos{-1}), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(Iso8601(UnixNanos{951'782'400 * kNanosPerSecond}), "2000-02-29T00:00:00.000000000Z");
  EXPECT_EQ(Iso8601(UnixNanos{4'107'542'400 * kNanosPerSecond}), "2100-03-01T00:00:00.000000000Z");
  EXPECT_EQ(Iso8601(UnixNanos{1'764'212'645'000'000'006}), "2025-11-27T03:04:05.000000006Z");
}

// The first day of the range was once computed from a midnight that lies outside it.
TEST(TimeTextTest, TheEndsOfTheRange) {
  EXPECT_EQ(Iso8601(UnixNanos{INT64_MIN}), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(Iso8601(UnixNanos{INT64_MAX}), "2262-04-11T23:47:16.854775807Z");
}

TEST(TimeTextTest, ParsesItsOwnSpellingAlone) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 20'000; ++i) {
    const UnixNanos time{static_cast<int64_t>(random())};
    ASSERT_EQ(ParseIso8601(Iso8601(time)).value(), time) << Value(time);
  }
  for (const int64_t end : {INT64_MIN, INT64_MAX})
    EXPECT_EQ(ParseIso8601(Iso8601(UnixNanos{end})).value(), UnixNanos{end});
  for (std::string_view bad :
       {"", "2025-11-25T03:04:05.00000025Z", "2025-11-25 03:04:05.000000250Z",
        "2025-02-29T03:04:05.000000250Z", "2025-11-25T24:04:05.000000250Z",
        "2025-11-25T03:04:60.000000250Z", "1677-09-21T00:12:43.145224191Z",
        "2262-04-11T23:47:16.854775808Z", "2025-11-25T03:04:05.+00000250Z",
        "9999-11-25T03:04:05.000000250Z"}) {
    EXPECT_FALSE(ParseIso8601(bad).ok()) << bad;
  }
}

TEST(TimeTextTest, AgreesWithTheCLibrary) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const auto nanos = static_cast<int64_t>(random());
    ASSERT_EQ(Iso8601(UnixNanos{nanos}), ByLibc(nanos)) << nanos;
  }
  // The first and the last nanosecond of every day there is.
  for (int64_t day = -106'751; day <= 106'751; ++day) {
    for (const int64_t offset : {int64_t{0}, 86'400 * kNanosPerSecond - 1}) {
      int64_t nanos;
      if (__builtin_add_overflow(day * 86'400 * kNanosPerSecond, offset, &nanos)) continue;
      ASSERT_EQ(Iso8601(UnixNanos{nanos}), ByLibc(nanos)) << nanos;
    }
  }
}

}  // namespace
}  // namespace sealtrail
