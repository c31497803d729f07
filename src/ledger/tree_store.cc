#include "ledger/tree_store.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "tlog/hashes.h"

namespace sealtrail::ledger {
namespace {

using crypto::Hash;

constexpr size_t kHashBytes = sizeof(Hash);
constexpr uint64_t kHashesAtOnce = 65'536;  // 2 MiB

uint64_t CountAt(int level, TreeSize size) {
  return Value(size) >> (8 * level);
}

Result<std::vector<Hash>> ReadHashes(const env::ReadableFile& file, uint64_t first, size_t count) {
  std::vector<Hash> hashes(count);
  const std::span out(reinterpret_cast<uint8_t*>(hashes.data()), count * kHashBytes);
  SEAL_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(first * kHashBytes, out));
  if (got != out.size()) return DataLoss("the file ended after {} bytes", first * kHashBytes + got);
  return hashes;
}

}  // namespace

std::string TreeStore::PathOf(int level) const {
  return env::JoinPath(dir_, std::to_string(level));
}

Status TreeStore::LoadFile(int level, uint64_t wanted) {
  auto file = files_.OpenRead(PathOf(level));
  if (file.status().code() == StatusCode::kNotFound) return OkStatus();
  if (!file.ok()) return file.status();
  SEAL_ASSIGN_OR_RETURN(const uint64_t bytes, (*file)->Size());
  MutexLock lock(mutex_);
  Level& own = levels_[static_cast<size_t>(level)];
  own.stored = std::min(wanted, bytes / kHashBytes);
  own.file = std::move(*file);
  return OkStatus();
}

// Each hash above level 1 is the fold of 256 below it.
Result<std::vector<Hash>> TreeStore::Missing(int level, uint64_t wanted,
                                             const BlockRoots& block_roots) const {
  uint64_t have = 0;
  {
    MutexLock lock(mutex_);
    have = levels_[static_cast<size_t>(level)].stored;
  }
  if (have == wanted) return std::vector<Hash>();
  if (level == 1) return block_roots(have, wanted - have);
  std::vector<Hash> made;
  for (uint64_t i = have; i < wanted; ++i) {
    SEAL_ASSIGN_OR_RETURN(const auto below, Read(level - 1, i * 256, 256));
    tlog::CompactRange range(0);
    for (const Hash& hash : below) range.Append(hash);
    made.push_back(range.Root());
  }
  return made;
}

Status TreeStore::FillTail(int level, uint64_t wanted, const BlockRoots& block_roots) {
  auto missing = Missing(level, wanted, block_roots);
  if (!missing.ok()) return missing.status().Annotate(PathOf(level));
  MutexLock lock(mutex_);
  levels_[static_cast<size_t>(level)].tail = *std::move(missing);
  return OkStatus();
}

// The perfect subtrees that the hashes of a level fold to, from the left, are the largest ones of the tree.
Result<bool> TreeStore::IsOfTree(int level, uint64_t count, const tlog::Frontier& tree) const {
  tlog::CompactRange range(0);
  while (range.end() < count) {
    SEAL_ASSIGN_OR_RETURN(
        const auto hashes,
        Read(level, range.end(), std::min<uint64_t>(kHashesAtOnce, count - range.end())));
    for (const Hash& hash : hashes) range.Append(hash);
  }
  return std::ranges::equal(range.hashes(),
                            std::span(tree.leaves().hashes()).first(range.hashes().size()));
}

Result<std::vector<int>> TreeStore::Load(TreeSize persisted, const tlog::Frontier& sealed,
                                         const BlockRoots& block_roots) {
  std::vector<int> wrong;
  for (int level = 1; level <= kTileLevelMax; ++level) {
    const uint64_t wanted = CountAt(level, sealed.size());
    SEAL_RETURN_IF_ERROR(LoadFile(level, CountAt(level, persisted)));
    SEAL_RETURN_IF_ERROR(FillTail(level, wanted, block_roots));
    SEAL_ASSIGN_OR_RETURN(bool good, IsOfTree(level, wanted, sealed));
    if (good) continue;
    wrong.push_back(level);
    {
      MutexLock lock(mutex_);
      levels_[static_cast<size_t>(level)] = Level();
    }
    SEAL_RETURN_IF_ERROR(FillTail(level, wanted, block_roots));
    SEAL_ASSIGN_OR_RETURN(good, IsOfTree(level, wanted, sealed));
    if (!good) {
      return DataLoss(
          "{}: neither its hashes nor those in the segments give the tree that the manifests state",
          PathOf(level));
    }
  }
  return wrong;
}

