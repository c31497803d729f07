#include "verify/note_bodies.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/encoding.h"
#include "verify/note.h"

namespace sealtrail::verify {
namespace {

bool ParseSigned(std::string_view text, int64_t* value) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits[0] == '0' && text.size() > 1)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

bool ParseHash(std::string_view text, crypto::Hash* hash) {
  const auto bytes = Base64Decode(text);
  if (!bytes.ok() || bytes->size() != hash->size()) return false;
  std::copy(bytes->begin(), bytes->end(), hash->begin());
  return true;
}

// Takes a text apart line by line, each "word value value …" with single spaces. The first thing that does not fit
// is kept, and everything after it fails too.
class LineReader {
 public:
  LineReader(std::string_view what, std::string_view text) : what_(what), rest_(text) {}

  const Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }

  // The whole next line, without its line feed.
  std::string_view Line() {
    ++number_;
    const size_t end = rest_.find('\n');
    if (end == rest_.npos) {
      Wrong("is missing");
      return {};
    }
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }

  bool NextIs(std::string_view word) const {
    return rest_.starts_with(word) && rest_.substr(word.size()).starts_with(' ');
  }

  // Begins a line with its word; its values are then taken one by one.
  LineReader& Begin(std::string_view word) {
    if (!ok()) return *this;
    values_ = Line();
    if (!values_.starts_with(word) || !values_.substr(word.size()).starts_with(' ')) {
      Wrong(fmt::format("does not begin with \"{}\"", word));
      return *this;
    }
    values_.remove_prefix(word.size());
    return *this;
  }
  LineReader& Number(uint64_t* value) {
    return Take([&](std::string_view text) { return ParseDecimal(text, value); }, "no number");
  }
  LineReader& Time(int64_t* value) {
    return Take([&](std::string_view text) { return ParseSigned(text, value); }, "no time");
  }
  LineReader& HashValue(crypto::Hash* hash) {
    return Take([&](std::string_view text) { return ParseHash(text, hash); }, "no hash");
  }
  LineReader& HashOrNone(std::optional<crypto::Hash>* hash) {
    return Take(
        [&](std::string_view text) { return text == "none" || ParseHash(text, &hash->emplace()); },
        "no hash");
  }
  LineReader& Text(std::string_view* text) {
    return Take(
        [&](std::string_view value) {
          *text = value;
          return !value.empty();
        },
        "no value");
  }
  void End() {
    if (ok() && !values_.empty()) Wrong("goes on where it must end");
  }

  // A condition on the line that was read last.
  void Must(bool condition, std::string_view otherwise) {
    if (ok() && !condition) Wrong(otherwise);
  }
  void EndOfText() {
    if (!ok() || rest_.empty()) return;
    ++number_;
    Wrong("nothing may stand there");
  }
  void Fail(Status status) {
    if (ok()) status_ = std::move(status);
  }

 private:
  template <typename Parse>
  LineReader& Take(Parse parse, std::string_view otherwise) {
    if (!ok()) return *this;
    if (!values_.starts_with(' ')) {
      Wrong(otherwise);
      return *this;
    }
    values_.remove_prefix(1);
    const std::string_view value = values_.substr(0, values_.find(' '));
    values_.remove_prefix(value.size());
    if (!parse(value)) Wrong(otherwise);
    return *this;
  }
  void Wrong(std::string_view why) {
    if (ok()) status_ = InvalidArgument("{} line {}: {}", what_, number_, why);
  }

  const std::string_view what_;
  std::string_view rest_;
  std::string_view values_;
  int number_ = 0;
  Status status_;
};

// "sealtrail/<what>/v<version>"
void Title(LineReader& lines, std::string_view what) {
  const std::string title = fmt::format("sealtrail/{}/v", what);
  const std::string_view line = lines.Line();
  uint64_t version = 0;
  const bool title_fits =
      line.starts_with(title) && ParseDecimal(line.substr(title.size()), &version);
  lines.Must(title_fits, fmt::format("not \"{}{}\"", title, kFormatVersion));
  if (title_fits && version != kFormatVersion) {
    lines.Fail(Unimplemented("format {}, and this program knows {}", version, kFormatVersion));
  }
}

void Origin(LineReader& lines, std::string_view* origin) {
  lines.Begin("origin").Text(origin).End();
  lines.Must(IsKeyName(*origin), "not an origin");
}

}  // namespace

bool ParseDecimal(std::string_view text, uint64_t* value) {
  if (text.empty() || (text[0] == '0' && text.size() > 1)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

bool IsIso8601(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() <= kShape.size() || !text.ends_with('Z')) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == '0' ? !is_digit(text[i]) : text[i] != kShape[i]) return false;
  }
  std::string_view fraction = text.substr(kShape.size());
  fraction.remove_suffix(1);
  if (fraction.empty()) return true;
  return fraction.size() > 1 && fraction.size() <= 10 && fraction[0] == '.' &&
         std::all_of(fraction.begin() + 1, fraction.end(), is_digit);
}

