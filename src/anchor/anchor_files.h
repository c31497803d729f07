// The folder DATA/anchors: what others said about our checkpoints. docs/formats/anchors.md.
//
// A file that was written is never changed: a name is either absent or final.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anchor/evidence.h"
#include "base/ids.h"
#include "base/status.h"
#include "env/env.h"

namespace sealtrail::anchor {

// "<20-digit size>.checkpoint": cosigned by a quorum.
std::string CosignedName(TreeSize size);
// "<20-digit size>.stamped": the note whose bytes the tokens beside it stamp.
std::string StampedName(TreeSize size);
// "<20-digit size>.<n>.tsr": the answer of authority number n, from 0.
std::string TokenName(TreeSize size, size_t authority);

// The newest checkpoint that a quorum cosigned, of a tree of more than `above` and at most `at_most` records, in `dir`; that it
// is one is for the caller to check. NotFound if there is none.
Result<SizedNote> NewestCosigned(env::FileSystem& files, const std::string& dir, TreeSize above,
                                 TreeSize at_most);

// The policy in force at the last start of the server on this folder; absent if it had none.
std::string PolicyPath(const std::string& dir);

// Makes `policy` the content of that file, or removes it where there is none; durable when it returns. `dir` is there.
Status KeepPolicy(env::FileSystem& files, const std::string& dir, std::string_view policy);

// Whether `got`, of AnchorFiles::Get, says that the file could not be read: then nobody knows what is in it.
bool IsUnread(const Status& got);

// Threads  Compatible; one writer a folder.
class AnchorFiles {
 public:
  // Makes `dir` and `dir`/evidence where they are absent.
  static Result<AnchorFiles> Open(env::FileSystem& files, std::string dir);

  const std::string& dir() const { return dir_; }

  // Durable when it returns. AlreadyExists, and no change, if there is such a file with other bytes.
  Status Put(std::string_view name, ByteView content);

  // NotFound if there is none. ResourceExhausted if it is longer than any of ours.
  Result<std::string> Get(std::string_view name) const;

  // The largest size for which there is a file "<20 digits><suffix>".
  Result<std::optional<TreeSize>> Newest(std::string_view suffix) const;

  // Every note in `dir`/evidence, by its path in `dir`.
  Result<std::vector<std::pair<std::string, std::string>>> Evidence() const;

  // evidence.h, in `dir`/evidence; at most 64 files.
  void KeepEvidence(UnixNanos now, const std::vector<SizedNote>& notes);

 private:
  AnchorFiles(env::FileSystem& files, std::string dir) : files_(&files), dir_(std::move(dir)) {}

  env::FileSystem* files_;
  std::string dir_;
};

}  // namespace sealtrail::anchor
