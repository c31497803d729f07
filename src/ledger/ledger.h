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
#include "ledger/checkpoint_signer.h"
#include "ledger/ledger_reader.h"
#include "ledger/log_writer.h"
#include "ledger/options.h"
#include "ledger/recovery.h"
#include "ledger/sealer.h"
#include "ledger/segment_table.h"
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
// Signing     Tree heads are signed on a worker of their own, one at a time, while records are written. A key that does not
//             sign is no failure: records are accepted all the same, and it is asked again every second. See Signing().
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
  // Whether the current one is a file in the folder.
  bool key_in_file() const;

  // Lets a new key take over (docs/formats/checkpoint.md, "Key epochs"), then calls `done`. Durable then. A failure of the
  // disk is final, as that of any write. Where a key does not sign, nothing has changed; or, if that comes after the record
  // that names the new key, it takes over as soon as both sign, as `done` is told. FailedPrecondition in both cases, and
  // where a key that others hold would be followed by one in a file of the folder: that needs `to_file`, which passes over
  // the configured next signer too.
  void RotateKey(const std::string& actor, std::function<void(Status)> done, bool to_file = false);

  // Why ingest is refused at this moment; OK if it is not.
  Status Accepting() const;

  // Why the last signature that was asked for was not given; OK if it was.
  Status Signing() const;

  // Signs a checkpoint over everything durable at the call, then calls `done`.
  void CheckpointNow(std::function<void(Status)> done);

  // Signs a checkpoint over everything durable at the call, and says which files are a backup of it.
  void PlanBackup(std::function<void(Result<BackupPlan>)> done);

  // Refuses new batches, writes what waits and a stop record, signs a last checkpoint, closes, then
  // calls `done`. Unavailable where all is durable, and the last checkpoint could not be signed.
  void Close(std::function<void(Status)> done);

 private:
  struct Waiting {
    record::RecordBatch batch;
    record::CommitDone done;
    size_t bytes;
  };
  // Who waits for a checkpoint that covers this many records.
  struct Awaiting {
    TreeSize size;
    std::function<void(Status)> done;
  };
  struct Counters;

  Ledger(const env::Env& env, const Options& options, ExternalKeys external, Trail trail,
         SigningRecord signing, std::unique_ptr<env::FileLock> lock, MetricSet& metrics,
         OnFailure on_failure);

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
  bool CloseIsDue() const;
  void BeginClose();
  void EndClose(const Result<SealedSegment>& result);
  void TakeSealed(const SealedSegment& sealed);
  Status WriteSealRecord(const SealedSegment& sealed);
  void ResumeAfterClose();
  bool Quiet() const { return !closing_ && !signing_; }
  void RunWaiting();
  void Retire(const format::Manifest& manifest);
  void FinishWriting(const std::function<void(Status)>& done);
  void Fail(const Status& error);
  Status WriteOwn(const record::SelfAct& act);
  record::Salt NewSalt() const;
  Status WriteAct(const record::SelfAct& act);
  void WatchClock();
  void Tick();
  void SignIfDue();
  std::optional<SigningTask> NextSigning() const;
  void StartSigning();
  void EndSigning(const Result<SignedHead>& result);
  void AnswerAwaiting(const Status& status);
  Status SignHere();
  Status TakeSigned(const Result<SignedHead>& result);
  void PublishCheckpoint(const CheckpointInfo& checkpoint);
  void NoteRefusal(const Status& refusal);
  void SignAll(std::function<void(Status)> done);
  void BeginBackup(const std::function<void(Result<BackupPlan>)>& done);
  void BeginRotation(const std::string& actor, bool to_file,
                     const std::function<void(Status)>& done);
  void EndPreparation(const std::string& actor, const Result<NextKey>& next,
                      const std::function<void(Status)>& done);
  Status NameNextKey(const std::string& actor, const SharedKey& next);
  void TellRotated(const Status& status);
  Status SettleRotation(const std::optional<RecoveredRotation>& rotation);
  void NoteKeys();
  bool CheckFloor(uint64_t about_to_write);

  const env::Env env_;
  const Options options_;
  const ExternalKeys external_;
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
  std::optional<LogWriter> log_;
  tlog::Frontier log_before_;  // the tree of all records before the log
  uint64_t log_records_ = 0;
  MonotonicNanos log_begun_at_{};
  MonotonicNanos close_not_before_{};
  std::optional<crypto::Hash> last_manifest_;  // of the segment before the log
  bool closing_ = false;  // the sealer finishes the log: nothing is written meanwhile
  bool signing_ =
      false;  // the signing worker is at work: it has `signer_`, and the keys stay what they are
  std::vector<std::function<void()>> waiting_;  // for both to be over
  CheckpointSigner signer_;
  Status refusal_;         // of the last signature
  bool rotating_ = false;  // from the next key's making until it is in charge
  std::optional<tlog::Checkpoint>
      hand_over_;  // to keys.next, named by the last record of this tree
  std::function<void(Status)> rotated_;
  int backups_begun_ = 0;  // their checkpoint is being signed: the log must stay the one that it is
  std::vector<Awaiting> awaiting_;
  MonotonicNanos last_record_at_{};
  MonotonicNanos last_signing_at_{};
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
  bool key_in_file_ SEAL_GUARDED_BY(mutex_) = true;
  Status shown_refusal_ SEAL_GUARDED_BY(mutex_);
  CheckpointInfo checkpoint_ SEAL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> growth_ SEAL_GUARDED_BY(mutex_);

  std::unique_ptr<Sealer> sealer_;
  std::unique_ptr<env::Worker> signing_worker_;
  std::unique_ptr<env::Worker> worker_;  // last: ends before what its tasks use
};

}  // namespace sealtrail::ledger
