#include "env/files.h"

namespace sealtrail::env {

std::string JoinPath(std::string_view dir, std::string_view name) {
  return fmt::format("{}{}{}", dir, dir.ends_with('/') ? "" : "/", name);
}

namespace {

// Of what is not there: that of its folder, and its name.
Result<std::string> PlaceOf(FileSystem& files, const std::string& path) {
  auto real = files.RealPath(path);
  if (real.status().code() != StatusCode::kNotFound) return real;
  const std::string parent = ParentPath(path);
  if (parent == path) return real;
  SEAL_ASSIGN_OR_RETURN(const std::string folder, PlaceOf(files, parent));
  const std::string_view trimmed = std::string_view(path).substr(0, path.find_last_not_of('/') + 1);
  return JoinPath(folder, trimmed.substr(trimmed.rfind('/') + 1));
}

bool Holds(const std::string& folder, const std::string& path) {
  return path == folder || folder == "/" || path.starts_with(folder + "/");
}

}  // namespace

Result<bool> LiesIn(FileSystem& files, const std::string& path, const std::string& folder) {
  SEAL_ASSIGN_OR_RETURN(const std::string inner, PlaceOf(files, path));
  SEAL_ASSIGN_OR_RETURN(const std::string outer, PlaceOf(files, folder));
  return Holds(outer, inner);
}

Result<bool> Overlap(FileSystem& files, const std::string& a, const std::string& b) {
  SEAL_ASSIGN_OR_RETURN(const bool inside, LiesIn(files, a, b));
  if (inside) return true;
  return LiesIn(files, b, a);
}

std::string ParentPath(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

Result<Bytes> ReadFile(FileSystem& files, const std::string& path, uint64_t bytes_max) {
  SEAL_ASSIGN_OR_RETURN(auto file, files.OpenRead(path));
  SEAL_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > bytes_max) {
    return ResourceExhausted("{}: {} bytes, at most {} expected", path, size, bytes_max);
  }
  Bytes content(size);
  SEAL_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(0, content));
  content.resize(got);
  return content;
}

Result<std::string> ReadText(FileSystem& files, const std::string& path, uint64_t bytes_max) {
  SEAL_ASSIGN_OR_RETURN(const Bytes content, ReadFile(files, path, bytes_max));
  return std::string(AsText(content));
}

Result<bool> Exists(FileSystem& files, const std::string& path) {
  const Status status = files.Stat(path).status();
  if (status.code() == StatusCode::kNotFound) return false;
  SEAL_RETURN_IF_ERROR(status);
  return true;
}

Status ReplaceFile(FileSystem& files, const std::string& dir, std::string_view name,
                   ByteView content) {
  const std::string path = JoinPath(dir, name);
  const std::string temporary = path + ".tmp";
  if (files.Stat(temporary).ok()) SEAL_RETURN_IF_ERROR(files.Remove(temporary));
  SEAL_ASSIGN_OR_RETURN(auto file, files.Create(temporary));
  SEAL_RETURN_IF_ERROR(file->Append(content));
  SEAL_RETURN_IF_ERROR(file->Sync());
  SEAL_RETURN_IF_ERROR(file->Close());
  SEAL_RETURN_IF_ERROR(files.Rename(temporary, path));
  return files.SyncDir(dir);
}

}  // namespace sealtrail::env
