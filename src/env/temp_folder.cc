#include "env/temp_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "env/system_error.h"

namespace sealtrail::env {

Result<TempFolder> TempFolder::Make() {
  std::error_code error;
  const std::filesystem::path base = std::filesystem::temp_directory_path(error);
  std::string pattern = (error ? std::filesystem::path("/tmp") : base) / "sealtrail-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return SystemError(errno, "mkdtemp", pattern);
  return TempFolder(std::move(pattern));
}

TempFolder::~TempFolder() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace sealtrail::env
