#include "verify/tile_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sealtrail::verify {
namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kTileHashes = 256;

std::string PathOf(int level) {
  return fmt::format("tiles/{}", level);
}

}  // namespace

Result<TileFiles> TileFiles::Open(const Source& source, Findings& findings) {
  TileFiles out;
  const auto entries = source.List("tiles");
  if (entries.status().code() == StatusCode::kNotFound) return out;
  SEAL_RETURN_IF_ERROR(entries.status());
  for (const SourceEntry& entry : *entries) {
    const bool is_level = !entry.is_folder && !entry.name.empty() && entry.name[0] >= '1' &&
                          entry.name[0] <= '0' + kTileLevels;
    if ((is_level && entry.name.substr(1) == ".tmp") || IsStaged(entry.name)) {
      findings.notices.push_back({.file = "tiles/" + entry.name,
                                  .kind = "temporary_file",
                                  .text = "left where tiles were being written"});
      continue;
    }
    if (!is_level || entry.name.size() != 1) {
      findings.Found({.file = "tiles/" + entry.name,
                      .length = entry.is_folder ? 0 : entry.size,
                      .unit = "file",
                      .kind = "unknown_file",
                      .text = "no part of a trail has this name"});
      continue;
    }
    SEAL_ASSIGN_OR_RETURN(auto file, source.Open("tiles/" + entry.name));
    SEAL_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    out.levels[static_cast<size_t>(entry.name[0] - '0')] =
        File{.file = std::move(file), .size = size};
  }
  return out;
}

TileCheck::TileCheck(TileFiles files, uint64_t sealed_end, uint64_t least_end, Findings& findings)
    : files_(std::move(files)),
      sealed_end_(sealed_end),
      least_end_(least_end),
      findings_(findings) {
  for (int level = 1; level <= kTileLevels; ++level) {
    const auto& file = files_.levels[static_cast<size_t>(level)];
    if (file) levels_[static_cast<size_t>(level)].window.emplace(*file->file, file->size);
  }
}

Status TileCheck::Add(const TreeNode& block) {
  return AddTo(1, block.index, block.hash);
}

// A parent is known when all of its 256 children came.
Status TileCheck::AddTo(int level, uint64_t index, const Hash& hash) {
  if (index < CountAt(level, sealed_end_)) SEAL_RETURN_IF_ERROR(Compare(level, index, hash));
  if (level == kTileLevels) return OkStatus();
  std::vector<Hash>& waiting = levels_[static_cast<size_t>(level)].waiting;
  if (index % kTileHashes == 0) waiting.clear();
  if (waiting.size() != index % kTileHashes) return OkStatus();
  waiting.push_back(hash);
  if (waiting.size() < kTileHashes) return OkStatus();
  const Hash parent = TreeHashByRecursion(waiting);
  return AddTo(level + 1, index / kTileHashes, parent);
}

Status TileCheck::Compare(int level, uint64_t index, const Hash& hash) {
  const auto& file = files_.levels[static_cast<size_t>(level)];
  const uint64_t offset = index * kHashBytes;
  if (!file || file->size < offset + kHashBytes) return OkStatus();
  SEAL_ASSIGN_OR_RETURN(const ByteView stored,
                        levels_[static_cast<size_t>(level)].window->View(offset, kHashBytes));
  if (Equal(stored, hash)) return OkStatus();
  findings_.Found(
      {.file = PathOf(level),
       .seq = Seq{index << (8 * level)},
       .offset = offset,
       .length = kHashBytes,
       .unit = "tile hash",
       .kind = "tile_altered",
       .text = fmt::format("hash {} of level {} is not that of its records", index, level)});
  return OkStatus();
}

void TileCheck::CheckSizes() {
  for (int level = 1; level <= kTileLevels; ++level) {
    const auto& file = files_.levels[static_cast<size_t>(level)];
    const uint64_t count = CountAt(level, sealed_end_);
    const uint64_t least = CountAt(level, least_end_);
    if (!file) {
      if (least == 0) continue;
      findings_.Found({.file = PathOf(level),
                       .unit = "file",
                       .kind = "missing_file",
                       .text = fmt::format("{} hashes must be there", least)});
      continue;
    }
    const uint64_t there = file->size / kHashBytes;
    if (there < least) {
      findings_.Found({.file = PathOf(level),
                       .offset = there * kHashBytes,
                       .length = file->size - there * kHashBytes,
                       .unit = "end of file",
                       .kind = "tiles_missing",
                       .text = fmt::format("{} hashes of {} are there", there, least)});
    } else if (there < count) {
      findings_.notices.push_back(
          {.file = PathOf(level),
           .kind = "tiles_behind",
           .text = "the last sealing was not finished: a start completes this file"});
    } else if (file->size > count * kHashBytes || count == 0) {
      findings_.Found({.file = PathOf(level),
                       .offset = count * kHashBytes,
                       .length = file->size - count * kHashBytes,
                       .unit = "end of file",
                       .kind = "trailing_bytes",
                       .text = fmt::format("the sealed segments give {} hashes", count)});
    }
  }
}

}  // namespace sealtrail::verify
