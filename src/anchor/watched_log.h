// One log that our witness watches: what was cosigned last, and whether the next may be.
//
// All that is remembered of a log is its newest cosigned checkpoint, one file: it holds size and
// root, and our own signature over them says that the file is whole.
//
// Durability  A cosignature leaves only after the checkpoint it is for would survive a loss of power:
//             temporary file, sync, rename, sync of the folder. So no crash makes the witness sign
//             two roots for one size, or a smaller tree after a larger one.
// Errors      Sticky. After a failed write what is on the disk is unknown, so every later Add()
//             returns that first error; the witness stops, and reads its state when started again.
// Threads     Add() has one caller at a time, its owner; checkpoint() is for anybody. Two requests at
//             once are thus one after the other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "anchor/options.h"
#include "anchor/submission_rules.h"
#include "base/mutex.h"
#include "env/env.h"
#include "tlog/checkpoint.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor {

struct WitnessReply {
  tlog::AddCheckpointAnswer answer;
  int64_t retry_after_ns = 0;  // where it is kPushBack
};

class WatchedLog {
 public:
  // `dir` is the witness's folder, with `logs` and `evidence` in it. What is borrowed must outlive
  // the log. InvalidArgument: the keys are none, are not of one name, or one of them is the
  // cosigner's. DataLoss: the file contradicts itself.
  static Result<std::unique_ptr<WatchedLog>> Open(const env::Env& env, std::string dir,
                                                  const WitnessedLog& options,
                                                  const tlog::Cosigner& cosigner);

  const std::string& origin() const { return origin_; }

  // Hexadecimal SHA-256 of the origin: the name in URLs and of the file.
  static std::string HexOf(std::string_view origin);

  // `request` is for this origin. An error is of the disk.
  Result<WitnessReply> Add(const tlog::AddCheckpointRequest& request);

  // The newest cosigned one; empty if there never was one.
  std::string checkpoint() const;

 private:
  WatchedLog(const env::Env& env, std::string dir, std::string origin,
             std::vector<tlog::Verifier> keys, int per_minute, const tlog::Cosigner& cosigner);

  Status Load();
  Result<WitnessReply> Judge(const tlog::AddCheckpointRequest& request,
                             const tlog::OpenedNote& note, const tlog::Checkpoint& offered);
  int64_t Take(const TreeHead& head);
  Result<WitnessReply> Cosign(const tlog::OpenedNote& note, const tlog::Checkpoint& offered);
  Status Store(std::string note);

  const env::Env env_;
  const std::string dir_;
  const std::string origin_;
  const std::vector<tlog::Verifier> keys_;
  const tlog::Cosigner& cosigner_;

  TreeHead held_;
  RateLimit growth_limit_;  // of cosignatures of larger trees
  RateLimit again_limit_;   // of the one that is held
  Status failed_;           // OK until the first failed write

  mutable Mutex mutex_;
  std::string checkpoint_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail::anchor
