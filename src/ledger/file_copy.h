// Copies of files of which only a beginning may be wanted. What is copied is durable, its name is not: SyncDir.
#pragma once

#include <string>

#include "crypto/sha256.h"
#include "env/files.h"

namespace sealtrail::ledger {

// A new file `to` with the first `bytes` bytes of `from`, synced; answers what they hash to. DataLoss if there are fewer.
Result<crypto::Hash> CopyFile(const env::ReadableFile& from, uint64_t bytes, env::FileSystem& files,
                              const std::string& to);

// Whether both begin with the same `bytes` bytes.
Result<bool> SameBytes(const env::ReadableFile& a, const env::ReadableFile& b, uint64_t bytes);

// Of the first `bytes` bytes.
Result<crypto::Hash> HashFile(const env::ReadableFile& file, uint64_t bytes);

// Makes `dir`, durably, if it is absent.
Status MakeOwnFolder(env::FileSystem& files, const std::string& dir);

// Makes the folder of `dir`/`path` and those between, durably.
Status MakeParents(env::FileSystem& files, const std::string& dir, const std::string& path);

}  // namespace sealtrail::ledger
