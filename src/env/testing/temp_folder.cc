#include "env/testing/temp_folder.h"

#include <filesystem>
#include <stdlib.h>

#include "base/check.h"

namespace sealtrail::env::testing {

TempFolder::TempFolder() : path_(std::filesystem::temp_directory_path() / "sealtrail_XXXXXX") {
  SEAL_CHECK(::mkdtemp(path_.data()) != nullptr);
}

TempFolder::~TempFolder() {
  std::error_code left_behind;  // nothing depends on it
  std::filesystem::remove_all(path_, left_behind);
}

}  // namespace sealtrail::env::testing
