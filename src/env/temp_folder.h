// A folder of this process's own, gone with its owner.
#pragma once

#include <string>

#include "base/status.h"

namespace sealtrail::env {

// Threads  Compatible.
class TempFolder {
 public:
  // Under the system's place for temporary files, mode 0700.
  static Result<TempFolder> Make();

  TempFolder(TempFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TempFolder& operator=(TempFolder&&) = delete;
  // Removes it with all that is in it. What cannot be removed stays.
  ~TempFolder();

  const std::string& path() const { return path_; }

 private:
  explicit TempFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace sealtrail::env
