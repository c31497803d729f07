// The signing record: which tree may have been signed last, durable before it is. It keeps a log from ever signing two
// roots for one size, over crashes, restored copies and keys. docs/formats/checkpoint.md.
#pragma once

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

// Threads  Compatible: one owner.
class SigningRecord {
 public:
  // Reads `state` in `dir`, if it is there. DataLoss if it is damaged; FailedPrecondition if it is of another origin.
  static Result<SigningRecord> Open(env::FileSystem& files, std::string dir, std::string origin);

  // None before the first signature.
  const std::optional<SigningState>& state() const { return state_; }

  // Makes durable that this tree is about to be signed. FailedPrecondition if that must not be: a smaller one than the
  // last, or another root for its size. The same tree may be signed again.
  Status Intend(uint32_t epoch, TreeSize size, const crypto::Hash& root);

 private:
  SigningRecord(env::FileSystem& files, std::string dir, std::string origin)
      : files_(&files), dir_(std::move(dir)), origin_(std::move(origin)) {}

  env::FileSystem* files_;
  std::string dir_;
  std::string origin_;
  std::optional<SigningState> state_;
};

}  // namespace sealtrail::ledger
