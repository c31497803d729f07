#include "base/time_text.h"

#include <chrono>

#include <fmt/format.h>

namespace sealtrail {

std::string Iso8601(UnixNanos time) {
  using namespace std::chrono;
  const sys_time<nanoseconds> point{nanoseconds{Value(time)}};
  const auto day = floor<days>(point);
  const year_month_day date{day};
  const hh_mm_ss clock{point - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace sealtrail
