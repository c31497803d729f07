#include "base/time_text.h"

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

}  // namespace sealtrail
