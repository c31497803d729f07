#include "verify/note_check.h"

#include <algorithm>
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

bool AnyFits(std::string_view text, const SignedNote& note, std::span<const VerifierKey> keys) {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (SignatureFits(text, note.signatures[i], keys[i])) return true;
  }
  return false;
}

// From where to where in the note the signatures stand that do not hold, where the text is right. The empty line
// belongs to the first of them.
std::pair<size_t, size_t> WrongSignatures(std::string_view note, const SignedNote& parsed,
                                          std::span<const VerifierKey> keys) {
  size_t begin = parsed.text.size(), end = begin + 1, first = note.size(), last = note.size();
  for (size_t i = 0; i < keys.size(); ++i) {
    end = note.find('\n', end) + 1;
    const NoteSignature& signature = parsed.signatures[i];
    const bool holds = signature.name == keys[i].name && signature.id == keys[i].id &&
                       SignatureFits(parsed.text, signature, keys[i]);
    if (!holds) {
      first = std::min(first, begin);
      last = end;
    }
    begin = end;
  }
  return {first, last};
}

}  // namespace

bool NoteHolds(std::string_view note, std::span<const VerifierKey> keys) {
  const auto parsed = ParseSignedNote(note);
  if (!parsed.ok() || parsed->signatures.size() != keys.size()) return false;
  for (size_t i = 0; i < keys.size(); ++i) {
    const NoteSignature& signature = parsed->signatures[i];
    if (signature.name != keys[i].name || signature.id != keys[i].id ||
        !SignatureFits(parsed->text, signature, keys[i])) {
      return false;
    }
  }
  return true;
}

Damage NoteLine(std::string file, std::string_view note, size_t index) {
  const std::vector<Line> lines = LinesOf(note);
  Damage out{
      .file = std::move(file), .length = note.size(), .unit = "note", .kind = "note_damaged"};
  if (index >= lines.size()) return out;
  out.offset = lines[index].offset;
  out.length = lines[index].text.size() + 1;
  out.unit = fmt::format("note line {}", index + 1);
  return out;
}

Damage SignatureLine(std::string file, std::string_view note, const SignedNote& parsed,
                     size_t index) {
  size_t at = parsed.text.size() + 1;
  for (size_t i = 0; i < index; ++i) at = note.find('\n', at) + 1;
  return {.file = std::move(file),
          .offset = at,
          .length = note.find('\n', at) + 1 - at,
          .unit = "note signature",
          .kind = "note_damaged"};
}

Damage LocateNoteDamage(std::string file, std::string_view note, const ExpectedLines& expected,
                        std::span<const VerifierKey> keys) {
  Damage out{.file = std::move(file),
             .seq = std::nullopt,
             .offset = 0,
             .length = note.size(),
             .unit = "note",
             .kind = "note_damaged",
             .text = keys.empty() ? "its key is not known"
                                  : fmt::format("no valid signature by {}", keys[0].name)};
  const auto parsed = ParseSignedNote(note);
  if (!parsed.ok()) {
    out.text = parsed.status().message();
    return out;
  }
  const std::vector<Line> lines = LinesOf(parsed->text);
  if (lines.size() != expected.size() || keys.empty() || parsed->signatures.size() != keys.size()) {
    return out;
  }

  size_t first_open = lines.size();  // the first line that is not known from elsewhere
  bool known_lines_fit = true;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!expected[i]) {
      first_open = std::min(first_open, i);
      continue;
    }
    if (lines[i].text == *expected[i]) continue;
    known_lines_fit = false;
    if (!AnyFits(WithLine(lines, i, *expected[i]), *parsed, keys)) continue;
    out.offset = lines[i].offset;
    out.length = lines[i].text.size() + 1;
    out.unit = fmt::format("note line {}", i + 1);
    out.text =
        fmt::format("line {} was changed: the signature is over \"{}\"", i + 1, *expected[i]);
    return out;
  }
  if (!known_lines_fit) return out;
  if (first_open == lines.size() || AnyFits(parsed->text, *parsed, keys)) {
    const auto [begin, end] = WrongSignatures(note, *parsed, keys);
    out.offset = begin;
    out.length = end - begin;
    out.unit = "note signature";
    out.text = "the text is right, and its signature was changed";
    return out;
  }
  out.offset = lines[first_open].offset;
  out.length = note.size() - out.offset;
  out.unit = fmt::format("note line {} and what follows", first_open + 1);
  out.text = "what was changed is not known from elsewhere, or is the signature";
  return out;
}

}  // namespace sealtrail::verify
