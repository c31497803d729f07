#include "base/time_text.h"

#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace sealtrail {

std::string Iso8601(UnixNanos time) {
  // Rounded down by hand: chrono would multiply back, and the second before the earliest time lies outside an
  // int64 of nanoseconds.
  int64_t whole = Value(time) / kNanosPerSecond;
  int64_t nanos = Value(time) % kNanosPerSecond;
  if (nanos < 0) {
    nanos += kNanosPerSecond;
    --whole;
  }
  using namespace std::chrono;
  const sys_seconds second{seconds{whole}};
  const auto day = floor<days>(second);
  const year_month_day date{day};
  const hh_mm_ss clock{second - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     nanos);
}

// Read loosely, then held against the one spelling of what was read.
Result<UnixNanos> ParseIso8601(std::string_view text) {
  constexpr std::string_view kForm = "YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ";
  const Status bad = InvalidArgument("\"{}\" is not a time of the form {}", text, kForm);
  if (text.size() != kForm.size()) return bad;
  const auto number = [text](size_t at, size_t digits) {
    int value = -1;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
  };
  using namespace std::chrono;
  const year_month_day date{year{number(0, 4)}, month{static_cast<unsigned>(number(5, 2))},
                            day{static_cast<unsigned>(number(8, 2))}};
  if (!date.ok()) return bad;
  const sys_seconds second =
      sys_days{date} + hours{number(11, 2)} + minutes{number(14, 2)} + seconds{number(17, 2)};
  // The second that holds the earliest time begins before all of them.
  const int64_t whole = second.time_since_epoch().count();
  const __int128 nanos = static_cast<__int128>(whole) * kNanosPerSecond + number(20, 9);
  const UnixNanos time{static_cast<int64_t>(nanos)};
  if (nanos != Value(time) || Iso8601(time) != text) return bad;
  return time;
}

}  // namespace sealtrail
