#include "tlog/text.h"

#include <charconv>

#include "base/utf8.h"

namespace sealtrail::tlog {

Result<uint64_t> ParseDecimal(std::string_view text) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (error != std::errc() || stop != end || leading_zero) {
    return InvalidArgument("\"{}\" is no decimal number",
                           Utf8Shortened(Utf8Lossy(text.substr(0, 64)), 40));
  }
  return value;
}

std::optional<std::string_view> TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Result<std::string_view> TakeField(std::string_view& text, std::string_view prefix) {
  std::string_view rest = text;
  const auto line = TakeLine(rest);
  if (!line || !line->starts_with(prefix)) {
    return InvalidArgument("no line that begins with \"{}\"", prefix);
  }
  text = rest;
  return line->substr(prefix.size());
}

}  // namespace sealtrail::tlog
