#include "cli/static_tree.h"

#include <algorithm>

#include "base/limits.h"
#include "tlog/hashes.h"
#include "tlog/note.h"

namespace sealtrail::cli {
namespace {

constexpr std::string_view kCheckpoint = "checkpoint";
// Where an export is bound to while it runs; it becomes the checkpoint.
constexpr std::string_view kNext = "checkpoint.next";
constexpr size_t kUnsyncedDirsMax = 16;  // each holds up to 1,000 files
constexpr size_t kBundleBytesMax = tlog::kTileWidth * (tlog::kEntryBytesMax + 2);

Result<tlog::Checkpoint> CheckpointOf(std::string_view note) {
  SEAL_ASSIGN_OR_RETURN(const tlog::Note parsed, tlog::ParseNote(note));
  return tlog::ParseCheckpointWithExtensions(parsed.text);
}

}  // namespace

Result<StaticTree> StaticTree::Open(env::FileSystem& files, std::string dir, std::string note) {
  SEAL_ASSIGN_OR_RETURN(tlog::Checkpoint target, CheckpointOf(note));
  StaticTree tree(files, std::move(dir), std::move(note), std::move(target));
  SEAL_RETURN_IF_ERROR(tree.Prepare());
  return tree;
}

Status StaticTree::Prepare() {
  const bool existed = files_.Stat(dir_).ok();
  SEAL_RETURN_IF_ERROR(files_.MakeDir(dir_));
  if (!existed) SEAL_RETURN_IF_ERROR(files_.SyncDir(env::ParentPath(dir_)));
  SEAL_RETURN_IF_ERROR(LookAround());
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(files_, dir_, kNext, AsBytes(note_)));
  return KeepFullBundles();
}

// An export leaves nothing before its kNext, so a folder without it, or a checkpoint, is somebody else's.
Status StaticTree::LookAround() {
  SEAL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(dir_));
  for (const std::string_view name : {kCheckpoint, kNext}) {
    if (std::ranges::find(names, name) != names.end())
      SEAL_RETURN_IF_ERROR(TakeFound(std::string(name)));
  }
  const bool only_a_start =
      names.empty() || (names.size() == 1 && names[0] == "checkpoint.next.tmp");
  if (found_.empty() && !only_a_start)
    return FailedPrecondition("{} is not empty, and no export of this log", dir_);
  return OkStatus();
}

Status StaticTree::TakeFound(const std::string& name) {
  const std::string path = env::JoinPath(dir_, name);
  SEAL_ASSIGN_OR_RETURN(const Bytes note, env::ReadFile(files_, path, tlog::kSignedNoteBytesMax));
  const auto found = CheckpointOf(AsText(note));
  if (!found.ok())
    return FailedPrecondition("{} is no checkpoint: {}", path, found.status().message());
  if (found->origin != target_.origin)
    return FailedPrecondition("{} is of the log {}, not of {}", path, found->origin,
                              target_.origin);
  if (found->size > target_.size) {
    return FailedPrecondition("{} covers {} records, and the log has {}: it is behind its export",
                              path, Value(found->size), Value(target_.size));
  }
  found_.push_back(*found);
  return OkStatus();
}

Status StaticTree::KeepFullBundles() {
  for (uint64_t index = 0; index < Value(target_.size) / tlog::kTileWidth; ++index) {
    SEAL_ASSIGN_OR_RETURN(const bool kept, KeepBundle(index));
    if (!kept) break;
  }
  return OkStatus();
}

// False where it is not there, cut short by a loss of power, or at odds with the tile above it.
Result<bool> StaticTree::KeepBundle(uint64_t index) {
  const auto bundle = env::ReadFile(files_, PathOf({.level = tlog::kEntriesLevel, .index = index}),
                                    kBundleBytesMax);
  if (bundle.status().code() == StatusCode::kNotFound) return false;
  if (!bundle.ok()) return bundle.status();
  const auto leaves = tlog::SplitBundle(*bundle, tlog::kTileWidth);
  if (!leaves.ok()) return false;
  Bytes hashes;
  for (const ByteView leaf : *leaves) AppendTo(hashes, tlog::LeafHash(leaf));
  const auto tile = env::ReadFile(files_, PathOf({.level = 0, .index = index}), tlog::kTileBytes);
  if (tile.ok() && *tile != hashes) return false;
  for (size_t at = 0; at < hashes.size(); at += sizeof(tlog::Hash)) {
    SEAL_ASSIGN_OR_RETURN(const tlog::Hash hash,
                          tlog::HashOf(ByteView(hashes).subspan(at, sizeof(tlog::Hash))));
    SEAL_RETURN_IF_ERROR(AddHash(hash));
  }
  return true;
}

Status StaticTree::Append(ByteView leaf) {
  if (tree_.size() >= target_.size)
    return InvalidArgument("more leaves than the {} of the checkpoint", Value(target_.size));
  SEAL_RETURN_IF_ERROR(tlog::AppendEntry(bundle_, leaf));
  const uint64_t index = next() / tlog::kTileWidth;
  SEAL_RETURN_IF_ERROR(AddHash(tlog::LeafHash(leaf)));
  if (next() % tlog::kTileWidth != 0) return OkStatus();
  SEAL_RETURN_IF_ERROR(WriteTile({.level = tlog::kEntriesLevel, .index = index}, bundle_));
  bundle_.clear();
  return OkStatus();
}

