#include "base/log.h"

#include <unistd.h>

#include <fmt/format.h>

#include "base/time_text.h"
#include "base/utf8.h"

namespace sealtrail {
namespace {

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

}  // namespace

std::string JsonEscaped(std::string_view text) {
  std::string out;
  for (char c : Utf8Lossy(text)) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return out;
}

std::string FormatLogLine(LogLevel level, UnixNanos at, std::string_view event,
                          std::string_view message, LogFields fields) {
  std::string line =
      fmt::format(R"({{"at":"{}","level":"{}","event":"{}","message":"{}")", Iso8601(at),
                  LevelName(level), JsonEscaped(event), JsonEscaped(message));
  for (const auto& [name, value] : fields) {
    line += fmt::format(R"(,"{}":"{}")", JsonEscaped(name), JsonEscaped(value));
  }
  line += "}\n";
  return line;
}

void LogLine(LogLevel level, UnixNanos at, std::string_view event, std::string_view message,
             LogFields fields) {
  const std::string line = FormatLogLine(level, at, event, message, fields);
  // Nowhere is left to report that standard error itself fails.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace sealtrail
