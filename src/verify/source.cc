#include "verify/source.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "verify/file_window.h"
#include "verify/segment_layout.h"

namespace sealtrail::verify {

FolderSource::FolderSource(env::FileSystem& files, std::string folder)
    : files_(files), folder_(std::move(folder)) {}

Result<std::vector<SourceEntry>> FolderSource::List(const std::string& folder) const {
  const std::string path = folder.empty() ? folder_ : env::JoinPath(folder_, folder);
  SEAL_ASSIGN_OR_RETURN(const auto names, files_.List(path));
  std::vector<SourceEntry> out;
  for (const std::string& name : names) {
    const auto info = files_.Stat(env::JoinPath(path, name));
    // On a running store a temporary file may be gone again.
    if (info.status().code() == StatusCode::kNotFound) continue;
    if (!info.ok()) return info.status();
    out.push_back({.name = name, .size = info->size, .is_folder = info->is_directory});
  }
  return out;
}

Result<std::unique_ptr<env::ReadableFile>> FolderSource::Open(const std::string& path) const {
  return files_.OpenRead(env::JoinPath(folder_, path));
}

Result<Bytes> ReadAll(const Source& source, const std::string& path, uint64_t bytes_max) {
  SEAL_ASSIGN_OR_RETURN(const auto file, source.Open(path));
  SEAL_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > bytes_max) {
    return ResourceExhausted("{}: {} bytes, at most {} expected", path, size, bytes_max);
  }
  Bytes content(size);
  SEAL_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(0, content));
  content.resize(got);
  return content;
}

Result<crypto::Hash> HashOf(const Source& source, const std::string& path, uint64_t* bytes) {
  SEAL_ASSIGN_OR_RETURN(const auto file, source.Open(path));
  SEAL_ASSIGN_OR_RETURN(*bytes, file->Size());
  if (*bytes > kSegmentFileBytesMax) {
    return ResourceExhausted("{}: {} bytes, at most {} expected", path, *bytes,
                             kSegmentFileBytesMax);
  }
  FileWindow window(*file, *bytes);
  crypto::Sha256Stream hash;
  for (uint64_t at = 0; at < *bytes;) {
    const auto length = static_cast<size_t>(std::min<uint64_t>(kMiB, *bytes - at));
    SEAL_ASSIGN_OR_RETURN(const ByteView view, window.View(at, length));
    hash.Update(view);
    at += length;
  }
  return hash.Finish();
}

}  // namespace sealtrail::verify