Status StaticTree::AddHash(const tlog::Hash& hash) {
  tree_.Append(hash, [this](tlog::NodeId node, const tlog::Hash& of_node) {
    if (node.level % tlog::kTileHeight == 0)
      AppendTo(tiles_[static_cast<size_t>(node.level / tlog::kTileHeight)], of_node);
  });
  for (const tlog::Checkpoint& before : found_) {
    if (before.size == tree_.size() && before.root != tree_.Root())
      return DataLoss("the first {} records are not those that {} was exported with",
                      Value(before.size), dir_);
  }
  return next() % tlog::kTileWidth == 0 ? WriteFullTiles() : OkStatus();
}

Status StaticTree::WriteFullTiles() {
  for (size_t level = 0; level < tiles_.size(); ++level) {
    Bytes& tile = tiles_[level];
    if (tile.size() < tlog::kTileBytes) continue;
    const uint64_t index = (next() >> (tlog::kTileHeight * (level + 1))) - 1;
    SEAL_RETURN_IF_ERROR(WriteTile({.level = static_cast<int>(level), .index = index}, tile));
    tile.clear();
  }
  return OkStatus();
}

Status StaticTree::WriteRightEdge() {
  for (const tlog::TileRow& row : tlog::TileRows(target_.size)) {
    if (row.partial == 0) continue;
    tlog::TileId tile{.level = row.level, .index = row.full, .width = row.partial};
    SEAL_RETURN_IF_ERROR(WriteTile(tile, tiles_[static_cast<size_t>(row.level)]));
    if (row.level != 0) continue;
    tile.level = tlog::kEntriesLevel;
    SEAL_RETURN_IF_ERROR(WriteTile(tile, bundle_));
  }
  return OkStatus();
}

Status StaticTree::Finish() {
  if (tree_.size() != target_.size) {
    return FailedPrecondition("{} of {} records came; run it again to go on", next(),
                              Value(target_.size));
  }
  if (tree_.Root() != target_.root)
    return DataLoss("the records give another root than the checkpoint of {}", Value(target_.size));
  SEAL_RETURN_IF_ERROR(WriteRightEdge());
  SEAL_RETURN_IF_ERROR(SyncDirs());
  SEAL_RETURN_IF_ERROR(files_.Rename(env::JoinPath(dir_, kNext), env::JoinPath(dir_, kCheckpoint)));
  SEAL_RETURN_IF_ERROR(files_.SyncDir(dir_));
  return RemoveOldEdges();
}

Status StaticTree::RemoveOldEdges() {
  for (const tlog::Checkpoint& before : found_) {
    for (const tlog::TileRow& row : tlog::TileRows(before.size)) {
      for (const int level : {row.level, tlog::kEntriesLevel}) {
        if (row.partial == 0 || (level == tlog::kEntriesLevel && row.level != 0)) continue;
        if (tlog::TileWidth(target_.size, row.level, row.full) == row.partial) continue;
        const std::string path = PathOf({.level = level, .index = row.full, .width = row.partial});
        const Status removed = files_.Remove(path);
        if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
        (void)files_.Remove(env::ParentPath(path));  // stays where it holds another
      }
    }
  }
  return OkStatus();
}

std::string StaticTree::PathOf(const tlog::TileId& tile) const {
  return env::JoinPath(dir_, tlog::TilePath(tile));
}

// A file that is there already with this content stays; the checkpoint makes the others count.
Status StaticTree::WriteTile(const tlog::TileId& tile, ByteView content) {
  const std::string path = PathOf(tile);
  const auto there = env::ReadFile(files_, path, kBundleBytesMax);
  if (there.ok() && std::ranges::equal(*there, content)) return OkStatus();
  SEAL_RETURN_IF_ERROR(MakeDirs(env::ParentPath(path)));
  if (there.status().code() != StatusCode::kNotFound) SEAL_RETURN_IF_ERROR(files_.Remove(path));
  SEAL_ASSIGN_OR_RETURN(const auto file, files_.Create(path));
  SEAL_RETURN_IF_ERROR(file->Append(content));
  SEAL_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

Status StaticTree::MakeDirs(const std::string& path) {
  if (std::ranges::find(unsynced_, path) != unsynced_.end()) return OkStatus();
  std::vector<std::string> missing;
  for (std::string at = path; at != dir_ && !files_.Stat(at).ok(); at = env::ParentPath(at))
    missing.push_back(at);
  for (const std::string& dir : std::vector(missing.rbegin(), missing.rend())) {
    SEAL_RETURN_IF_ERROR(files_.MakeDir(dir));
    SEAL_RETURN_IF_ERROR(files_.SyncDir(env::ParentPath(dir)));
  }
  if (unsynced_.size() == kUnsyncedDirsMax) SEAL_RETURN_IF_ERROR(SyncDirs());
  unsynced_.push_back(path);
  return OkStatus();
}

Status StaticTree::SyncDirs() {
  for (const std::string& dir : unsynced_) SEAL_RETURN_IF_ERROR(files_.SyncDir(dir));
  unsynced_.clear();
  return OkStatus();
}

}  // namespace sealtrail::cli
