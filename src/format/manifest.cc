#include "format/manifest.h"

#include <charconv>

#include "base/encoding.h"
#include "base/time_text.h"

namespace sealtrail::format {
namespace {

constexpr std::string_view kTitle = "sealtrail/manifest/v1";
constexpr std::string_view kFamily = "sealtrail/manifest/v";
constexpr std::string_view kNone = "none";

std::string HashOrNone(const std::optional<Hash32>& hash) {
  return hash ? Base64Encode(*hash) : std::string(kNone);
}

// Takes the lines of a manifest one after the other, each "word value value …". The first failure stays.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {}

  const Status& status() const { return status_; }
  bool done() const { return text_.empty(); }

  // Whether the next line starts with `word`.
  bool Next(std::string_view word) const {
    return text_.starts_with(word) && text_.substr(word.size()).starts_with(' ');
  }

  // Begins a line of that word; its values follow.
  void Line(std::string_view word) {
    EndLine();
    ++number_;
    const size_t end = text_.find('\n');
    if (end == text_.npos || !Next(word)) return Fail("a line \"{} …\" is expected", word);
    rest_ = text_.substr(word.size() + 1, end - word.size() - 1);
    text_.remove_prefix(end + 1);
  }

  std::string_view Word() {
    const size_t end = rest_.find(' ');
    const std::string_view word = rest_.substr(0, end);
    rest_ = end == rest_.npos ? std::string_view() : rest_.substr(end + 1);
    if (word.empty()) Fail("a value is missing");
    return word;
  }

  template <typename Int>
  Int Number() {
    const std::string_view word = Word();
    Int value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || fmt::to_string(value) != word) {
      Fail("\"{}\" is not a number as this format writes it", word);
    }
    return value;
  }

  Hash32 Hash() {
    Hash32 hash{};
    const std::string_view word = Word();
    const auto bytes = Base64Decode(word);
    if (!bytes.ok() || bytes->size() != hash.size()) {
      Fail("\"{}\" is not a SHA-256 in base64", word);
    } else {
      std::copy(bytes->begin(), bytes->end(), hash.begin());
    }
    return hash;
  }

  std::optional<Hash32> OptionalHash() {
    if (rest_ != kNone) return Hash();
    rest_ = {};
    return std::nullopt;
  }

  std::string_view RestOfLine() { return std::exchange(rest_, {}); }

  void EndLine() {
    if (!rest_.empty()) Fail("\"{}\" is too much", rest_);
    rest_ = {};
  }

  template <typename... Args>
  void Fail(fmt::format_string<Args...> format, Args&&... args) {
    if (!status_.ok()) return;
    status_ = InvalidArgument("manifest line {}: {}", number_,
                              fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  std::string_view text_;
  std::string_view rest_;  // of the line that is read
  int number_ = 1;         // the title is the first
  Status status_;
};

void ReadLines(LineReader& lines, Manifest& out) {
  lines.Line("origin");
  out.origin = lines.RestOfLine();
  lines.Line("segment");
  out.first = Seq{lines.Number<uint64_t>()};
  lines.Line("records");
  out.records = lines.Number<uint64_t>();
  lines.Line("file");
  out.file_bytes = lines.Number<uint64_t>();
  out.file_hash = lines.Hash();
  lines.Line("index");
  out.index_offset = lines.Number<uint64_t>();
  lines.Line("leaves");
  out.leaf_bytes = lines.Number<uint64_t>();
  lines.Line("chain");
  out.chain_before = lines.Hash();
  out.chain_after = lines.Hash();
  for (auto [word, head] : {std::pair{"before", &out.before}, {"after", &out.after}}) {
    lines.Line(word);
    head->size = TreeSize{lines.Number<uint64_t>()};
    head->root = lines.Hash();
  }
  do {
    lines.Line("node");
    ManifestNode node{
        .level = lines.Number<uint32_t>(), .index = lines.Number<uint64_t>(), .hash = {}};
    node.hash = lines.Hash();
    out.nodes.push_back(node);
  } while (lines.status().ok() && lines.Next("node"));
  lines.Line("event");
  out.times.event_min = lines.Number<int64_t>();
  out.times.event_max = lines.Number<int64_t>();
  lines.Line("received");
  out.times.received_min = lines.Number<int64_t>();
  out.times.received_max = lines.Number<int64_t>();
  lines.Line("record-format");
  if (lines.Number<uint32_t>() != kRecordFormat)
    lines.Fail("this program knows record format {}", kRecordFormat);
  lines.Line("rules");
  out.rules = lines.OptionalHash();
  lines.Line("config");
  out.config = lines.OptionalHash();
  lines.Line("previous");
  out.previous = lines.OptionalHash();
  lines.Line("epoch");
  out.epoch = lines.Number<uint32_t>();
  lines.Line("sealed");
  const std::string_view sealed = lines.RestOfLine();
  const auto time = ParseIso8601(sealed);
  if (!time.ok()) {
    lines.Fail("\"{}\" is not a time", sealed);
  } else {
    out.sealed = *time;
  }
  lines.EndLine();
  if (!lines.done()) lines.Fail("nothing may follow");
}

}  // namespace

std::string ManifestText(const Manifest& manifest) {
  std::string text = fmt::format(
      "{}\norigin {}\nsegment {}\nrecords {}\nfile {} {}\nindex {}\nleaves {}\nchain {} {}\n",
      kTitle, manifest.origin, Value(manifest.first), manifest.records, manifest.file_bytes,
      Base64Encode(manifest.file_hash), manifest.index_offset, manifest.leaf_bytes,
      Base64Encode(manifest.chain_before), Base64Encode(manifest.chain_after));
  for (const auto& [word, head] :
       {std::pair{"before", &manifest.before}, {"after", &manifest.after}}) {
    text += fmt::format("{} {} {}\n", word, Value(head->size), Base64Encode(head->root));
  }
  for (const ManifestNode& node : manifest.nodes) {
    text += fmt::format("node {} {} {}\n", node.level, node.index, Base64Encode(node.hash));
  }
  text += fmt::format("event {} {}\nreceived {} {}\n", manifest.times.event_min,
                      manifest.times.event_max, manifest.times.received_min,
                      manifest.times.received_max);
  text += fmt::format("record-format {}\nrules {}\nconfig {}\nprevious {}\nepoch {}\nsealed {}\n",
                      kRecordFormat, HashOrNone(manifest.rules), HashOrNone(manifest.config),
                      HashOrNone(manifest.previous), manifest.epoch, Iso8601(manifest.sealed));
  return text;
}

Result<Manifest> ParseManifestText(std::string_view text) {
  const size_t end = text.find('\n');
  const std::string_view title = text.substr(0, end);
  if (title != kTitle || end == text.npos) {
    if (!title.starts_with(kFamily)) return InvalidArgument("not a manifest");
    return Unimplemented("a manifest of the form {}, this program knows {}", title, kTitle);
  }
  LineReader lines(text.substr(end + 1));
  Manifest manifest;
  ReadLines(lines, manifest);
  SEAL_RETURN_IF_ERROR(lines.status());
  if (manifest.records == 0 || Value(manifest.before.size) != Value(manifest.first) ||
      Value(manifest.after.size) != Value(manifest.end()) || manifest.end() < manifest.first) {
    return InvalidArgument("manifest: its sizes do not add up");
  }
  return manifest;
}

}  // namespace sealtrail::format
