#include "verify/note_bodies.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "verify/note.h"

namespace sealtrail::verify {
namespace {

constexpr std::string_view kTrailTitle = "sealtrail/trail/v";
constexpr uint64_t kTrailFormat = 0;

// Takes one line off `rest`; nothing if there is no line feed.
std::optional<std::string_view> TakeLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == rest.npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

// The rest of a line that starts with `word` and one space.
std::optional<std::string_view> After(std::optional<std::string_view> line, std::string_view word) {
  if (!line || !line->starts_with(word)) return std::nullopt;
  return line->substr(word.size());
}

}  // namespace

bool ParseDecimal(std::string_view text, uint64_t* value) {
  if (text.empty() || (text[0] == '0' && text.size() > 1)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

Result<CheckpointBody> ParseCheckpointBody(std::string_view text) {
  CheckpointBody out;
  const auto origin = TakeLine(text);
  if (!origin || !IsKeyName(*origin)) return InvalidArgument("checkpoint line 1: not an origin");
  out.origin = *origin;
  const auto size = TakeLine(text);
  if (!size || !ParseDecimal(*size, &out.size)) {
    return InvalidArgument("checkpoint line 2: not a tree size");
  }
  const auto root_line = TakeLine(text);
  if (!root_line) return InvalidArgument("checkpoint line 3: missing");
  const auto root = Base64Decode(*root_line);
  if (!root.ok()) return root.status().Annotate("checkpoint line 3");
  if (root->size() != out.root.size()) {
    return InvalidArgument("checkpoint line 3: a root of {} bytes", root->size());
  }
  std::copy(root->begin(), root->end(), out.root.begin());
  if (!text.empty()) return InvalidArgument("checkpoint line 4: nothing may follow the root");
  return out;
}

Result<TrailBody> ParseTrailBody(std::string_view text) {
  TrailBody out;
  uint64_t version = 0;
  const auto title = After(TakeLine(text), kTrailTitle);
  if (!title || !ParseDecimal(*title, &version)) {
    return InvalidArgument("trail line 1: not \"{}0\"", kTrailTitle);
  }
  const auto origin = After(TakeLine(text), "origin ");
  if (!origin || !IsKeyName(*origin)) return InvalidArgument("trail line 2: not an origin");
  out.origin = *origin;
  const auto format = After(TakeLine(text), "format ");
  if (!format || !ParseDecimal(*format, &out.format)) {
    return InvalidArgument("trail line 3: not a format number");
  }
  if (version > kTrailFormat || out.format > kTrailFormat) {
    return Unimplemented("format {}, and this program knows {}", std::max(version, out.format),
                         kTrailFormat);
  }
  const auto created = After(TakeLine(text), "created ");
  if (!created || created->empty()) return InvalidArgument("trail line 4: not a time of creation");
  out.created = *created;
  if (!text.empty()) return InvalidArgument("trail line 5: nothing may follow");
  return out;
}

}  // namespace sealtrail::verify