void TreeStore::Grow(const std::vector<Growth::TreeNode>& nodes) {
  MutexLock lock(mutex_);
  for (const Growth::TreeNode& node : nodes) {
    if (node.id.level > 8 * kTileLevelMax) continue;
    Level& level = levels_[static_cast<size_t>(node.id.level / 8)];
    SEAL_CHECK(node.id.index == level.stored + level.tail.size());
    level.tail.push_back(node.hash);
  }
}

Status TreeStore::Persist(TreeSize sealed) {
  for (int level = 1; level <= kTileLevelMax; ++level) {
    SEAL_RETURN_IF_ERROR(PersistLevel(level, CountAt(level, sealed)).Annotate(PathOf(level)));
  }
  return OkStatus();
}

// A file is one level, which only this function changes: what it holds can be read before it is written.
Status TreeStore::PersistLevel(int level, uint64_t wanted) {
  uint64_t stored = 0;
  std::vector<Hash> more;
  {
    MutexLock lock(mutex_);
    const Level& own = levels_[static_cast<size_t>(level)];
    stored = own.stored;
    if (stored >= wanted) return OkStatus();
    SEAL_CHECK(wanted - stored <= own.tail.size());
    more.assign(own.tail.begin(), own.tail.begin() + static_cast<ptrdiff_t>(wanted - stored));
  }
  const std::string path = PathOf(level);
  const auto info = files_.Stat(path);
  if (!info.ok() && info.status().code() != StatusCode::kNotFound) return info.status();
  const bool is_new = !info.ok();
  if (!is_new && info->size != stored * kHashBytes)
    SEAL_RETURN_IF_ERROR(files_.Truncate(path, stored * kHashBytes));
  SEAL_ASSIGN_OR_RETURN(auto file, is_new ? files_.Create(path) : files_.OpenAppend(path));
  SEAL_RETURN_IF_ERROR(file->Append(
      ByteView(reinterpret_cast<const uint8_t*>(more.data()), more.size() * kHashBytes)));
  SEAL_RETURN_IF_ERROR(file->Sync());
  SEAL_RETURN_IF_ERROR(file->Close());
  if (is_new) SEAL_RETURN_IF_ERROR(files_.SyncDir(dir_));
  SEAL_ASSIGN_OR_RETURN(auto readable, files_.OpenRead(path));
  MutexLock lock(mutex_);
  Level& own = levels_[static_cast<size_t>(level)];
  own.stored = wanted;
  own.file = std::move(readable);
  own.tail.erase(own.tail.begin(), own.tail.begin() + static_cast<ptrdiff_t>(more.size()));
  return OkStatus();
}

Result<std::vector<Hash>> TreeStore::Read(int level, uint64_t first, size_t count) const {
  if (level < 1 || level > kTileLevelMax) return NotFound("tiles of level {}", level);
  std::shared_ptr<const env::ReadableFile> file;
  std::vector<Hash> from_tail;
  size_t from_file = 0;
  {
    MutexLock lock(mutex_);
    const Level& own = levels_[static_cast<size_t>(level)];
    if (first + count > own.stored + own.tail.size())
      return NotFound("hash {} of tile level {}", first + count - 1, level);
    from_file = first < own.stored ? std::min<uint64_t>(count, own.stored - first) : 0;
    const auto begin =
        own.tail.begin() +
        static_cast<ptrdiff_t>(first + from_file - std::min(own.stored, first + from_file));
    from_tail.assign(begin, begin + static_cast<ptrdiff_t>(count - from_file));
    file = own.file;
  }
  if (from_file == 0) return from_tail;
  auto hashes = ReadHashes(*file, first, from_file);
  if (!hashes.ok()) return hashes.status().Annotate(PathOf(level));
  hashes->insert(hashes->end(), from_tail.begin(), from_tail.end());
  return hashes;
}

}  // namespace sealtrail::ledger
