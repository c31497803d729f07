#include "verify/verify.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/time_text.h"
#include "crypto/rfc3161.h"
#include "verify/anchor_check.h"
#include "verify/key_epochs.h"
#include "verify/log_join.h"
#include "verify/note.h"
#include "verify/note_bodies.h"
#include "verify/note_check.h"
#include "verify/own_record.h"
#include "verify/policy.h"
#include "verify/segment_pool.h"
#include "verify/state_check.h"
#include "verify/tile_check.h"
#include "verify/trail_segments.h"

namespace sealtrail::verify {
namespace {

constexpr uint64_t kNoteBytesLimit = 64 * kKiB;
// Three lines and two signatures; all of them are kept in memory.
constexpr uint64_t kEpochBytesLimit = 4 * kKiB;
// Recovery sets one aside after a power cut; each is looked for in every own record.
constexpr size_t kAsideMax = 1000;
// A running store may seal a segment while its folder is listed.
constexpr int kListingsMax = 5;

// Names beside the evidence (segment.md §1): nothing hashes them.
constexpr std::array<std::string_view, 5> kNotCovered = {"LOCK", "keys", "local.token", "api.sock",
                                                         "index"};
constexpr std::array<std::string_view, 6> kCoveredFolders = {"aside",    "anchors", "epochs",
                                                             "segments", "signing", "tiles"};
constexpr std::array<std::string_view, 2> kCoveredNotes = {"checkpoint", "trail"};
// What a writer leaves for a moment while it replaces a file: beside the evidence, and in signing/.
constexpr std::array<std::string_view, 4> kTemporary = {"checkpoint.tmp", "trail.tmp",
                                                        "local.token.tmp", "incoming.tmp"};
constexpr std::array<std::string_view, 3> kSigning = {"state", "elsewhere", "LOCK"};
constexpr std::array<std::string_view, 2> kSigningTemporary = {"state.tmp", "elsewhere.tmp"};
// In the folder of a backup: files are on their way to their place.
constexpr std::string_view kIncoming = "incoming";

constexpr char kNotAllRead[] = "not everything could be read";

template <size_t n>
bool Contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Run {
 public:
  Run(const Source& source, const Options& options) : source_(source), options_(options) {}

  Report Do() {
    if (FindKey() && ReadNotes() && ReadLog()) {
      CheckTrail();
      CheckEpochs();
      CheckCheckpoint();
      CheckState();
      anchors_judged_ = CheckAnchors() && anchors_read_;
      CheckAside();
      judged_ = !unread_.contains("checkpoint");
    }
    Conclude();
    return std::move(report_);
  }

 private:
  // --- Keys and notes ---------------------------------------------------------------------------

  bool FindKey() {
    if (options_.policy) {
      auto policy = Policy::Parse(*options_.policy);
      if (!policy.ok()) return Obstacle(policy.status());
      policy_ = std::move(policy).value();
    }
    if (options_.tsa_ca) {
      auto authorities = crypto::TimestampAuthorities::FromPem(*options_.tsa_ca);
      if (!authorities.ok())
        return Obstacle(authorities.status().Annotate("certificates of time-stamp authorities"));
      authorities_ = std::move(authorities).value();
    }
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
    report_.origin = WithoutEpoch(key_.name);
    // The policy may name a key of another epoch than the folder's.
    if (policy_ && !options_.vkey && !policy_->HasLog(key_)) {
      for (const VerifierKey& log : policy_->logs()) {
        if (WithoutEpoch(log.name) == WithoutEpoch(key_.name)) key_ = log;
      }
    }
    return true;
  }

  // The text of a note. A missing one is no obstacle here; of one that cannot be read nobody knows whether it is missed.
  std::optional<std::string> ReadNote(const std::string& path,
                                      uint64_t bytes_max = kNoteBytesLimit) {
    const auto bytes = ReadAll(source_, path, bytes_max);
    if (bytes.ok()) {
      report_.bytes_read += bytes->size();
      return std::string(AsText(*bytes));
    }
    if (bytes.status().code() == StatusCode::kResourceExhausted) {
      Found({.file = path,
             .length = bytes_max,
             .unit = "note",
             .kind = "note_damaged",
             .text = "far too long"});
    } else if (bytes.status().code() != StatusCode::kNotFound) {
      unread_.insert(path);
      Obstacle(bytes.status());
    }
    return std::nullopt;
  }

  // What stands in a folder that need not be there. Nothing, and an obstacle, where it cannot be told.
  std::optional<std::vector<SourceEntry>> ListIfThere(const std::string& folder) {
    auto entries = source_.List(folder);
    if (entries.status().code() == StatusCode::kNotFound) return std::vector<SourceEntry>();
    if (entries.ok()) return *std::move(entries);
    Obstacle(entries.status());
    return std::nullopt;
  }

  // Before the segments are listed: what these cover must then be in them. The signing record comes first, for a
  // running store writes it first. Nothing is judged where the trail's name and keys cannot be read, for all hangs on
  // them; the others are missed where they would be compared.
  bool ReadNotes() {
    const auto incoming = source_.Open(std::string(kIncoming));
    if (incoming.ok()) {
      return Obstacle(FailedPrecondition(
          "a backup was interrupted while it was put in place; the next one completes it"));
    }
    if (incoming.status().code() != StatusCode::kNotFound) return Obstacle(incoming.status());
    state_text_ = ReadNote("signing/state");
    if (state_text_) {
      const auto state = ParseSigningState(*state_text_);
      if (state.ok()) trail_.marks.push_back(state->size);
    }
    checkpoint_text_ = ReadNote("checkpoint");
    if (checkpoint_text_) {
      // Also of a damaged note: its size tells which root to compare it with.
      const auto note = ParseSignedNote(*checkpoint_text_);
      const auto body =
          note.ok() ? ParseCheckpointBody(note->text) : Result<CheckpointBody>(note.status());
      if (body.ok()) {
        checkpoint_ =
            Checkpoint{.origin = std::string(body->origin), .size = body->size, .root = body->root};
        trail_.marks.push_back(body->size);
      } else {
        checkpoint_fault_ = body.status().message();
      }
    }
    auto anchors = AnchorCheck::Read(source_, findings_);
    anchors_read_ = anchors.ok();
    if (anchors.ok()) {
      anchors_ = std::move(anchors).value();
    } else {
      Obstacle(anchors.status());
    }
    for (const uint64_t size : anchors_.Sizes()) trail_.marks.push_back(size);
    trail_text_ = ReadNote("trail");
    if (unread_.contains("trail")) {
      CheckFolder();
      return false;
    }
    if (!FindOrigin()) return false;
    if (trail_text_ && IsOfAnotherFormat(*trail_text_)) return false;
    CheckFolder();
    std::map<uint64_t, std::string> epochs, befores;
    if (!ReadEpochs(&epochs, &befores)) return false;
    keys_.emplace(origin_, key_, std::move(epochs), std::move(befores));
    for (const uint64_t size : keys_->Sizes()) trail_.marks.push_back(size);
    return true;
  }

  // The key of a recovered epoch has a name of its own, and a first key's name may look like one: the trail's note tells.
  // What it says is held to account later.
  bool FindOrigin() {
    origin_ = WithoutEpoch(key_.name);
    const std::string text = trail_text_.value_or("");
    const auto note = ParseSignedNote(text);
    const auto body = note.ok() ? ParseTrailBody(note->text) : Result<TrailBody>(note.status());
    if (body.ok() && body->origin == key_.name) origin_ = key_.name;
    report_.origin = origin_;
    if (options_.origin.empty() || options_.origin == origin_) return true;
    return Obstacle(FailedPrecondition("the key is that of origin {}, and {} is expected", origin_,
                                       options_.origin));
  }

  // Then nothing else in the folder can be judged. Only a signed word counts, or one changed bit would silence us.
  bool IsOfAnotherFormat(const std::string& text) {
    const auto note = ParseSignedNote(text);
    const auto body = note.ok() ? ParseTrailBody(note->text) : Result<TrailBody>(note.status());
    if (body.status().code() != StatusCode::kUnimplemented) return false;
    if (!NoteHolds(text, std::span(&key_, 1))) return false;
    Obstacle(body.status().Annotate("trail"));
    return true;
  }

  bool ReadEpochs(std::map<uint64_t, std::string>* epochs,
                  std::map<uint64_t, std::string>* befores) {
    const auto entries = ListIfThere("epochs");
    if (!entries) return false;
    bool read = true;
    for (const SourceEntry& entry : *entries) {
      const std::string path = "epochs/" + entry.name;
      uint64_t n = 0;
      std::string_view number = entry.name;
      if (IsStaged(number)) {
        Notify(path, "temporary_file", "left by a backup that was interrupted");
        continue;
      }
      const bool temporary = number.ends_with(".tmp");
      if (temporary) number.remove_suffix(4);
      const bool before = number.ends_with(".before");
      if (before) number.remove_suffix(7);
      if (entry.is_folder || !ParseDecimal(number, &n) || n == 0 || n > kEpochsMax) {
        UnknownFile(path, entry);
      } else if (temporary) {
        Notify(path, "temporary_file", "left where a note was being written");
      } else if (auto text = ReadNote(path, kEpochBytesLimit)) {
        (before ? *befores : *epochs)[n] = std::move(*text);
      }
      read = read && !unread_.contains(path);
    }
    return read;
  }

  // --- The log ----------------------------------------------------------------------------------

  bool ReadLog() {
    const Hash genesis = ChainStart(origin_);
    auto tiles = TileFiles::Open(source_, findings_);
    if (!tiles.ok()) return Obstacle(tiles.status());
    const auto aside = ListIfThere("aside").value_or(std::vector<SourceEntry>());
    for (const SourceEntry& entry : aside) {
      if (trail_.aside.size() < kAsideMax) trail_.aside.push_back(entry.name);
    }
    if (aside.size() > kAsideMax)
      Notify("aside", "not_checked",
             fmt::format("only {} of {} files were looked at", kAsideMax, aside.size()));
    auto listed = ListSegments(source_, genesis);
    for (int i = 1; i < kListingsMax && listed.status().code() == StatusCode::kUnavailable; ++i) {
      listed = ListSegments(source_, genesis);
    }
    if (!listed.ok()) return Obstacle(listed.status());
    segments_ = std::move(listed).value();
    report_.bytes_read += segments_.bytes_read;
    for (Damage& each : segments_.damage) Found(std::move(each));
    std::move(segments_.notices.begin(), segments_.notices.end(),
              std::back_inserter(findings_.notices));

    trail_.origin_hash = crypto::Sha256(AsBytes(origin_));
    trail_.checkpoint_size = checkpoint_ ? checkpoint_->size : 0;
    trail_.running = options_.running;
    std::sort(trail_.marks.begin(), trail_.marks.end());
    trail_.marks.erase(std::unique(trail_.marks.begin(), trail_.marks.end()), trail_.marks.end());
    ReadSegments(source_, segments_.segments, trail_,
                 {.executor = options_.executor,
                  .threads = options_.threads,
                  .progress = options_.progress});
    if (!AllWasRead()) return false;
    TakeOwnRecords();
    return JoinLog(genesis, std::move(tiles).value());
  }

  // Of a file that could not be read nobody knows what it holds: a record that names a key, the one that seals the segment
  // before it, all that the tree is made of. So what was found in the others is told, and nothing is concluded from them.
  bool AllWasRead() {
    const auto unread = [](const std::optional<SegmentFacts>& facts) {
      return facts && facts->unread;
    };
    if (std::ranges::none_of(segments_.segments, [&](const Segment& segment) {
          return unread(segment.facts) || unread(segment.left_log_facts);
        }))
      return true;
    for (Segment& segment : segments_.segments) {
      for (std::optional<SegmentFacts>* facts : {&segment.facts, &segment.left_log_facts}) {
        if (!*facts) continue;
        findings_.Take(std::move((*facts)->findings));
        report_.bytes_read += (*facts)->file_bytes;
      }
      if (segment.facts) report_.records_read += segment.facts->records_read;
    }
    return false;
  }

  // What own records say of other files.
  void TakeOwnRecords() {
    std::vector<OwnLeaf> rotations;
    for (const Segment& segment : segments_.segments) {
      if (!segment.facts) continue;
      rotations.insert(rotations.end(), segment.facts->own.begin(), segment.facts->own.end());
      for (const auto& [name, leaf] : segment.facts->aside) aside_[name] = leaf;
    }
    keys_->TakeRotations(rotations, trail_.checkpoint_size);
  }

  bool JoinLog(const Hash& genesis, TileFiles tile_files) {
    const auto [sealed_end, least_end] = TileEnds();
    TileCheck tiles(std::move(tile_files), sealed_end, least_end, findings_);
    join_.emplace(trail_, origin_, genesis, *keys_, tiles, findings_);
    if (Status joined = join_->Join(segments_.segments); !joined.ok())
      return Obstacle(joined.Annotate("tiles"));
    tiles.CheckSizes();
    CheckEnd();
    return true;
  }

  // Tiles reach to the end of the last segment whose seal record is durable. They are written after it and before the
  // segment's log is removed.
  std::pair<uint64_t, uint64_t> TileEnds() const {
    const auto& all = segments_.segments;
    uint64_t sealed_end = 0, least_end = 0;
    for (size_t i = 0; i < all.size() && all[i].sealed(); ++i) {
      const bool followed =
          i + 1 < all.size() && all[i + 1].facts && all[i + 1].facts->next > all[i + 1].first;
      const bool is_last = i + 1 == all.size() || !all[i + 1].sealed();
      // A log is removed only when the record that seals it is durable, even if that is lost since.
      if (is_last && !followed && all[i].left_log) break;
      least_end = is_last && (all[i].left_log || options_.running) ? sealed_end : EndOf(i);
      sealed_end = EndOf(i);
    }
    return {sealed_end, least_end};
  }
  uint64_t EndOf(size_t i) const {
    const auto& all = segments_.segments;
    if (i + 1 < all.size()) return all[i + 1].first;
    return all[i].facts ? all[i].facts->next : all[i].first;
  }

  // The checkpoint says how many records there must be.
  void CheckEnd() {
    const uint64_t next = join_->next();
    if (!checkpoint_ || next >= checkpoint_->size || join_->end_is_damaged()) return;
    missing_at_end_ = Damage{
        .file =
            join_->last_path().empty() ? "segments/" + SegmentName(0, ".log") : join_->last_path(),
        .seq = Seq{next},
        .offset = join_->last_bytes(),
        .unit = "end of file",
        .kind = "records_missing",
        .text = fmt::format(
            "records {} to {} are missing: the checkpoint covers them, and the log ends before",
            next, checkpoint_->size - 1)};
  }

  void CheckFolder() {
    const auto entries = source_.List("");
    if (!entries.ok()) Obstacle(entries.status());
    for (const SourceEntry& entry : entries.ok() ? *entries : std::vector<SourceEntry>()) {
      if (IsStaged(entry.name)) {
        Notify(entry.name, "temporary_file", "left by a backup that was interrupted");
        continue;
      }
      if (Contains(kNotCovered, entry.name)) continue;
      if (Contains(kCoveredFolders, entry.name) && entry.is_folder) continue;
      if (Contains(kCoveredNotes, entry.name) && !entry.is_folder) continue;
      if (Contains(kTemporary, entry.name)) {
        Notify(entry.name, "temporary_file", "left where a file was being replaced");
        continue;
      }
      if (entry.is_folder && entry.name == "lost+found") continue;  // ext4's own, at a mount point
      UnknownFile(entry.name, entry);
    }
    const auto signing = ListIfThere("signing");
    for (const SourceEntry& entry : signing.value_or(std::vector<SourceEntry>())) {
      if (Contains(kSigningTemporary, entry.name)) {
        Notify("signing/" + entry.name, "temporary_file", "left where a file was being replaced");
      } else if (IsStaged(entry.name)) {
        Notify("signing/" + entry.name, "temporary_file", "left by a backup that was interrupted");
      } else if (entry.is_folder ||
                 (!Contains(kSigning, entry.name) && !entry.name.starts_with("state-"))) {
        UnknownFile("signing/" + entry.name, entry);
      }
    }
  }

  void UnknownFile(std::string path, const SourceEntry& entry) {
    Found({.file = std::move(path),
           .length = entry.is_folder ? 0 : entry.size,
           .unit = "file",
           .kind = "unknown_file",
           .text = entry.is_folder ? "no folder of a trail has this name"
                                   : "no file of a trail has this name"});
  }

  // --- What is signed ---------------------------------------------------------------------------

  // The note is the last thing that a first start writes; until then the folder may hold the store's own records only.
  bool StartIsUnfinished() const {
    return keys_->newest() == 0 &&
           std::ranges::all_of(segments_.segments, [](const Segment& segment) {
             return !segment.sealed() && segment.facts && !segment.facts->holds_others;
           });
  }

  void CheckTrail() {
    if (!trail_text_ && StartIsUnfinished()) {
      Obstacle(FailedPrecondition(
          "trail: there is no such file, and no record of others: a first start was not finished"));
    } else if (!trail_text_) {
      Found({.file = "trail",
             .unit = "file",
             .kind = "missing_file",
             .text = "every trail has this file"});
    } else {
      CheckTrailNote();
    }
  }

  void CheckTrailNote() {
    const auto note = ParseSignedNote(*trail_text_);
    const auto body = note.ok() ? ParseTrailBody(note->text) : Result<TrailBody>(note.status());
    std::vector<VerifierKey> keys;
    if (keys_->Key(0)) keys.push_back(*keys_->Key(0));
    if (keys.empty() || !NoteHolds(*trail_text_, keys)) {
      Found(
          LocateNoteDamage("trail", *trail_text_,
                           {fmt::format("sealtrail/trail/v{}", kFormatVersion), "origin " + origin_,
                            fmt::format("format {}", kFormatVersion), std::nullopt},
                           keys));
    } else if (body.status().code() == StatusCode::kUnimplemented) {
      Obstacle(body.status().Annotate("trail"));
    } else if (!body.ok()) {
      Damage found = NoteLine("trail", *trail_text_, SIZE_MAX);
      found.text = body.status().message();
      Found(std::move(found));
    } else if (body->origin != origin_) {
      Damage found = NoteLine("trail", *trail_text_, 1);
      found.kind = "other_origin";
      found.text = fmt::format("the trail is {}, and the key is that of {}", body->origin, origin_);
      Found(std::move(found));
    }
  }

  void CheckEpochs() {
    std::map<uint64_t, Hash> roots;
    for (const auto& [size, at] : join_->at_marks()) roots[size] = at.root;
    for (Damage& each : keys_->Check(roots, trail_.checkpoint_size)) Found(std::move(each));
  }

  void CheckCheckpoint() {
    if (!checkpoint_text_) {
      if (missing_at_end_) Found(std::move(*missing_at_end_));
      return;
    }
    if (checkpoint_) {
      for (const auto& keys : keys_->SignersAt(checkpoint_->size)) {
        checkpoint_holds_ = checkpoint_holds_ || NoteHolds(*checkpoint_text_, keys);
      }
    }
    if (!checkpoint_holds_) {
      LocateCheckpointDamage();
      return;
    }
    const std::string& name = keys_->LogNameAt(checkpoint_->size);
    if (checkpoint_->origin != name) {
      checkpoint_holds_ = false;
      Damage found = NoteLine("checkpoint", *checkpoint_text_, 0);
      found.kind = "other_origin";
      found.text =
          fmt::format("it is about {}, and the key is that of {}", checkpoint_->origin, name);
      Found(std::move(found));
      return;
    }
    // Its key was named by the log itself, so it proves nothing unless the given one leads to it.
    if (!keys_->given_is_known()) {
      checkpoint_holds_ = false;
      Damage found = NoteLine("checkpoint", *checkpoint_text_, SIZE_MAX);
      found.text =
          fmt::format("it is not signed by {}, key {:08x}, nor by one that this key leads to",
                      key_.name, key_.id);
      Found(std::move(found));
      return;
    }
    report_.checkpoint_size = checkpoint_->size;
    if (missing_at_end_) Found(std::move(*missing_at_end_));
    CompareRoot();
  }

  void CompareRoot() {
    const auto at = join_->at_marks().find(checkpoint_->size);
    if (at == join_->at_marks().end()) {
      if (findings_.damage_total == 0 && findings_.obstacles.empty())
        Obstacle(DataLoss("the root of {} records could not be computed", checkpoint_->size));
      return;
    }
    if (at->second.root == checkpoint_->root) return;
    root_differs_ = true;
    if (RecordsAreDamaged()) return;  // which explains it
    Found({.file = join_->last_path(),
           .seq = Seq{0},
           .offset = 0,
           .length = join_->last_bytes(),
           .unit = "log",
           .kind = "root_mismatch",
           .text = fmt::format("records 0 to {} give the root {}, and the checkpoint says {}: "
                               "somewhere in them bytes "
                               "were changed together with everything that depends on them",
                               checkpoint_->size - 1, Base64Encode(at->second.root),
                               Base64Encode(checkpoint_->root))});
  }

  // Not only a file that does not belong there: records are not what they were, and the place is known.
  bool RecordsAreDamaged() const {
    return !join_->whole() || !join_->altered().empty() || HasDamage({"manifest_altered"});
  }

  void LocateCheckpointDamage() {
    const uint64_t size = checkpoint_ ? checkpoint_->size : join_->next();
    ExpectedLines expected = {keys_->LogNameAt(size), std::nullopt, std::nullopt};
    // Either the size in the note is right, and the records give the root, or the root is that of all records.
    const auto now = join_->at_end();
    const auto at =
        checkpoint_ ? join_->at_marks().find(checkpoint_->size) : join_->at_marks().end();
    if (at != join_->at_marks().end() && (!now || now->root != checkpoint_->root)) {
      expected[1] = fmt::to_string(checkpoint_->size);
      expected[2] = Base64Encode(at->second.root);
    } else if (now) {
      expected[1] = fmt::to_string(join_->next());
      expected[2] = Base64Encode(now->root);
    }
    Damage best = LocateNoteDamage("checkpoint", *checkpoint_text_, expected, {});
    for (const uint64_t at_size : {size, join_->next()}) {
      for (const auto& keys : keys_->SignersAt(at_size)) {
        Damage found = LocateNoteDamage("checkpoint", *checkpoint_text_, expected, keys);
        if (found.length < best.length || best.length == checkpoint_text_->size())
          best = std::move(found);
      }
    }
    Found(std::move(best));
  }

  void CheckState() {
    if (unread_.contains("signing/state")) return;
    if (!state_text_) {
      Notify("signing/state", "signing_elsewhere",
             "the signing record is not in this folder, and was not looked at");
      return;
    }
    std::map<uint64_t, Hash> roots;
    for (const auto& [size, at] : join_->at_marks()) roots[size] = at.root;
    const auto state = ParseSigningState(*state_text_);
    const uint64_t epoch = state.ok() ? std::min(state->epoch, keys_->newest()) : keys_->newest();
    const StateContext context = {.origin = keys_->LogName(epoch),
                                  .newest_epoch = keys_->newest(),
                                  .records = join_->next(),
                                  .checkpoint_size = report_.checkpoint_size,
                                  .running = options_.running,
                                  .roots = roots,
                                  .log_is_damaged = RecordsAreDamaged() || root_differs_};
    CheckSigningState(*state_text_, context, findings_);
  }

  // False where not all of them could be read.
  bool CheckAnchors() {
    AnchorCheck::Log log = {.name = [this](uint64_t size) { return keys_->LogNameAt(size); },
                            .signers = [this](uint64_t size) { return keys_->SignersAt(size); },
                            .keys = {},
                            .records = join_->next(),
                            .is_damaged = !join_->whole(),
                            .roots = {}};
    for (uint64_t n = 0; n <= keys_->newest(); ++n) {
      if (const auto& key = keys_->Key(n))
        log.keys.push_back({.key = *key, .ended_at = keys_->EndOfLog(n)});
    }
    for (const auto& [size, at] : join_->at_marks()) log.roots[size] = at.root;
    const Status read = anchors_.Check(source_, log, policy_ ? &*policy_ : nullptr,
                                       authorities_ ? &*authorities_ : nullptr, findings_);
    report_.bytes_read += anchors_.bytes_read();
    if (!read.ok()) return Obstacle(read);
    // A checkpoint is published before others are asked about it, and read here before the anchors.
    if (checkpoint_holds_ && !options_.running && anchors_.shown() > checkpoint_->size) {
      Damage found = NoteLine("checkpoint", *checkpoint_text_, 1);
      found.kind = "checkpoint_behind";
      found.text = fmt::format("others were shown a checkpoint of {} records: this is an old one",
                               anchors_.shown());
      Found(std::move(found));
    }
    return true;
  }

  void CheckAside() {
    for (const std::string& name : trail_.aside) {
      const std::string path = "aside/" + name;
      const auto witness = aside_.find(name);
      if (witness == aside_.end()) {
        Notify(path, "aside_unnamed",
               "no record of a recovery names it, so nothing vouches for its content");
        continue;
      }
      uint64_t bytes = 0;
      const auto hashed = HashOf(source_, path, &bytes);
      if (!hashed.ok()) {
        Obstacle(hashed.status());
        continue;
      }
      const OwnLeaf& record = witness->second;
      const crypto::Hash& hash = *hashed;
      const bool named = record.leaf.find(HexEncode(hash)) != std::string::npos ||
                         record.leaf.find(Base64Encode(hash)) != std::string::npos;
      if (named) {
        Notify(
            path, "aside",
            fmt::format("{} bytes that recovery cut, as record {} says", bytes, Value(record.seq)));
      } else {
        Found({.file = path,
               .seq = record.seq,
               .length = bytes,
               .unit = "file",
               .kind = "aside_altered",
               .text = fmt::format("record {} names it with another SHA-256", Value(record.seq))});
      }
    }
  }

  // --- Conclusions ------------------------------------------------------------------------------

  void Conclude() {
    if (join_) TakeOver();
    report_.damage_total = findings_.damage_total;
    report_.damage = std::move(findings_.damage);
    report_.notices = std::move(findings_.notices);
    report_.obstacles = std::move(findings_.obstacles);
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

  void TakeOver() {
    report_.records_read = join_->records_read();
    report_.bytes_read += join_->bytes_read();
    const uint64_t all = std::min(join_->next(), join_->sure_next().value_or(join_->next()));
    const bool beyond = checkpoint_holds_ && all >= checkpoint_->size;
    report_.size = beyond ? checkpoint_->size : all;
    report_.not_yet_checkpointed = all - report_.size;
    Ranges(std::max(all, checkpoint_holds_ ? checkpoint_->size : 0));
    if (!join_->whole()) return;
    if (!beyond) {
      if (const auto end = join_->at_end(); end && all == join_->next()) {
        report_.root = end->root;
        report_.chain = end->chain;
      }
    } else if (const auto at = join_->at_marks().find(checkpoint_->size);
               at != join_->at_marks().end()) {
      report_.root = at->second.root;
      report_.chain = at->second.chain;
    }
  }

  // Where the root is another one and no place is known, no record can be vouched for.
  void Ranges(uint64_t end) {
    std::vector<Interval> bad = join_->altered();
    if (root_differs_ && join_->whole()) bad.push_back({.first = 0, .end = checkpoint_->size});
    if (join_->next() < end) bad.push_back({.first = join_->next(), .end = end});
    std::sort(bad.begin(), bad.end(),
              [](const Interval& a, const Interval& b) { return a.first < b.first; });
    uint64_t at = 0;
    const auto add = [&](uint64_t until, RangeState state) {
      until = std::min(until, end);
      if (until <= at) return;
      if (!report_.ranges.empty() && report_.ranges.back().state == state) {
        report_.ranges.back().last = Seq{until - 1};
      } else {
        report_.ranges.push_back({.first = Seq{at}, .last = Seq{until - 1}, .state = state});
      }
      at = until;
    };
    for (const Interval& each : bad) {
      add(each.first, RangeState::kPresentValid);
      add(each.end, RangeState::kMissingOrAltered);
    }
    add(end, RangeState::kPresentValid);
  }

  bool HasDamage(std::initializer_list<std::string_view> kinds) const {
    return std::any_of(kinds.begin(), kinds.end(), [&](std::string_view kind) {
      return findings_.kinds.contains(std::string(kind));
    });
  }

  void Answers() {
    const bool read = join_.has_value() && report_.obstacles.empty();
    const auto answer = [](bool failed, bool can_tell, std::string fail, std::string pass,
                           std::string open) {
      if (failed) return Finding{.answer = Answer::kFail, .reason = std::move(fail)};
      if (can_tell) return Finding{.answer = Answer::kPass, .reason = std::move(pass)};
      return Finding{.answer = Answer::kNotEstablished, .reason = std::move(open)};
    };
    const std::string unknown = report_.obstacles.empty() ? kNotAllRead : report_.obstacles[0];
    report_.integrity = answer(
        report_.damage_total > 0, read && checkpoint_holds_, "stored bytes are not what they were",
        "every byte under the checkpoint was read and hashes to its root", unknown);
    report_.order =
        answer(HasDamage({"records_missing", "missing_file", "file_misplaced", "frame_out_of_order",
                          "running_hash", "records_altered", "root_mismatch", "file_altered"}),
               read && checkpoint_holds_ && report_.root.has_value(),
               "records are not where their numbers and running hashes put them",
               "numbers run without a gap, and each running hash binds the one before it", unknown);
    report_.completeness =
        answer(join_ && (root_differs_ || report_.size < report_.checkpoint_size.value_or(0) ||
                         HasDamage({"records_missing", "missing_file"})),
               read && checkpoint_holds_ && report_.root.has_value(),
               "records that the checkpoint covers are not there",
               "every record that the checkpoint covers is there; whether every event was sent "
               "cannot be seen here",
               unknown);
    Authorship();
    Time();
    Independence();
  }

  void Time() {
    Finding& out = report_.time;
    const auto& best = anchors_.stamped() ? anchors_.stamped() : anchors_.claimed();
    if (join_ && best) {
      report_.time_stamp = TimeStamp{.size = best->size,
                                     .time = best->stamp.time,
                                     .authority = best->stamp.tsa,
                                     .trusted = anchors_.stamped().has_value()};
    }
    const auto said = [&] {
      return fmt::format("the first {} records existed at {}, by \"{}\"", best->size,
                         Iso8601(best->stamp.time), best->stamp.tsa);
    };
    if (!anchors_judged_) {
      out.reason = kNotAllRead;
    } else if (anchors_.token_fails()) {
      out = {.answer = Answer::kFail, .reason = "a time stamp in anchors/ is not what was signed"};
    } else if (!anchors_.any_token()) {
      out.reason = "there is no time stamp of another party in anchors/";
    } else if (!join_ || !best) {
      out.reason = "no time stamp is about records that could be read";
    } else if (anchors_.stamped()) {
      out = {.answer = Answer::kPass, .reason = said()};
    } else if (authorities_) {
      out = {.answer = Answer::kFail,
             .reason = "no time stamp in anchors/ leads to the certificates you gave"};
    } else {
      out.reason = "a time stamp claims that " + said() +
                   "; give the authority's certificates with --tsa-ca";
    }
  }

  void Independence() {
    Finding& out = report_.independence;
    if (anchors_.contradicted()) {
      out = {.answer = Answer::kFail,
             .reason = "the trail's key signed another history: the proof is in anchors/evidence/"};
    } else if (!anchors_judged_) {
      out.reason = kNotAllRead;
    } else if (!policy_) {
      out.reason =
          "no witness was given; whoever holds the trail's key could have made another history";
    } else if (!policy_->asks_for_witnesses()) {
      out.reason = "the policy asks for no witness";
    } else if (!join_) {
      out.reason = kNotAllRead;
    } else if (anchors_.independent()) {
      out = {.answer = Answer::kPass,
             .reason = fmt::format("witnesses of the policy's quorum ({}) cosigned the first {} "
                                   "records",
                                   fmt::join(anchors_.independent()->witnesses, ", "),
                                   anchors_.independent()->size)};
    } else {
      out = {.answer = Answer::kFail,
             .reason = anchors_.any_cosigned()
                           ? "no checkpoint in anchors/ is cosigned by the policy's quorum"
                           : "there is no cosigned checkpoint in anchors/"};
    }
  }

  // Also where a key of the policy was changed for the one in use, or follows it.
  bool PolicyKnowsKey() const {
    return policy_->HasLog(key_) ||
           (keys_ && std::ranges::any_of(policy_->logs(), [&](const VerifierKey& log) {
              return keys_->LeadsTo(log);
            }));
  }

  void Authorship() {
    Finding& out = report_.authorship;
    if (!judged_) {
      out.reason = kNotAllRead;
    } else if (policy_ && !PolicyKnowsKey()) {
      out = {.answer = Answer::kFail,
             .reason = "the key is none of the policy's logs, and leads to none of them"};
    } else if (!options_.vkey && !policy_) {
      out.reason = "the key is the folder's own; give the one you know with --vkey";
    } else if (keys_ && !keys_->given_is_known()) {
      out = {.answer = Answer::kFail, .reason = "the key you gave is none of this trail's"};
    } else if (checkpoint_holds_) {
      const uint64_t epoch = keys_->AtSize(checkpoint_->size);
      if (const auto recovery = keys_->RecoveryBefore(epoch)) {
        out.reason = fmt::format(
            "from record {} on the trail is a recovered epoch under a new key, {} ({:08x}), that "
            "no "
            "earlier key vouches for; the key you gave vouches for the first {} records",
            recovery->seq, recovery->key.name, recovery->key.id, recovery->vouched);
        return;
      }
      if (!keys_->LeadsTo(epoch)) {
        out.reason = "the key you gave does not lead to that of the checkpoint: see epochs/";
        return;
      }
      out = {.answer = Answer::kPass,
             .reason = keys_->newest() == 0
                           ? "the checkpoint is signed with the key you gave"
                           : "the key you gave leads to the one that signed the checkpoint"};
    } else if (checkpoint_ || checkpoint_text_) {
      out = {.answer = Answer::kFail,
             .reason = "the checkpoint is not signed with the key you gave"};
    } else {
      out.reason = "there is no checkpoint";
    }
  }

  void Found(Damage damage) { findings_.Found(std::move(damage)); }
  void Notify(std::string file, std::string kind, std::string text) {
    findings_.notices.push_back(
        {.file = std::move(file), .kind = std::move(kind), .text = std::move(text)});
  }
  bool Obstacle(const Status& status) {
    findings_.obstacles.push_back(status.message());
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
  std::string origin_;  // the trail's
  std::optional<std::string> state_text_;
  std::optional<std::string> checkpoint_text_;
  std::string checkpoint_fault_;
  std::optional<Checkpoint> checkpoint_;  // what it says, true or not
  std::optional<std::string> trail_text_;
  std::optional<KeyEpochs> keys_;
  TrailFacts trail_;
  TrailSegments segments_;
  std::map<std::string, OwnLeaf> aside_;  // by file name, the record that names it
  std::optional<Policy> policy_;
  std::optional<crypto::TimestampAuthorities> authorities_;
  AnchorCheck anchors_;
  Findings findings_;
  std::optional<LogJoin> join_;
  std::optional<Damage> missing_at_end_;
  std::set<std::string> unread_;  // notes
  bool judged_ = false;           // what the checkpoint says was held against the log
  bool anchors_read_ = false;     // all of them were
  bool anchors_judged_ = false;   // and held against the log
  bool checkpoint_holds_ = false;
  bool root_differs_ = false;
  Report report_;
};

}  // namespace

Report Verify(const Source& source, const Options& options) {
  return Run(source, options).Do();
}

}  // namespace sealtrail::verify
