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
  TileFolder(const Source& source, std::string_view vkey) : source_(source), vkey_(vkey) {}

  Report Do() {
    if (ReadCheckpoint()) {
      for (uint64_t n = 0; n * kTileHashes < size_; ++n) CheckBundle(n);
      Finish();
    }
    Conclude();
    return std::move(report_);
  }

 private:
  bool ReadCheckpoint() {
    auto key = ParseVerifierKey(vkey_);
    if (!key.ok()) return Obstacle(key.status());
    key_ = std::move(key).value();
    report_.vkey = std::string(vkey_);
    report_.origin = key_.name;
    const auto bytes = ReadAll(source_, "checkpoint", kNoteBytesMax);
    if (!bytes.ok()) return Obstacle(bytes.status());
    report_.bytes_read += bytes->size();
    const std::string text(AsText(*bytes));
    const auto note = ParseSignedNote(text);
    const auto body =
        note.ok() ? ParseCheckpointBody(note->text) : Result<CheckpointBody>(note.status());
    const Status holds = note.ok() ? VerifyNote(*note, key_) : note.status();
    if (!holds.ok() || !body.ok() || body->origin != key_.name) {
      Damage found = NoteLine("checkpoint", text, SIZE_MAX);
      found.text = !holds.ok()  ? holds.message()
                   : !body.ok() ? body.status().message()
                                : "it is about another log";
      findings_.Found(std::move(found));
      return false;
    }
    size_ = body->size;
    root_ = body->root;
    report_.checkpoint_size = size_;
    return true;
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
    const Answer answer = report_.damage_total > 0 ? Answer::kFail
                          : sound                  ? Answer::kPass
                                                   : Answer::kNotEstablished;
    report_.integrity = {answer, "every entry and every tile below the checkpoint was hashed"};
    report_.completeness = {answer, "every entry that the checkpoint covers must be there"};
    report_.authorship = {report_.checkpoint_size ? Answer::kPass : answer,
                          "the checkpoint must be signed with the key you gave"};
    report_.order.reason = "a folder of tiles has no running hash; the tree orders its entries";
    report_.time.reason = "no time stamp of another party was given";
    report_.independence.reason = "no policy was given";
    if (size_ > 0) {
      report_.ranges.push_back(
          {.first = Seq{0},
           .last = Seq{size_ - 1},
           .state = sound ? RangeState::kPresentValid : RangeState::kMissingOrAltered});
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
  const std::string_view vkey_;
  VerifierKey key_;
  uint64_t size_ = 0;
  Hash root_{};
  RangeTree tree_;
  bool lost_ = false;            // some hashes cannot be known
  std::array<Level, 8> levels_;  // levels_[0] is not used
  std::optional<std::pair<uint64_t, std::optional<Tile>>> above_;
  Findings findings_;
  Report report_;
};

}  // namespace

Report VerifyTiles(const Source& source, std::string_view vkey) {
  return TileFolder(source, vkey).Do();
}

}  // namespace sealtrail::verify
