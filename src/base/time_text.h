// Times for people: ISO 8601, UTC, nine decimals, always with Z.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"

namespace sealtrail {

// "2026-11-24T03:04:05.000000006Z". Every int64 has one; years before 1970 too.
std::string Iso8601(UnixNanos time);

// What Iso8601 wrote, and nothing else: InvalidArgument.
Result<UnixNanos> ParseIso8601(std::string_view text);

}  // namespace sealtrail