Result<CheckpointBody> ParseCheckpointBody(std::string_view text) {
  CheckpointBody out;
  LineReader lines("checkpoint", text);
  out.origin = lines.Line();
  lines.Must(IsKeyName(out.origin), "not an origin");
  const std::string_view size = lines.Line();
  lines.Must(ParseDecimal(size, &out.size), "not a tree size");
  const std::string_view root = lines.Line();
  lines.Must(ParseHash(root, &out.root), "not a root");
  lines.EndOfText();
  if (!lines.ok()) return lines.status();
  return out;
}

Result<TrailBody> ParseTrailBody(std::string_view text) {
  TrailBody out;
  LineReader lines("trail", text);
  Title(lines, "trail");
  Origin(lines, &out.origin);
  lines.Begin("format").Number(&out.format).End();
  if (lines.ok() && out.format != kFormatVersion) {
    lines.Fail(Unimplemented("format {}, and this program knows {}", out.format, kFormatVersion));
  }
  lines.Begin("created").Text(&out.created).End();
  lines.Must(IsIso8601(out.created), "not a time of creation");
  lines.EndOfText();
  if (!lines.ok()) return lines.status();
  return out;
}

Result<ManifestBody> ParseManifestBody(std::string_view text) {
  ManifestBody out;
  LineReader lines("manifest", text);
  Title(lines, "manifest");
  Origin(lines, &out.origin);
  lines.Begin("segment").Number(&out.segment).End();
  lines.Begin("records").Number(&out.records).End();
  lines.Must(out.records >= 1 && out.segment + out.records > out.segment, "not a count of records");
  lines.Begin("file").Number(&out.file_bytes).HashValue(&out.file_hash).End();
  lines.Begin("index").Number(&out.index_offset).End();
  lines.Begin("leaves").Number(&out.leaves_bytes).End();
  lines.Begin("chain").HashValue(&out.chain_before).HashValue(&out.chain_after).End();
  lines.Begin("before").Number(&out.size_before).HashValue(&out.root_before).End();
  lines.Must(out.size_before == out.segment, "not the number of the first record");
  lines.Begin("after").Number(&out.size_after).HashValue(&out.root_after).End();
  lines.Must(out.size_after == out.segment + out.records, "not one past the last record");
  if (!lines.ok()) return lines.status();
  for (TreeNode node : RangeShape(out.segment, out.size_after)) {
    uint64_t level = 0, index = 0;
    lines.Begin("node").Number(&level).Number(&index).HashValue(&node.hash).End();
    lines.Must(level == static_cast<uint64_t>(node.level) && index == node.index,
               "not the node that the range has there");
    out.nodes.push_back(node);
  }
  lines.Begin("event").Time(&out.event.least).Time(&out.event.greatest).End();
  lines.Must(out.event.least <= out.event.greatest, "not bounds");
  lines.Begin("received").Time(&out.received.least).Time(&out.received.greatest).End();
  lines.Must(out.received.least <= out.received.greatest, "not bounds");
  uint64_t record_format = 0;
  lines.Begin("record-format").Number(&record_format).End();
  lines.Must(record_format == kFormatVersion, "another record format");
  lines.Begin("rules").HashOrNone(&out.rules).End();
  lines.Begin("config").HashOrNone(&out.config).End();
  lines.Begin("previous").HashOrNone(&out.previous).End();
  lines.Must(out.previous.has_value() == (out.segment > 0), "only the first segment has none");
  lines.Begin("epoch").Number(&out.epoch).End();
  lines.Begin("sealed").Text(&out.sealed).End();
  lines.Must(IsIso8601(out.sealed), "not a time");
  lines.EndOfText();
  if (!lines.ok()) return lines.status();
  return out;
}

Result<SigningState> ParseSigningState(std::string_view text) {
  SigningState out;
  crypto::Hash stated{};
  const size_t last = text.rfind("sha256 ");
  const bool is_whole = last != text.npos && text.ends_with('\n') &&
                        ParseHash(text.substr(last + 7, text.size() - last - 8), &stated) &&
                        crypto::Sha256(AsBytes(text.substr(0, last))) == stated;
  if (!is_whole) return DataLoss("the last line is not the SHA-256 of the lines above");
  LineReader lines("signing record", text);
  Title(lines, "signing");
  Origin(lines, &out.origin);
  lines.Begin("epoch").Number(&out.epoch).End();
  lines.Begin("size").Number(&out.size).End();
  lines.Begin("root").HashValue(&out.root).End();
  lines.Begin("sha256").HashValue(&stated).End();
  lines.EndOfText();
  if (!lines.ok()) return lines.status();
  return out;
}

}  // namespace sealtrail::verify
