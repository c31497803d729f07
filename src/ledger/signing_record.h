// The signing record: which tree may have been signed last, durable before it is. It keeps a log from ever signing two
// roots for one size, over crashes, restored copies and keys. docs/formats/checkpoint.md.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/ids.h"
#include "crypto/sha256.h"
#include "env/files.h"

namespace sealtrail::ledger {

struct SigningState {
  std::string origin;
  uint32_t epoch = 0;  // of the key that signs
  TreeSize size{0};
  crypto::Hash root{};
};

std::string SigningStateText(const SigningState& state);

// DataLoss unless `text` is exactly what SigningStateText writes; Unimplemented for a later version.
Result<SigningState> ParseSigningState(std::string_view text);

// `named`, the folder that somebody wants the signing record of the trail in `data_dir` to lie in: made if absent, and its
// path from the root. FailedPrecondition if it lies in the data folder, where it would be lost and restored with the trail;
// only the trail's own folder for it may be named, and is answered as `data_dir`/signing.
Result<std::string> SigningFolder(env::FileSystem& files, const std::string& data_dir,
                                  const std::string& named);

// Keeps every other process from signing by the record in `dir`: also one on a copy of the trail, whose own lock does not
// reach here. Unavailable if another one does already.
Result<std::unique_ptr<env::FileLock>> LockSigningFolder(env::FileSystem& files,
                                                         const std::string& dir);

// What `dir`/state says; none if it is not there. DataLoss if it is damaged; FailedPrecondition if it is of another origin.
Result<std::optional<SigningState>> ReadSigningState(env::FileSystem& files, const std::string& dir,
                                                     std::string_view origin);

// Threads  Compatible: one owner.
class SigningRecord {
 public:
  // Locks the folder for as long as the record lives, wherever it lies, and reads it. Errors of both.
  static Result<SigningRecord> Open(env::FileSystem& files, std::string dir, std::string origin);

  // The same, where the caller holds the lock.
  static Result<SigningRecord> OpenLocked(env::FileSystem& files, std::string dir,
                                          std::string origin);

  // None before the first signature.
  const std::optional<SigningState>& state() const { return state_; }

  // Makes durable that this tree is about to be signed. FailedPrecondition if that must not be: a smaller one than the
  // last, another root for its size, or the file is not what this record wrote or read. The same tree may be signed again.
  Status Intend(uint32_t epoch, TreeSize size, const crypto::Hash& root);

 private:
  Status CheckUnchanged() const;

  SigningRecord(env::FileSystem& files, std::string dir, std::string origin)
      : files_(&files), dir_(std::move(dir)), origin_(std::move(origin)) {}

  env::FileSystem* files_;
  std::string dir_;
  std::string origin_;
  std::optional<SigningState> state_;
  std::unique_ptr<env::FileLock> lock_;  // null where the caller holds it
};

}  // namespace sealtrail::ledger
