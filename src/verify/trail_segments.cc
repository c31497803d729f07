#include "verify/trail_segments.h"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "verify/note.h"

namespace sealtrail::verify {
namespace {

constexpr uint64_t kManifestBytesMax = 64 * kKiB;
// Numbers whose files a running store may still take away: of the log that grows, and of the one that was sealed last.
constexpr size_t kKeptOpen = 3;

// Which files there are for one number.
struct Files {
  bool sealed = false;
  bool log = false;
  bool log_is_empty = false;
  bool manifest = false;
};

std::string PathOf(uint64_t first, std::string_view suffix) {
  return "segments/" + SegmentName(first, suffix);
}

class Lister {
 public:
  Lister(const Source& source, const Hash& genesis) : source_(source), genesis_(genesis) {}

  Result<TrailSegments> List() {
    SEAL_RETURN_IF_ERROR(ListFolder());
    size_t left = files_.size();
    for (const auto& [first, files] : files_) {
      --left;
      keep_open_ = left < kKeptOpen;
      SEAL_RETURN_IF_ERROR(Choose(first, files, left == 0));
    }
    Connect();
    return std::move(out_);
  }

 private:
  Status ListFolder() {
    const auto entries = source_.List("segments");
    if (entries.status().code() == StatusCode::kNotFound) return OkStatus();
    SEAL_RETURN_IF_ERROR(entries.status());
    for (const SourceEntry& entry : *entries) {
      const auto number = [&](std::string_view suffix) {
        return entry.is_folder ? std::nullopt : FirstOfSegmentName(entry.name, suffix);
      };
      if (const auto first = number(".seg")) {
        files_[*first].sealed = true;
      } else if (const auto first = number(".log")) {
        files_[*first].log = true;
        files_[*first].log_is_empty = entry.size == 0;
      } else if (const auto first = number(".manifest")) {
        files_[*first].manifest = true;
      } else if (number(".manifest.tmp")) {
        out_.notices.push_back({.file = "segments/" + entry.name,
                                .kind = "temporary_file",
                                .text = "left where a manifest was being written"});
      } else if (IsStaged(entry.name)) {
        out_.notices.push_back({.file = "segments/" + entry.name,
                                .kind = "temporary_file",
                                .text = "left by a backup that was interrupted"});
      } else if (!number(".sealing")) {
        out_.damage.push_back({.file = "segments/" + entry.name,
                               .length = entry.is_folder ? 0 : entry.size,
                               .unit = "file",
                               .kind = "unknown_file",
                               .text = "no part of a trail has this name"});
      }
    }
    return OkStatus();
  }

  // A sealed file counts with its manifest; one without is what a start would throw away and make again, from its log.
  Status Choose(uint64_t first, const Files& files, bool is_last) {
    if (is_last && WasOnlyMade(first, files)) {
      out_.notices.push_back({.file = PathOf(first, ".log"),
                              .kind = "empty_log",
                              .text = "it was made, and nothing was written to it yet"});
      return OkStatus();
    }
    Segment segment{.first = first};
    const bool unfinished = files.sealed && !files.manifest && files.log && is_last;
    if (unfinished) {
      out_.notices.push_back({.file = PathOf(first, ".seg"),
                              .kind = "unfinished_seal",
                              .text = "it has no manifest yet, so its log counts"});
    }
    if (files.manifest) SEAL_RETURN_IF_ERROR(ReadManifest(segment));
    if (files.sealed && !unfinished) {
      SEAL_RETURN_IF_ERROR(Open(first, ".seg", Form::kSealed, segment.task, segment.file));
      if (!files.manifest) {
        Missing(first, ".manifest", "every sealed segment has a manifest");
      }
      if (files.log) {
        SEAL_RETURN_IF_ERROR(
            Open(first, ".log", Form::kLog, segment.left_log, segment.left_log_file));
      }
    } else if (files.log) {
      SEAL_RETURN_IF_ERROR(Open(first, ".log", Form::kLog, segment.task, segment.file));
      segment.task->is_last = is_last && !files.manifest;
    }
    if (!files.sealed && (files.manifest || !is_last)) {
      Missing(first, ".seg",
              files.manifest ? "there is a manifest of this file"
                             : "all segments but the last one are sealed");
    }
    out_.segments.push_back(std::move(segment));
    return OkStatus();
  }

