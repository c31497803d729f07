// Structured log lines: one JSON object a line on standard error, with level, event and fields.
// `at` is the time the caller read from its clock; base has no clock of its own.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"

namespace sealtrail {

enum class LogLevel { kInfo, kWarning, kError };

using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

// Writes {"at":"...Z","level":"info","event":"...","message":"...",fields...} as one write.
// `event` is a short stable name such as "segment_rolled"; `message` is for people.
// Threads  Safe; lines do not mix.
void LogLine(LogLevel level, UnixNanos at, std::string_view event, std::string_view message,
             LogFields fields = {});

// The line without writing it, for tests.
std::string FormatLogLine(LogLevel level, UnixNanos at, std::string_view event,
                          std::string_view message, LogFields fields);

// `text` as the inside of a JSON string (RFC 8785 escapes). Invalid UTF-8 becomes U+FFFD.
std::string JsonEscaped(std::string_view text);

}  // namespace sealtrail
