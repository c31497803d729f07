#include "verify/verify.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "verify/note.h"
#include "verify/note_bodies.h"
#include "verify/note_check.h"
#include "verify/run_state.h"
#include "verify/segment_check.h"

namespace sealtrail::verify {
namespace {

constexpr uint64_t kNoteBytesLimit = 64 * kKiB;
constexpr uint64_t kAsideBytesLimit = 1 * kGiB;

// Names beside the evidence (segment.md §1): nothing hashes them.
constexpr std::array<std::string_view, 5> kNotCovered = {"LOCK", "keys", "local.token", "api.sock",
                                                         "index"};
constexpr std::array<std::string_view, 4> kCovered = {"aside", "checkpoint", "segments", "trail"};
// What a writer leaves for a moment while it replaces a note.
constexpr std::array<std::string_view, 2> kTemporary = {"checkpoint.tmp", "trail.tmp"};

template <size_t n>
bool Contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Run {
 public:
  Run(const Source& source, const Options& options) : source_(source), options_(options) {}

  Report Do() {
    if (FindKey()) {
      // Before the segments are listed: what it covers must then be in them.
      ReadCheckpoint();
      ReadTrail();
      CheckFolder();
      ReadSegments();
      CheckAside();
      CompareRoot();
    }
    Conclude();
    return std::move(report_);
  }

 private:
  // --- Keys and notes ---------------------------------------------------------------------------

  bool FindKey() {
    std::string text = options_.vkey.value_or("");
    if (!options_.vkey) {
      const auto bytes = ReadAll(source_, "keys/log.vkey", kNoteBytesLimit);
      if (!bytes.ok()) return Obstacle(bytes.status().Annotate("no key to verify with"));
      text = std::string(AsText(*bytes));
    }
    while (text.ends_with('\n')) text.pop_back();
    auto key = ParseVerifierKey(text);
    if (!key.ok()) {
      return Obstacle(key.status().Annotate(options_.vkey ? "the given key" : "keys/log.vkey"));
    }
    key_ = std::move(key).value();
    report_.vkey = text;
    report_.origin = key_.name;
    if (!options_.origin.empty() && options_.origin != key_.name) {
      return Obstacle(FailedPrecondition("the key is that of origin {}, and {} is expected",
                                         key_.name, options_.origin));
    }
    return true;
  }

  // The text of a note, if it can be read. A missing one is no obstacle here.
  std::optional<std::string> ReadNote(const std::string& path) {
    const auto bytes = ReadAll(source_, path, kNoteBytesLimit);
    if (bytes.ok()) {
      report_.bytes_read += bytes->size();
      return std::string(AsText(*bytes));
    }
    if (bytes.status().code() == StatusCode::kResourceExhausted) {
      Found({.file = path,
             .length = kNoteBytesLimit,
             .unit = "note",
             .kind = "note_damaged",
             .text = "far too long"});
    } else if (bytes.status().code() != StatusCode::kNotFound) {
      Obstacle(bytes.status());
    }
    return std::nullopt;
  }

  // A note that is as checkpoint.md says: one signature, by the trail's key, and it holds.
  bool NoteHolds(std::string_view text) const {
    const auto note = ParseSignedNote(text);
    return note.ok() && note->signatures.size() == 1 && VerifyNote(*note, key_).ok();
  }

  void ReadCheckpoint() {
    checkpoint_text_ = ReadNote("checkpoint");
    uint64_t mark = 0;
    if (checkpoint_text_) {
      checkpoint_holds_ = NoteHolds(*checkpoint_text_);
      // Also of a damaged note: its size tells which root to compare it with.
      const auto note = ParseSignedNote(*checkpoint_text_);
      const auto body =
          note.ok() ? ParseCheckpointBody(note->text) : Result<CheckpointBody>(note.status());
      if (body.ok()) {
        checkpoint_ =
            Checkpoint{.origin = std::string(body->origin), .size = body->size, .root = body->root};
        mark = body->size;
      } else if (checkpoint_holds_) {
        checkpoint_holds_ = false;
        Found({.file = "checkpoint",
               .length = checkpoint_text_->size(),
               .unit = "note",
               .kind = "note_damaged",
               .text = body.status().message()});
        checkpoint_text_.reset();
      }
    }
    state_.emplace(ChainStart(key_.name), mark);
    state_->origin_hash = crypto::Sha256(AsBytes(key_.name));
    state_->running = options_.running;
    state_->progress = options_.progress;
    if (!checkpoint_holds_) return;
    if (checkpoint_->origin != key_.name) {
      checkpoint_holds_ = false;
      Found({.file = "checkpoint",
             .length = checkpoint_->origin.size() + 1,
             .unit = "note line 1",
             .kind = "other_origin",
             .text = fmt::format("it is about {}, and the key is that of {}", checkpoint_->origin,
                                 key_.name)});
      checkpoint_text_.reset();
      return;
    }
    state_->checkpoint_size = checkpoint_->size;
    report_.checkpoint_size = checkpoint_->size;
  }

  void ReadTrail() {
    const auto text = ReadNote("trail");
    if (!text) {
      Found({.file = "trail",
             .unit = "file",
             .kind = "missing_file",
             .text = "every trail has this file"});
      return;
    }
    if (!NoteHolds(*text)) {
      Found(LocateNoteDamage(
          "trail", *text, {"sealtrail/trail/v0", "origin " + key_.name, "format 0", std::nullopt},
          key_));
      return;
    }
    const auto note = ParseSignedNote(*text);
    const auto body = ParseTrailBody(note->text);
    if (body.status().code() == StatusCode::kUnimplemented) {
      Obstacle(body.status().Annotate("trail"));
    } else if (!body.ok()) {
      Found({.file = "trail",
             .length = text->size(),
             .unit = "note",
             .kind = "note_damaged",
             .text = body.status().message()});
    } else if (body->origin != key_.name) {
      Found({.file = "trail",
             .offset = note->text.find("origin "),
             .length = body->origin.size() + 8,
             .unit = "note line 2",
             .kind = "other_origin",
             .text = fmt::format("the trail is {}, and the key is that of {}", body->origin,
                                 key_.name)});
    }
  }

  // --- Files ------------------------------------------------------------------------------------

  void CheckFolder() {
    const auto entries = source_.List("");
    if (!entries.ok()) {
      Obstacle(entries.status());
      return;
    }
    for (const SourceEntry& entry : *entries) {
      if (Contains(kNotCovered, entry.name) || Contains(kCovered, entry.name)) continue;
      if (Contains(kTemporary, entry.name)) {
        report_.notices.push_back({.file = entry.name,
                                   .kind = "temporary_file",
                                   .text = "left where a note was being replaced"});
        continue;
      }
      if (entry.is_folder && entry.name == "lost+found") continue;  // ext4's own, at a mount point
      UnknownFile(entry.name, entry);
    }
  }

  void UnknownFile(std::string path, const SourceEntry& entry) {
    Found({.file = std::move(path),
           .length = entry.is_folder ? 0 : entry.size,
           .unit = "file",
           .kind = "unknown_file",
           .text = "no part of a trail has this name"});
  }

  void ReadSegments() {
    const auto entries = source_.List("segments");
    if (!entries.ok() && entries.status().code() != StatusCode::kNotFound) {
      Obstacle(entries.status());
      return;
    }
    const auto aside = source_.List("aside");
    for (const SourceEntry& entry : aside.ok() ? *aside : std::vector<SourceEntry>()) {
      state_->aside.emplace(entry.name, std::nullopt);
    }
    std::vector<std::string> names;
    for (const SourceEntry& entry : entries.ok() ? *entries : std::vector<SourceEntry>()) {
      if (!entry.is_folder && FirstOfSegmentName(entry.name)) {
        names.push_back(entry.name);
      } else {
        UnknownFile("segments/" + entry.name, entry);
      }
    }
    std::sort(names.begin(), names.end());
    for (size_t i = 0; i < names.size(); ++i) {
      const auto next = i + 1 < names.size() ? FirstOfSegmentName(names[i + 1]) : std::nullopt;
      if (!ReadSegment(names[i], next)) return;
    }
    CheckEnd(names);
  }

  bool ReadSegment(const std::string& name, std::optional<uint64_t> next_first) {
    const uint64_t first = *FirstOfSegmentName(name);
    const uint64_t next = state_->heads.next();
    const std::string path = "segments/" + name;
    if (first > next) {
      if (!state_->end_is_damaged) {
        Found({.file = "segments/" + SegmentName(next),
               .seq = Seq{next},
               .unit = "file",
               .kind = "missing_file",
               .text = fmt::format(
                   "records {} to {} are missing: this file, or the end of the one before it", next,
                   first - 1)});
      }
      state_->heads.LoseUpTo(first);
      state_->unconfirmed.reset();
    }
    if (first < next) {
      Found(
          {.file = path,
           .seq = Seq{first},
           .unit = "file",
           .kind = "file_misplaced",
           .text = fmt::format(
               "its name says record {}, but records up to {} stand in the files before it; it was "
               "not read",
               first, next - 1)});
      return true;
    }
    state_->end_is_damaged = false;
    const auto file = source_.Open(path);
    if (!file.ok()) return Obstacle(file.status());
    const auto size = (*file)->Size();
    if (!size.ok()) return Obstacle(size.status());
    SegmentCheck check(*state_, name, next_first, FileWindow(**file, *size));
    if (Status read = check.Run(); !read.ok()) return Obstacle(read.Annotate(path));
    last_path_ = path;
    last_size_ = *size;
    return true;
  }

  // The checkpoint says how many records there must be.
  void CheckEnd(const std::vector<std::string>& names) {
    const uint64_t next = state_->heads.next();
    if (next >= state_->checkpoint_size || state_->end_is_damaged) return;
    Found({.file = names.empty() ? "segments/" + SegmentName(0) : last_path_,
           .seq = Seq{next},
           .offset = last_size_,
           .unit = "end of file",
           .kind = "records_missing",
           .text = fmt::format(
               "records {} to {} are missing: the checkpoint covers them, and the log ends before",
               next, state_->checkpoint_size - 1)});
  }

  void CheckAside() {
    for (const auto& [name, witness] : state_->aside) {
      const std::string path = "aside/" + name;
      if (!witness) {
        report_.notices.push_back(
            {.file = path,
             .kind = "aside_unnamed",
             .text = "no record of a recovery names it, so nothing vouches for its content"});
        continue;
      }
      const auto bytes = ReadAll(source_, path, kAsideBytesLimit);
      if (!bytes.ok()) {
        Obstacle(bytes.status());
        continue;
      }
      const crypto::Hash hash = crypto::Sha256(*bytes);
      const bool named = witness->leaf.find(HexEncode(hash)) != std::string::npos ||
                         witness->leaf.find(Base64Encode(hash)) != std::string::npos;
      if (named) {
        report_.notices.push_back(
            {.file = path,
             .kind = "aside",
             .text = fmt::format("{} bytes that recovery cut, as record {} says", bytes->size(),
                                 Value(witness->seq))});
      } else {
        Found(
            {.file = path,
             .seq = witness->seq,
             .length = bytes->size(),
             .unit = "file",
             .kind = "aside_altered",
             .text = fmt::format("record {} names it with another SHA-256", Value(witness->seq))});
      }
    }
  }

  // --- Conclusions ------------------------------------------------------------------------------

  void CompareRoot() {
    const auto& at_mark = state_->heads.at_mark();
    if (!checkpoint_holds_) {
      if (checkpoint_text_) LocateCheckpointDamage();
      return;
    }
    if (!at_mark || at_mark->root == checkpoint_->root) return;
    root_differs_ = true;
    if (!state_->damage.empty()) return;  // which explains it
    Found({.file = last_path_,
           .seq = Seq{0},
           .offset = 0,
           .length = last_size_,
           .unit = "log",
           .kind = "root_mismatch",
           .text = fmt::format("records 0 to {} give the root {}, and the checkpoint says {}: "
                               "somewhere in them bytes "
                               "were changed together with everything that depends on them",
                               checkpoint_->size - 1, Base64Encode(at_mark->root),
                               Base64Encode(checkpoint_->root))});
  }

  void LocateCheckpointDamage() {
    const auto& at_mark = state_->heads.at_mark();
    const auto now = state_->heads.at_end();
    ExpectedLines expected = {key_.name, std::nullopt, std::nullopt};
    // Either the size in the note is right, and the records give the root, or the root is that of all records.
    if (checkpoint_ && at_mark && (!now || now->root != checkpoint_->root)) {
      expected[1] = fmt::to_string(checkpoint_->size);
      expected[2] = Base64Encode(at_mark->root);
    } else if (now) {
      expected[1] = fmt::to_string(state_->heads.next());
      expected[2] = Base64Encode(now->root);
    }
    Found(LocateNoteDamage("checkpoint", *checkpoint_text_, expected, key_));
  }

  void Conclude() {
    if (state_) TakeOver(*state_);
    std::stable_sort(report_.damage.begin(), report_.damage.end(),
                     [](const Damage& a, const Damage& b) {
                       return std::tie(a.file, a.offset) < std::tie(b.file, b.offset);
                     });
    if (report_.damage_total > 0) {
      report_.verdict = Verdict::kNotSound;
    } else if (!report_.obstacles.empty()) {
      report_.verdict = Verdict::kCannotTell;
    } else if (!checkpoint_holds_) {
      report_.obstacles.push_back(
          "there is no checkpoint, so nothing says which records there must be");
      report_.verdict = Verdict::kCannotTell;
    } else {
      report_.verdict = Verdict::kSound;
    }
    Answers();
  }

  void TakeOver(RunState& state) {
    report_.records_read = state.records_read;
    report_.bytes_read += state.bytes_read;
    report_.damage_total += state.damage_total;
    std::move(state.damage.begin(), state.damage.end(), std::back_inserter(report_.damage));
    if (report_.damage.size() > kDamageMax) report_.damage.resize(kDamageMax);
    std::move(state.notices.begin(), state.notices.end(), std::back_inserter(report_.notices));
    std::move(state.obstacles.begin(), state.obstacles.end(),
              std::back_inserter(report_.obstacles));

    const uint64_t all = std::min(state.heads.next(), state.sure_next.value_or(state.heads.next()));
    const bool beyond = checkpoint_holds_ && all >= checkpoint_->size;
    report_.size = beyond ? checkpoint_->size : all;
    report_.not_yet_checkpointed = all - report_.size;
    const auto heads = beyond ? state.heads.at_mark() : state.heads.at_end();
    if (heads && state.heads.whole() && all == std::max(all, report_.size)) {
      report_.root = heads->root;
      report_.chain = heads->chain;
    }
  }

  bool HasDamage(std::initializer_list<std::string_view> kinds) const {
    return std::any_of(report_.damage.begin(), report_.damage.end(), [&](const Damage& each) {
      return std::find(kinds.begin(), kinds.end(), each.kind) != kinds.end();
    });
  }

  void Answers() {
    const bool read = state_.has_value() && report_.obstacles.empty();
    const auto answer = [](bool failed, bool can_tell, std::string fail, std::string pass,
                           std::string open) {
      if (failed) return Finding{.answer = Answer::kFail, .reason = std::move(fail)};
      if (can_tell) return Finding{.answer = Answer::kPass, .reason = std::move(pass)};
      return Finding{.answer = Answer::kNotEstablished, .reason = std::move(open)};
    };
    const std::string unknown =
        report_.obstacles.empty() ? "not everything could be read" : report_.obstacles[0];
    report_.integrity = answer(
        report_.damage_total > 0, read && checkpoint_holds_, "stored bytes are not what they were",
        "every byte under the checkpoint was read and hashes to its root", unknown);
    report_.order =
        answer(HasDamage({"records_missing", "missing_file", "file_misplaced", "frame_out_of_order",
                          "running_hash", "records_altered", "root_mismatch"}),
               read && checkpoint_holds_ && report_.root.has_value(),
               "records are not where their numbers and running hashes put them",
               "numbers run without a gap, and each running hash binds the one before it", unknown);
    report_.completeness =
        answer(state_ && (root_differs_ || report_.size < report_.checkpoint_size.value_or(0) ||
                          HasDamage({"records_missing", "missing_file"})),
               read && checkpoint_holds_ && report_.root.has_value(),
               "records that the checkpoint covers are not there",
               "every record that the checkpoint covers is there; whether every event was sent "
               "cannot be seen here",
               unknown);
    Authorship();
    report_.time.reason = "no time stamp of another party was given";
    report_.independence.reason =
        "no witness was given; whoever holds the trail's key could have made another history";
  }

  void Authorship() {
    Finding& out = report_.authorship;
    if (!options_.vkey) {
      out.reason = "the key is the folder's own; give the one you know with --vkey";
    } else if (checkpoint_holds_) {
      out = {.answer = Answer::kPass, .reason = "the checkpoint is signed with the key you gave"};
    } else if (checkpoint_ || checkpoint_text_) {
      out = {.answer = Answer::kFail,
             .reason = "the checkpoint is not signed with the key you gave"};
    } else {
      out.reason = "there is no checkpoint";
    }
  }

  void Found(Damage damage) {
    ++report_.damage_total;
    report_.damage.push_back(std::move(damage));
  }

  bool Obstacle(const Status& status) {
    report_.obstacles.push_back(status.message());
    return false;
  }

  struct Checkpoint {
    std::string origin;
    uint64_t size = 0;
    crypto::Hash root{};
  };

  const Source& source_;
  const Options& options_;
  VerifierKey key_;
  std::optional<std::string> checkpoint_text_;  // as long as its damage has no place yet
  std::optional<Checkpoint> checkpoint_;        // what it says, true or not
  bool checkpoint_holds_ = false;
  bool root_differs_ = false;
  std::optional<RunState> state_;
  std::string last_path_;
  uint64_t last_size_ = 0;
  Report report_;
};

}  // namespace

Report Verify(const Source& source, const Options& options) {
  return Run(source, options).Do();
}

}  // namespace sealtrail::verify
