#include "verify/tile_folder.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"
#include "verify/findings.h"
#include "verify/note.h"
#include "verify/note_bodies.h"
#include "verify/note_check.h"
#include "verify/policy.h"
#include "verify/tree.h"

namespace sealtrail::verify {
namespace {

constexpr uint64_t kTileHashes = 256;
constexpr size_t kHashBytes = sizeof(Hash);
constexpr uint64_t kNoteBytesMax = 64 * kKiB;
constexpr uint64_t kBundleBytesMax = kTileHashes * (2 + 65'535);

// N in groups of three digits, all but the last with an x before them.
std::string TileName(uint64_t n) {
  std::string out = fmt::format("{:03}", n % 1000);
  for (n /= 1000; n > 0; n /= 1000) out = fmt::format("x{:03}/{}", n % 1000, out);
  return out;
}

// A tile as it is stored: where, and its hashes.
struct Tile {
  std::string path;
  std::vector<Hash> hashes;
};

struct Entry {
  size_t offset = 0;  // of its length
  size_t length = 0;  // with it
  Hash hash{};
};

class TileFolder {
 public:
  TileFolder(const Source& source, const TileOptions& options)
      : source_(source), options_(options) {}

  Report Do() {
    if (FindKeys() && ReadCheckpoint()) {
      // A size that nobody vouches for may be any number.
      for (uint64_t n = 0; n * kTileHashes < size_ && (signer_ || !lost_); ++n) CheckBundle(n);
      Finish();
    }
    Conclude();
    return std::move(report_);
  }

 private:
  bool FindKeys() {
    if (options_.policy) {
      auto policy = Policy::Parse(*options_.policy);
      if (!policy.ok()) return Obstacle(policy.status());
      policy_ = std::move(policy).value();
    }
    if (options_.vkey) {
      auto key = ParseVerifierKey(*options_.vkey);
      if (!key.ok()) return Obstacle(key.status().Annotate("the given key"));
      keys_.push_back(std::move(key).value());
      report_.vkey = *options_.vkey;
    } else if (policy_) {
      keys_ = policy_->logs();
    }
    if (keys_.empty()) return Obstacle(InvalidArgument("no key of the log was given"));
    report_.origin = keys_[0].name;
    return true;
  }

  bool ReadCheckpoint() {
    const auto bytes = ReadAll(source_, "checkpoint", kNoteBytesMax);
    if (!bytes.ok()) return Obstacle(bytes.status());
    report_.bytes_read += bytes->size();
    const std::string text(AsText(*bytes));
    const auto note = ParseSignedNote(text);
    if (!note.ok()) return BadCheckpoint(text, note.status().message());
    const auto body = ParseCheckpointBody(note->text);
    Status holds = NotFound("no key");
    for (const VerifierKey& key : keys_) {
      holds = VerifyNote(*note, key);
      if (holds.ok()) signer_ = key;
      if (holds.code() != StatusCode::kNotFound) break;
    }
    // A key's signature under another name is the key's, and its line was changed.
    if (!signer_ && (holds.code() != StatusCode::kNotFound || AnyFits(*note)))
      return BadCheckpoint(text, holds.message());
    if (!body.ok()) return BadCheckpoint(text, body.status().message());
    if (signer_ && body->origin != signer_->name)
      return BadCheckpoint(text, "it is about another log");
    report_.origin = std::string(body->origin);
    size_ = body->size;
    root_ = body->root;
    if (signer_) {
      report_.checkpoint_size = size_;
    } else {
      TellOfOtherKey(*note, body->origin);
    }
    CheckCosigners(text, *note);
    return true;
  }

  bool BadCheckpoint(const std::string& text, std::string why) {
    Damage found = NoteLine("checkpoint", text, SIZE_MAX);
    found.text = std::move(why);
    findings_.Found(std::move(found));
    return false;
  }

  bool AnyFits(const SignedNote& note) const {
    return std::ranges::any_of(note.signatures, [&](const NoteSignature& line) {
      return std::ranges::any_of(
          keys_, [&](const VerifierKey& key) { return SignatureFits(note.text, line, key); });
    });
  }

  // The log's own line is the one with the name of the log; without one, the first.
  void TellOfOtherKey(const SignedNote& note, std::string_view origin) {
    const NoteSignature* by = &note.signatures[0];
    for (const NoteSignature& line : note.signatures) {
      if (line.name == origin) by = &line;
    }
    other_key_ =
        fmt::format("the checkpoint is signed by another key, {}+{:08x}", by->name, by->id);
    Obstacle(FailedPrecondition(
        "{}, and not by {}+{:08x}{}: if the log's key was changed, verify with the new one (a "
        "folder "
        "of tiles has no notes that lead from key to key; the store's own folder has)",
        other_key_, keys_[0].name, keys_[0].id,
        keys_.size() > 1 ? " or another of the policy's logs" : ""));
  }

  void CheckCosigners(const std::string& text, const SignedNote& note) {
    if (!policy_) return;
    const std::vector<Cosigner> cosigners = policy_->Cosigners(note);
    quorum_met_ = policy_->QuorumMet(cosigners);
    for (const Cosigner& each : cosigners) {
      if (each.holds) {
        witnesses_.push_back(each.witness);
        continue;
      }
      quorum_met_ = false;
      Damage found = SignatureLine("checkpoint", text, note, each.signature);
      found.text = fmt::format("the cosignature of {} does not verify", each.witness);
      findings_.Found(std::move(found));
    }
  }

  // How many hashes tile n of a level has.
  uint64_t Width(int level, uint64_t n) const {
    const uint64_t count = level >= 8 ? 0 : size_ >> (8 * level);
    return count <= n * kTileHashes ? 0 : std::min(kTileHashes, count - n * kTileHashes);
  }

  // The file of tile n, or of a bundle (level -1): a partial one may be served from the full one.
  std::optional<std::pair<std::string, Bytes>> ReadTile(int level, uint64_t n, uint64_t width,
                                                        uint64_t bytes_max) {
    const std::string name = level < 0 ? fmt::format("tile/entries/{}", TileName(n))
                                       : fmt::format("tile/{}/{}", level, TileName(n));
    std::vector<std::string> paths;
    if (width < kTileHashes) paths.push_back(fmt::format("{}.p/{}", name, width));
    paths.push_back(name);
    for (const std::string& path : paths) {
      auto bytes = ReadAll(source_, path, bytes_max);
      if (bytes.ok()) {
        report_.bytes_read += bytes->size();
        return std::pair(path, std::move(bytes).value());
      }
      if (bytes.status().code() == StatusCode::kNotFound) continue;
      if (bytes.status().code() != StatusCode::kResourceExhausted) {
        unread_ = true;
        Obstacle(bytes.status());
        return std::nullopt;
      }
      findings_.Found({.file = path,
                       .length = bytes_max,
                       .unit = "file",
                       .kind = "trailing_bytes",
                       .text = "far too long"});
      return std::nullopt;
    }
    findings_.Found({.file = paths[0],
                     .seq = SeqOf(level, n * kTileHashes),
                     .unit = "file",
                     .kind = "missing_file",
                     .text = "the checkpoint asks for it"});
    return std::nullopt;
  }

  static Seq SeqOf(int level, uint64_t index) {
    return Seq{level <= 0 ? index : index << (8 * level)};
  }

  // The first `width` hashes of a tile.
  std::optional<Tile> TileAt(int level, uint64_t n) {
    const uint64_t width = Width(level, n);
    auto file = ReadTile(level, n, width, kTileHashes * kHashBytes);
    if (!file) return std::nullopt;
    auto& [path, bytes] = *file;
    const bool partial = path.find(".p/") != path.npos;
    const uint64_t expected = (partial ? width : kTileHashes) * kHashBytes;
    const uint64_t there = bytes.size() / kHashBytes;
    if (bytes.size() != expected) {
      const uint64_t whole = std::min<uint64_t>(bytes.size(), expected) / kHashBytes * kHashBytes;
      findings_.Found({.file = path,
                       .seq = SeqOf(level, n * kTileHashes),
                       .offset = whole,
                       .length = bytes.size() - whole,
                       .unit = "end of file",
                       .kind = bytes.size() < expected ? "tiles_missing" : "trailing_bytes",
                       .text = fmt::format("{} bytes, and {} are right", bytes.size(), expected)});
      if (there < width) return std::nullopt;
    }
    Tile out{.path = path, .hashes = std::vector<Hash>(width)};
    for (uint64_t i = 0; i < width; ++i)
      std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(i * kHashBytes), kHashBytes,
                  out.hashes[i].begin());
    return out;
  }

  void CheckBundle(uint64_t n) {
    const uint64_t width = Width(0, n);
    const std::optional<Tile> tile = TileAt(0, n);
    std::string path;
    const auto entries = EntriesOf(n, width, tile ? &*tile : nullptr, &path);
    if (!entries && !tile) {
      lost_ = true;
      return;
    }
    std::vector<Hash> of_entries;
    if (entries) {
      for (const Entry& entry : *entries) of_entries.push_back(entry.hash);
      report_.records_read += width;
    }
    std::vector<Hash> believed = entries ? of_entries : tile->hashes;
    if (entries && tile && of_entries != tile->hashes) {
      const bool entries_are_right = EntriesAreRight(n, of_entries, tile->hashes);
      if (!entries_are_right) believed = tile->hashes;
      for (uint64_t i = 0; i < width; ++i) {
        if (of_entries[i] == tile->hashes[i]) continue;
        const Seq seq{n * kTileHashes + i};
        if (entries_are_right) {
          findings_.Found(TileHash(tile->path, 0, n * kTileHashes + i));
        } else {
          findings_.Found({.file = path,
                           .seq = seq,
                           .offset = (*entries)[i].offset,
                           .length = (*entries)[i].length,
                           .unit = "entry",
                           .kind = "record_altered",
                           .text = "its hash is not the one in the tile"});
        }
      }
    }
    if (width < kTileHashes) {
      for (const Hash& hash : believed) tree_.Append(hash);
      return;
    }
    const Hash parent = TreeHashByRecursion(believed);
    tree_.AppendNode(8, parent);
    AddTo(1, parent);
  }

  Damage TileHash(const std::string& path, int level, uint64_t index) {
    return {
        .file = path,
        .seq = SeqOf(level, index),
        .offset = index % kTileHashes * kHashBytes,
        .length = kHashBytes,
        .unit = "tile hash",
        .kind = "tile_altered",
        .text = fmt::format("hash {} of level {} is not that of what lies below it", index, level)};
  }

  // What stands above both decides: the tile of level 1, or the root. Without that, the entries count.
  bool EntriesAreRight(uint64_t n, const std::vector<Hash>& of_entries,
                       const std::vector<Hash>& of_tile) {
    if (of_entries.size() == kTileHashes) {
      const uint64_t parent = n / kTileHashes;
      if (!above_ || above_->first != parent) {
        above_ = {parent, std::nullopt};
        Findings quiet;  // it is reported where its level is checked
        std::swap(quiet, findings_);
        above_->second = TileAt(1, parent);
        std::swap(quiet, findings_);
      }
      return !above_->second ||
             above_->second->hashes[n % kTileHashes] != TreeHashByRecursion(of_tile);
    }
    if (lost_) return true;
    RangeTree with_tile = tree_;
    for (const Hash& hash : of_tile) with_tile.Append(hash);
    return with_tile.Root() != root_;
  }

  // `tile`: their hashes, if they are known: they tell where a bundle whose lengths do not fit went wrong.
  std::optional<std::vector<Entry>> EntriesOf(uint64_t n, uint64_t width, const Tile* tile,
                                              std::string* path) {
    auto file = ReadTile(-1, n, width, kBundleBytesMax);
    if (!file) return std::nullopt;
    *path = file->first;
    const ByteView bytes = file->second;
    const bool partial = path->find(".p/") != path->npos;
    const uint64_t count = partial ? width : kTileHashes;
    std::vector<Entry> out;
    std::vector<ByteView> leaves;
    size_t at = 0;
    for (uint64_t i = 0; i < count && bytes.size() - at >= 2; ++i) {
      const size_t length = GetBig16(bytes.data() + at);
      if (bytes.size() - at - 2 < length) break;
      out.push_back({.offset = at, .length = 2 + length});
      leaves.push_back(bytes.subspan(at + 2, length));
      at += 2 + length;
    }
    if (at != bytes.size() || out.size() < count) {
      for (size_t i = 0; tile != nullptr && i < std::min(out.size(), tile->hashes.size()); ++i) {
        if (LeafHash(leaves[i]) == tile->hashes[i]) continue;
        at = out[i].offset;
        out.resize(i);
      }
      findings_.Found({.file = *path,
                       .seq = Seq{n * kTileHashes + out.size()},
                       .offset = at,
                       .length = bytes.size() - at,
                       .unit = "end of file",
                       .kind = out.size() < count ? "records_missing" : "trailing_bytes",
                       .text = "the lengths of the entries do not fill the bundle"});
      if (out.size() < width) return std::nullopt;
    }
    out.resize(width);
    leaves.resize(width);
    std::vector<Hash> hashes(width);
    LeafHashes(leaves, hashes.data());
    for (uint64_t i = 0; i < width; ++i) out[i].hash = hashes[i];
    return out;
  }

  // The next hash of a level, as what lies below gives it.
  void AddTo(int level, const Hash& hash) {
    std::vector<Hash>& waiting = levels_[static_cast<size_t>(level)].waiting;
    waiting.push_back(hash);
    if (waiting.size() == kTileHashes) CompareTile(level);
  }

  void CompareTile(int level) {
    Level& here = levels_[static_cast<size_t>(level)];
    if (!lost_) {
      if (const std::optional<Tile> tile = TileAt(level, here.next_tile)) {
        for (size_t i = 0; i < here.waiting.size(); ++i) {
          if (tile->hashes[i] == here.waiting[i]) continue;
          findings_.Found(TileHash(tile->path, level, here.next_tile * kTileHashes + i));
        }
      }
    }
    ++here.next_tile;
    const std::vector<Hash> hashes = std::exchange(here.waiting, {});
    if (hashes.size() == kTileHashes && level + 1 < static_cast<int>(levels_.size())) {
      AddTo(level + 1, TreeHashByRecursion(hashes));
    }
  }

  void Finish() {
    for (int level = 1; level < static_cast<int>(levels_.size()); ++level) {
      if (!levels_[static_cast<size_t>(level)].waiting.empty()) CompareTile(level);
    }
    if (lost_) return;
    const Hash root = tree_.Root();
    if (root == root_) {
      report_.root = root;
    } else if (findings_.damage_total == 0) {
      findings_.Found({.file = "checkpoint",
                       .unit = "log",
                       .kind = "root_mismatch",
                       .text = fmt::format("the entries give the root {}, and the checkpoint says "
                                           "{}",
                                           Base64Encode(root), Base64Encode(root_))});
    }
  }

  void Conclude() {
    report_.size = size_;
    report_.damage_total = findings_.damage_total;
    report_.damage = std::move(findings_.damage);
    report_.obstacles = std::move(findings_.obstacles);
    std::stable_sort(report_.damage.begin(), report_.damage.end(),
                     [](const Damage& a, const Damage& b) {
                       return std::tie(a.file, a.offset) < std::tie(b.file, b.offset);
                     });
    const bool sound = report_.damage_total == 0 && report_.obstacles.empty();
    report_.verdict = report_.damage_total > 0 ? Verdict::kNotSound
                      : sound                  ? Verdict::kSound
                                               : Verdict::kCannotTell;
    const std::string open = report_.obstacles.empty() ? "" : report_.obstacles[0];
    if (report_.damage_total > 0) {
      report_.integrity = {Answer::kFail, "stored bytes are not what the checkpoint says"};
      report_.completeness = {Answer::kFail,
                              "not every entry that the checkpoint covers was found "
                              "as it must be"};
    } else if (sound) {
      report_.integrity = {Answer::kPass,
                           "every entry and every tile below the checkpoint was hashed, up to its "
                           "root"};
      report_.completeness = {Answer::kPass, "every entry that the checkpoint covers is there"};
    } else {
      report_.integrity.reason = open;
      if (report_.root)
        report_.integrity.reason =
            "every entry and every tile was hashed, up to the root of the checkpoint; but " +
            other_key_;
      report_.completeness.reason = report_.integrity.reason;
    }
    Authorship(open);
    Independence(open);
    report_.order.reason = "a folder of tiles has no running hash; the tree orders its entries";
    report_.time.reason = "a folder of tiles has no time stamp of another party";
    const bool can_tell = !unread_ || report_.damage_total > 0;
    if (size_ > 0 && can_tell) {
      report_.ranges.push_back(
          {.first = Seq{0},
           .last = Seq{size_ - 1},
           .state = sound ? RangeState::kPresentValid : RangeState::kMissingOrAltered});
    }
  }

  void Authorship(const std::string& open) {
    Finding& out = report_.authorship;
    if (!signer_) {
      const bool failed = other_key_.empty() && report_.damage_total > 0;
      out = {failed ? Answer::kFail : Answer::kNotEstablished,
             failed               ? "the checkpoint is not signed with the key you gave"
             : other_key_.empty() ? open
                                  : other_key_};
    } else if (policy_ && !policy_->HasLog(*signer_)) {
      out = {Answer::kFail, "the key is none of the policy's logs"};
    } else {
      out = {Answer::kPass, options_.vkey ? "the checkpoint is signed with the key you gave"
                                          : "the checkpoint is signed with a key that the policy "
                                            "names"};
    }
  }

  void Independence(const std::string& open) {
    Finding& out = report_.independence;
    if (!options_.policy) {
      out.reason = "no policy was given";
    } else if (!policy_) {
      out.reason = open;
    } else if (!policy_->asks_for_witnesses()) {
      out.reason = "the policy asks for no witness";
    } else if (!signer_) {
      out.reason = "there is no checkpoint whose signature by the log could be checked";
    } else if (quorum_met_) {
      out = {Answer::kPass, fmt::format("witnesses of the policy's quorum ({}) cosigned the first "
                                        "{} entries",
                                        fmt::join(witnesses_, ", "), size_)};
    } else {
      out = {Answer::kFail, "the checkpoint is not cosigned by the policy's quorum"};
    }
  }

  bool Obstacle(const Status& status) {
    findings_.obstacles.push_back(status.message());
    return false;
  }

  struct Level {
    uint64_t next_tile = 0;
    std::vector<Hash> waiting;
  };

  const Source& source_;
  const TileOptions& options_;
  std::optional<Policy> policy_;
  std::vector<VerifierKey> keys_;  // that the log may sign with
  std::optional<VerifierKey> signer_;
  std::string other_key_;  // who signed the checkpoint, where it was none of them
  std::vector<std::string> witnesses_;
  bool quorum_met_ = false;
  uint64_t size_ = 0;
  Hash root_{};
  RangeTree tree_;
  bool unread_ = false;          // a tile or a bundle
  bool lost_ = false;            // some hashes cannot be known
  std::array<Level, 8> levels_;  // levels_[0] is not used
  std::optional<std::pair<uint64_t, std::optional<Tile>>> above_;
  Findings findings_;
  Report report_;
};

}  // namespace

Report VerifyTiles(const Source& source, const TileOptions& options) {
  return TileFolder(source, options).Do();
}

}  // namespace sealtrail::verify
