#include "verify/note_check.h"

#include <utility>

#include <fmt/format.h>

namespace sealtrail::verify {
namespace {

struct Line {
  size_t offset;
  std::string_view text;
};

std::vector<Line> LinesOf(std::string_view text) {
  std::vector<Line> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == text.npos) break;
    out.push_back({.offset = at, .text = text.substr(at, end - at)});
    at = end + 1;
  }
  return out;
}

// The signed text with the line at `index` as it is expected.
std::string WithLine(const std::vector<Line>& lines, size_t index, const std::string& expected) {
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    out += i == index ? expected : std::string(lines[i].text);
    out += '\n';
  }
  return out;
}

}  // namespace

Damage LocateNoteDamage(std::string file, std::string_view note, const ExpectedLines& expected,
                        const VerifierKey& key) {
  Damage out{.file = std::move(file),
             .seq = std::nullopt,
             .offset = 0,
             .length = note.size(),
             .unit = "note",
             .kind = "note_damaged",
             .text = fmt::format("no valid signature by {}", key.name)};
  const auto parsed = ParseSignedNote(note);
  if (!parsed.ok()) {
    out.text = parsed.status().message();
    return out;
  }
  const std::vector<Line> lines = LinesOf(parsed->text);
  if (lines.size() != expected.size() || parsed->signatures.size() != 1) return out;

  size_t first_open = lines.size();  // the first line that is not known from elsewhere
  bool known_lines_fit = true;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!expected[i]) {
      first_open = std::min(first_open, i);
      continue;
    }
    if (lines[i].text == *expected[i]) continue;
    known_lines_fit = false;
    if (!SignatureFits(WithLine(lines, i, *expected[i]), parsed->signatures[0], key)) continue;
    out.offset = lines[i].offset;
    out.length = lines[i].text.size() + 1;
    out.unit = fmt::format("note line {}", i + 1);
    out.text =
        fmt::format("line {} was changed: the signature is over \"{}\"", i + 1, *expected[i]);
    return out;
  }
  if (!known_lines_fit) return out;
  const bool all_known = first_open == lines.size();
  // The empty line belongs to what comes after it.
  out.offset = all_known ? parsed->text.size() : lines[first_open].offset;
  out.length = note.size() - out.offset;
  out.unit =
      all_known ? "note signature" : fmt::format("note line {} and what follows", first_open + 1);
  out.text = all_known ? "the text is right, and its signature was changed"
                       : "what was changed is not known from elsewhere, or is the signature";
  return out;
}

}  // namespace sealtrail::verify
