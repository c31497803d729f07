// Where verify reads from: a folder, or whatever a caller hands it that lists and reads like one.
// Nothing here can write.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "crypto/sha256.h"
#include "env/files.h"

namespace sealtrail::verify {

struct SourceEntry {
  std::string name;
  uint64_t size = 0;
  bool is_folder = false;
};

// A file beside its place, which a backup was about to bring up to date (docs/backup.md): not part of it yet.
inline bool IsStaged(std::string_view name) {
  return name.ends_with(".incoming");
}

// Threads  Safe; of what was opened, each file is read by one thread at a time.
class Source {
 public:
  virtual ~Source() = default;

  // What stands in `folder` ("" the trail's own, else "segments"), sorted by name. NotFound if there is no such folder.
  virtual Result<std::vector<SourceEntry>> List(const std::string& folder) const = 0;

  // `path` as "checkpoint" or "segments/….seg". NotFound if there is no such file.
  virtual Result<std::unique_ptr<env::ReadableFile>> Open(const std::string& path) const = 0;
};

// A trail's folder on a file system. `files` must outlive it.
class FolderSource : public Source {
 public:
  FolderSource(env::FileSystem& files, std::string folder);

  Result<std::vector<SourceEntry>> List(const std::string& folder) const override;
  Result<std::unique_ptr<env::ReadableFile>> Open(const std::string& path) const override;

 private:
  env::FileSystem& files_;
  const std::string folder_;
};

// All of a file. ResourceExhausted if it is larger than `bytes_max`.
Result<Bytes> ReadAll(const Source& source, const std::string& path, uint64_t bytes_max);

// SHA-256 of a file, and its length, read piece by piece. ResourceExhausted beyond kSegmentFileBytesMax.
Result<crypto::Hash> HashOf(const Source& source, const std::string& path, uint64_t* bytes);

}  // namespace sealtrail::verify
