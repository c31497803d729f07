#include "ledger/file_copy.h"

#include <algorithm>

#include "base/limits.h"

namespace sealtrail::ledger {
namespace {

constexpr size_t kChunkBytes = kMiB;

// Fills all of `out`.
Status ReadFully(const env::ReadableFile& file, uint64_t offset, std::span<uint8_t> out) {
  SEAL_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(offset, out));
  if (got == out.size()) return OkStatus();
  return DataLoss("it ends at byte {}, and {} are wanted", offset + got, offset + out.size());
}

// Calls `take` with one piece after the other.
template <typename Take>
Status ReadPieces(const env::ReadableFile& file, uint64_t bytes, const Take& take) {
  Bytes chunk(std::min<uint64_t>(kChunkBytes, bytes));
  for (uint64_t at = 0; at < bytes; at += chunk.size()) {
    chunk.resize(std::min<uint64_t>(chunk.size(), bytes - at));
    SEAL_RETURN_IF_ERROR(ReadFully(file, at, chunk));
    SEAL_RETURN_IF_ERROR(take(at, ByteView(chunk)));
  }
  return OkStatus();
}

}  // namespace

Result<crypto::Hash> CopyFile(const env::ReadableFile& from, uint64_t bytes, env::FileSystem& files,
                              const std::string& to) {
  SEAL_ASSIGN_OR_RETURN(const auto copy, files.Create(to));
  crypto::Sha256Stream hash;
  SEAL_RETURN_IF_ERROR(ReadPieces(from, bytes, [&](uint64_t, ByteView piece) {
    hash.Update(piece);
    return copy->Append(piece);
  }));
  SEAL_RETURN_IF_ERROR(copy->Sync());
  SEAL_RETURN_IF_ERROR(copy->Close());
  return hash.Finish();
}

Result<bool> SameBytes(const env::ReadableFile& a, const env::ReadableFile& b, uint64_t bytes) {
  bool same = true;
  Bytes other;
  SEAL_RETURN_IF_ERROR(ReadPieces(a, bytes, [&](uint64_t at, ByteView piece) {
    other.resize(piece.size());
    SEAL_RETURN_IF_ERROR(ReadFully(b, at, other));
    same = same && std::ranges::equal(piece, other);
    return OkStatus();
  }));
  return same;
}

Result<crypto::Hash> HashFile(const env::ReadableFile& file, uint64_t bytes) {
  crypto::Sha256Stream hash;
  SEAL_RETURN_IF_ERROR(ReadPieces(file, bytes, [&](uint64_t, ByteView piece) {
    hash.Update(piece);
    return OkStatus();
  }));
  return hash.Finish();
}

// An earlier call may have made it and died before the sync. A parent that may not be read was made by others, and so was
// the folder.
Status MakeOwnFolder(env::FileSystem& files, const std::string& dir) {
  const bool existed = files.Stat(dir).ok();
  SEAL_RETURN_IF_ERROR(files.MakeDir(dir));
  const Status parent = files.SyncDir(env::ParentPath(dir));
  if (existed && parent.code() == StatusCode::kFailedPrecondition) return OkStatus();
  return parent;
}

Status MakeParents(env::FileSystem& files, const std::string& dir, const std::string& path) {
  std::string parent = dir;
  for (size_t at = 0, slash; (slash = path.find('/', at)) != path.npos; at = slash + 1) {
    const std::string folder = env::JoinPath(dir, path.substr(0, slash));
    if (!files.Stat(folder).ok()) {
      SEAL_RETURN_IF_ERROR(files.MakeDir(folder));
      SEAL_RETURN_IF_ERROR(files.SyncDir(parent));
    }
    parent = folder;
  }
  return OkStatus();
}

}  // namespace sealtrail::ledger