  // A kill between making a log, the first or the next, and writing its header: as good as no log, which is what a kill before
  // that leaves.
  bool WasOnlyMade(uint64_t first, const Files& files) const {
    if (!files.log_is_empty || files.sealed || files.manifest) return false;
    if (out_.segments.empty()) return first == 0;
    const Segment& before = out_.segments.back();
    return before.sealed() && before.manifest && before.manifest->body &&
           before.manifest->body->size_after == first;
  }

  Status Open(uint64_t first, std::string_view suffix, Form form, std::optional<SegmentTask>& task,
              std::shared_ptr<env::ReadableFile>& file) {
    const std::string path = PathOf(first, suffix);
    task = SegmentTask{.path = path, .form = form, .first = first};
    if (!keep_open_) return OkStatus();
    auto opened = source_.Open(path);
    if (opened.status().code() == StatusCode::kNotFound) {
      return Unavailable("{} was there and is gone", path);
    }
    SEAL_RETURN_IF_ERROR(opened.status());
    file = std::move(opened).value();
    return OkStatus();
  }

  Status ReadManifest(Segment& segment) {
    auto manifest = std::make_shared<Manifest>();
    manifest->path = PathOf(segment.first, ".manifest");
    const auto bytes = ReadAll(source_, manifest->path, kManifestBytesMax);
    if (bytes.ok()) {
      out_.bytes_read += bytes->size();
      manifest->text = std::string(AsText(*bytes));
      manifest->hash = crypto::Sha256(*bytes);
      manifest->read = Parse(*manifest);
    } else if (bytes.status().code() == StatusCode::kResourceExhausted) {
      manifest->read = InvalidArgument("far too long");
    } else {
      return bytes.status();
    }
    segment.manifest = std::move(manifest);
    return OkStatus();
  }

  static Status Parse(Manifest& manifest) {
    SEAL_ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(manifest.text));
    auto body = ParseManifestBody(note.text);
    SEAL_RETURN_IF_ERROR(body.status());
    manifest.body = *body;
    return OkStatus();
  }

  // What follows what, and the running hash that each file begins with as manifests state it: its own, or the one
  // before. Nobody relies on it; a file that says otherwise is heard.
  void Connect() {
    for (size_t i = 0; i < out_.segments.size(); ++i) {
      Segment& segment = out_.segments[i];
      std::optional<uint64_t> next;
      if (i + 1 < out_.segments.size()) next = out_.segments[i + 1].first;
      std::optional<Hash> chain;
      const auto body_of = [](const Segment& s) {
        return s.manifest && s.manifest->body ? &*s.manifest->body : nullptr;
      };
      const ManifestBody* const own = body_of(segment);
      const ManifestBody* const before = i > 0 ? body_of(out_.segments[i - 1]) : nullptr;
      if (segment.first == 0) {
        chain = genesis_;
      } else if (own != nullptr && own->segment == segment.first) {
        chain = own->chain_before;
      } else if (before != nullptr && before->size_after == segment.first) {
        chain = before->chain_after;
      }
      for (std::optional<SegmentTask>* task : {&segment.task, &segment.left_log}) {
        if (!*task) continue;
        (*task)->next_first = next;
        (*task)->chain = chain;
      }
    }
  }

  void Missing(uint64_t first, std::string_view suffix, std::string text) {
    out_.damage.push_back({.file = PathOf(first, suffix),
                           .seq = Seq{first},
                           .unit = "file",
                           .kind = "missing_file",
                           .text = std::move(text)});
  }

  const Source& source_;
  const Hash& genesis_;
  std::map<uint64_t, Files> files_;
  bool keep_open_ = false;
  TrailSegments out_;
};

}  // namespace

Result<TrailSegments> ListSegments(const Source& source, const Hash& genesis) {
  return Lister(source, genesis).List();
}

}  // namespace sealtrail::verify
