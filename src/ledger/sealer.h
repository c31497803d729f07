// Makes the sealed form of the log while it grows, on a thread of its own, so that little is left to do when the segment
// is closed. docs/formats/segment.md §6.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "env/env.h"
#include "ledger/sealed_writer.h"
#include "ledger/segment_files.h"
#include "ledger/trail.h"

namespace sealtrail::ledger {

// Threads  Safe. The callbacks come from the sealer's workers: they must only post.
// Errors   The first one is told to `on_failure`, once, and nothing is sealed after it.
class Sealer {
 public:
  using OnFailure = std::function<void(const Status&)>;

  Sealer(const env::Env& env, const TrailPaths& paths, OnFailure on_failure);

  // A log that begins at the end of `before` and is durable up to `durable_bytes`. The one before it must be finished.
  void Begin(const tlog::Frontier& before, uint64_t durable_bytes);

  // The log is durable up to here now.
  void Grow(uint64_t durable_bytes);

  // Bytes of the log that are not sealed yet.
  uint64_t lag() const;

  // Seals the rest of the log, whose records end with the running hash `chain`, and signs its manifest. `manifest` comes
  // with all that does not follow from the segment. Then calls `done`; nothing may be appended until then. Its argument
  // is an error where the key did not sign: nothing is sealed then, and the log must be begun anew with Begin().
  void Finish(const crypto::Hash& chain, format::Manifest manifest, SharedKey signer,
              std::function<void(Result<SealedSegment>)> done);

  // Runs `task` when what was asked for before is done. A failure is told as any other.
  void Then(std::function<Status()> task);

  // Calls `done` when what was asked for with Begin and Then is done, with the first failure of all.
  void Settle(std::function<void(Status)> done);

  // Ends the workers. What was not finished is thrown away, and made again from the log at the next start.
  void End();

 private:
  struct Closing {
    crypto::Hash chain;
    format::Manifest manifest;
    SharedKey signer;
    std::function<void(Result<SealedSegment>)> done;
  };

  // In the order posted, one at a time, each on the worker that is right when its turn comes.
  void Post(env::Task task);
  void CallWorker() SEAL_REQUIRES(mutex_);
  void RunNext();

  // All below on a worker.
  void Step();
  Status TakeFrames(uint64_t durable_bytes);
  Status OpenLog(const tlog::Frontier& before);
  Status Close(Closing& closing);
  void Check(const Status& status);

  const env::Env env_;
  const TrailPaths paths_;
  const OnFailure on_failure_;

  std::unique_ptr<env::ReadableFile> log_;
  std::optional<SealedWriter> writer_;
  uint64_t synced_at_ = 0;  // taken bytes when the sealed file was synced last
  Status failed_;           // the first failure

  mutable Mutex mutex_;
  std::deque<env::Task> tasks_ SEAL_GUARDED_BY(mutex_);
  bool ended_ SEAL_GUARDED_BY(mutex_) = false;
  bool called_ SEAL_GUARDED_BY(mutex_) = false;   // a RunNext is posted or running
  uint64_t durable_ SEAL_GUARDED_BY(mutex_) = 0;  // bytes of the log
  uint64_t taken_ SEAL_GUARDED_BY(mutex_) = 0;
  bool stepping_ SEAL_GUARDED_BY(mutex_) = false;  // a Step is posted
  std::optional<Closing> closing_ SEAL_GUARDED_BY(mutex_);

  // Last: they end before what their tasks use.
  std::unique_ptr<env::Worker> patient_;  // in background
  std::unique_ptr<env::Worker> hasty_;    // where somebody waits, or soon will
};

}  // namespace sealtrail::ledger
