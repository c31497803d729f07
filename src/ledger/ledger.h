// The ledger: one writer that appends batches to segments, syncs them, and answers; and what
// readers see of it. design §2 and §4; files: docs/formats/segment.md and checkpoint.md.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "env/env.h"
#include "ledger/backup_plan.h"
#include "ledger/ledger_reader.h"
#include "ledger/log_writer.h"
#include "ledger/options.h"
#include "ledger/recovery.h"
#include "ledger/sealer.h"
#include "ledger/segment_table.h"
#include "ledger/signing_record.h"
#include "ledger/trail.h"
#include "ledger/tree_store.h"
#include "record/record_sink.h"
#include "record/self_record.h"

namespace sealtrail::ledger {

// Opens a folder, recovers, and accepts batches until it is closed or its disk fails.
//
// Durability  As RecordSink says: group commit. Waiting batches are written together, synced once,
// then answered. Errors      After a failed write or sync the ledger accepts nothing more
// (Unavailable), calls `on_failure` once,
//             and waits to be destroyed: the process must end and recover at its next start.
// Threads     Submit and the reader's functions are safe. Everything else happens on a worker of
// its own.
//             Destroy it only after Close() was done, or after a failure.
class Ledger : public record::RecordSink, public LedgerReader {
 public:
  // Called once from the writer, after which every batch is refused.
  using OnFailure = std::function<void(const Status&)>;

  // Locks the folder (made if absent), recovers, writes the start record, signs a checkpoint.
  // Errors as OpenTrail and Recover; Unavailable if another process holds the folder.
  static Result<std::unique_ptr<Ledger>> Open(const env::Env& env, const Options& options,
                                              MetricSet& metrics, OnFailure on_failure);
  ~Ledger() override;

  // RecordSink.
  void Submit(record::RecordBatch batch, record::CommitDone done) override;

  // LedgerReader.
  Heights heights() const override;
  Result<RecordRange> Read(Seq from, size_t records_max, size_t bytes_max) const override;
  Result<Bytes> ReadBeside(Seq seq, const crypto::Hash& hash) const override;
  Result<std::vector<crypto::Hash>> TileHashes(int level, uint64_t first,
                                               size_t count) const override;
  CheckpointInfo checkpoint() const override;
  CheckpointInfo TreeHead() const override;
  std::vector<SegmentInfo> segments() const override;
  void OnGrowth(std::function<void()> wake) override;

  const std::string& origin() const { return origin_; }

  // The verifier keys of the trail, by epoch; the current one.
  std::vector<std::string> vkeys() const;
  std::string vkey() const;

  // Lets a new key take over (docs/formats/checkpoint.md, "Key epochs"), then calls `done`. Durable then. A failure is
  // final, as that of any write.
  void RotateKey(const std::string& actor, std::function<void(Status)> done);

  // Why ingest is refused at this moment; OK if it is not.
  Status Accepting() const;

  // Signs a checkpoint over everything durable at the call, then calls `done`.
  void CheckpointNow(std::function<void(Status)> done);

  // Signs a checkpoint over everything durable at the call, and says which files are a backup of it.
  void PlanBackup(std::function<void(Result<BackupPlan>)> done);

  // Refuses new batches, writes what waits and a stop record, signs a last checkpoint, closes, then
  // calls `done`.
  void Close(std::function<void(Status)> done);

 private:
  struct Waiting {
    record::RecordBatch batch;
    record::CommitDone done;
    size_t bytes;
  };
  struct Counters;

  Ledger(const env::Env& env, const Options& options, Trail trail, SigningRecord signing,
         std::unique_ptr<env::FileLock> lock, MetricSet& metrics, OnFailure on_failure);

  Status Admit(record::RecordClass record_class, size_t bytes) const SEAL_REQUIRES(mutex_);
  Status Enqueue(Waiting waiting);

  Status Recover();
  Status StartWriting(const Recovered& recovered);
  void StartWorkers();
  Status ContinueLog(const RecoveredLog& log, const tlog::Frontier& before);
  Status MakeSure(const format::Manifest& manifest);
  Status RecordCut(const CutTail& cut);

  // Everything below runs on the worker (or before it starts).
  void Drain();
  std::deque<Waiting> TakeGroup();
  void RefuseBelowFloor(std::deque<Waiting>& group);
  void CommitGroup(std::deque<Waiting> group);
  Status Write(const std::vector<const record::RecordBatch*>& batches);
  void Publish(const Growth& growth);
  void WakeReaders();
  Status BeginLog();
  Status WriteSealRecord(const SealedSegment& sealed);
  bool CloseIsDue() const;
  void BeginClose();
  void EndClose(const SealedSegment& sealed);
  void ResumeAfterClose();
  void Retire(const format::Manifest& manifest);
  void FinishWriting(const std::function<void(Status)>& done);
  void Fail(const Status& error);
  Status WriteOwn(const record::SelfAct& act);
  Status WriteAct(const record::SelfAct& act);
  void WatchClock();
  void Tick();
  void SignIfDue();
  Status SignCheckpoint();
  Status PublishCheckpoint(const tlog::Checkpoint& head, const std::string& note);
  Status Rotate(const std::string& actor);
  Status HandOverAt(const tlog::Checkpoint& head);
  Status SettleRotation(const std::optional<RecoveredRotation>& rotation);
  void NoteKeys();
  bool CheckFloor(uint64_t about_to_write);

  const env::Env env_;
  const Options options_;
  const TrailPaths paths_;
  const std::string origin_;
  Trail trail_;  // its keys: the worker's
  const std::unique_ptr<env::FileLock> lock_;
  const OnFailure on_failure_;
  const std::unique_ptr<Counters> counters_;
  SegmentTable table_;
  TreeStore tree_;

  // Owned by the worker.
  Sequencer sequencer_;
  SigningRecord signing_;
  std::optional<LogWriter> log_;
  tlog::Frontier log_before_;  // the tree of all records before the log
  uint64_t log_records_ = 0;
  MonotonicNanos log_begun_at_{};
  std::optional<crypto::Hash> last_manifest_;  // of the segment before the log
  bool closing_ = false;               // the sealer finishes the log: nothing is written meanwhile
  std::function<void()> after_close_;  // what waits for that
  MonotonicNanos last_record_at_{};
  MonotonicNanos last_checkpoint_at_{};
  MonotonicNanos clock_checked_mono_{};
  UnixNanos clock_checked_wall_{};
  Status failed_;

  mutable Mutex mutex_;
  std::deque<Waiting> queue_ SEAL_GUARDED_BY(mutex_);
  size_t queue_bytes_ SEAL_GUARDED_BY(mutex_) = 0;
  bool draining_ SEAL_GUARDED_BY(mutex_) = false;  // a Drain task is posted or running
  Status refusing_ SEAL_GUARDED_BY(mutex_);        // set: every batch is refused, for good
  Status floor_ SEAL_GUARDED_BY(mutex_);           // set: ingest is refused until there is room
  Sequencer durable_ SEAL_GUARDED_BY(mutex_);
  TreeSize sealed_ SEAL_GUARDED_BY(mutex_){0};
  std::vector<std::string> vkeys_ SEAL_GUARDED_BY(mutex_);
  CheckpointInfo checkpoint_ SEAL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> growth_ SEAL_GUARDED_BY(mutex_);

  std::unique_ptr<Sealer> sealer_;
  std::unique_ptr<env::Worker> worker_;  // last: ends before what its tasks use
};

}  // namespace sealtrail::ledger
