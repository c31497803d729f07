#include "ledger/ledger.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "ledger/file_copy.h"
#include "ledger/record_reader.h"
#include "ledger/tile_hashes.h"

namespace sealtrail::ledger {
namespace {

constexpr int64_t kClockStepNanos = kNanosPerSecond;  // a larger one is a record
constexpr int64_t kTickNanos = kNanosPerSecond;
// A segment is closed when the sealer has only this much of its log left to do, so that ingest hardly waits; unless the
// log has grown to twice its size meanwhile.
constexpr uint64_t kCloseLagBytes = 2 * kMiB;
// After a manifest that was not signed: what was sealed is thrown away, so this is not tried as often as a checkpoint.
constexpr int64_t kSealAgainNanos = 60 * kNanosPerSecond;
constexpr std::string_view kElsewhere = "elsewhere";  // in signing/
constexpr size_t kPathBytesMax = 4 * kKiB;

std::string DiskText(uint64_t free, uint64_t floor) {
  return fmt::format("{} MiB free, the floor min_free_bytes is {} MiB", free / kMiB, floor / kMiB);
}

Status CheckNotes(const record::RecordBatch& batch) {
  for (const Bytes& note : batch.notes) {
    if (note.size() > kNoteBytesMax) {
      return InvalidArgument("a commit note of {} bytes, at most {} allowed", note.size(),
                             kNoteBytesMax);
    }
  }
  return OkStatus();
}

// Where the folder says that the signing record lies, for commands that are not told.
Result<std::string> SigningDir(const env::Env& env, const TrailPaths& paths) {
  const auto text =
      env::ReadFile(env.files, env::JoinPath(paths.signing, kElsewhere), kPathBytesMax);
  if (text.status().code() == StatusCode::kNotFound) return paths.signing;
  if (!text.ok()) return text.status();
  const std::string_view path = AsText(*text);
  return std::string(path.substr(0, path.find('\n')));
}

Status KeepSigningDir(const env::Env& env, const TrailPaths& paths, const std::string& dir) {
  if (dir != paths.signing)
    return env::ReplaceFile(env.files, paths.signing, kElsewhere, AsBytes(dir + "\n"));
  const Status removed = env.files.Remove(env::JoinPath(paths.signing, kElsewhere));
  if (removed.code() == StatusCode::kNotFound) return OkStatus();
  SEAL_RETURN_IF_ERROR(removed);
  return env.files.SyncDir(paths.signing);
}

// A trail that has signed anything has a signing record: without it, nothing keeps it from signing another history.
Result<SigningRecord> OpenSigningRecord(const env::Env& env, const TrailPaths& paths,
                                        const Options& options, const Trail& trail) {
  const bool named = !options.signing_state_dir.empty();
  SEAL_ASSIGN_OR_RETURN(const std::string dir,
                        named ? SigningFolder(env.files, paths.data_dir, options.signing_state_dir)
                              : SigningDir(env, paths));
  SEAL_ASSIGN_OR_RETURN(SigningRecord record,
                        SigningRecord::Open(env.files, dir, trail.keys.log_origin()));
  if (!record.state() && !trail.unfinished) {
    return FailedPrecondition(
        "{}/state is missing: without the signing record another history could be signed; put it "
        "there from where it was (by default the folder signing/ of the trail)",
        dir);
  }
  if (named) SEAL_RETURN_IF_ERROR(KeepSigningDir(env, paths, dir));
  return record;
}

// A key that others can read signs for them too.
void WarnOfOpenKeys(const env::Env& env, const TrailPaths& paths) {
  for (const std::string_view name : {"log.key", "next.key"}) {
    const std::string path = env::JoinPath(paths.keys, name);
    const auto info = env.files.Stat(path);
    if (!info.ok() || !info->open_to_others) continue;
    LogLine(
        LogLevel::kWarning, env.clock.Now(), "key_file_open",
        "others than its owner may read or change the key: chmod 600, and rotate it if they may "
        "have",
        {{"file", path}});
  }
}

Result<SharedKey> ExternalKeyOf(const std::optional<ExternalSigner>& signer,
                                std::string_view name) {
  if (!signer) return SharedKey();
  auto key = SigningKey::External(*signer);
  if (!key.ok()) return key.status().Annotate(name);
  return std::make_shared<const SigningKey>(*std::move(key));
}

Result<ExternalKeys> ExternalKeysOf(const Options& options) {
  ExternalKeys keys;
  SEAL_ASSIGN_OR_RETURN(keys.signer, ExternalKeyOf(options.signer, "signer"));
  SEAL_ASSIGN_OR_RETURN(keys.next_signer, ExternalKeyOf(options.next_signer, "next_signer"));
  return keys;
}

}  // namespace

struct Ledger::Counters {
  explicit Counters(MetricSet& metrics)
      : records(metrics.GetCounter("sealtrail_ledger_records_total", "Records made durable")),
        leaf_bytes(
            metrics.GetCounter("sealtrail_ledger_leaf_bytes_total", "Bytes of their leaves")),
        syncs(metrics.GetCounter("sealtrail_ledger_syncs_total", "Syncs of segment files")),
        sync_nanos(metrics.GetCounter("sealtrail_ledger_sync_nanoseconds_total",
                                      "Time spent in these syncs")),
        write_nanos(metrics.GetCounter("sealtrail_ledger_write_nanoseconds_total",
                                       "Time spent in sequencing and writing")),
        checkpoints(metrics.GetCounter("sealtrail_ledger_checkpoints_total", "Checkpoints signed")),
        signer_failures(metrics.GetCounter("sealtrail_signer_failures_total",
                                           "Signatures that the key's holder did not give")),
        segments_sealed(
            metrics.GetCounter("sealtrail_ledger_segments_sealed_total", "Segments sealed")),
        refused_batches(metrics.GetCounter("sealtrail_ledger_refused_batches_total",
                                           "Batches refused, try again")),
        clock_steps(metrics.GetCounter("sealtrail_clock_steps_total",
                                       "Steps of the wall clock over one second")),
        queue_batches(
            metrics.GetGauge("sealtrail_ledger_queue_batches", "Batches waiting for the writer")),
        queue_bytes(
            metrics.GetGauge("sealtrail_ledger_queue_bytes", "Bytes waiting for the writer")),
        durable(
            metrics.GetGauge("sealtrail_height_durable", "Records that survive a loss of power")),
        checkpointed(
            metrics.GetGauge("sealtrail_height_checkpointed", "Records under a signed tree head")),
        sealed(metrics.GetGauge("sealtrail_height_sealed", "Records in sealed segments")),
        free_bytes(metrics.GetGauge("sealtrail_disk_free_bytes", "Free bytes on the data disk")) {}

  Counter& records;
  Counter& leaf_bytes;
  Counter& syncs;
  Counter& sync_nanos;
  Counter& write_nanos;
  Counter& checkpoints;
  Counter& signer_failures;
  Counter& segments_sealed;
  Counter& refused_batches;
  Counter& clock_steps;
  Gauge& queue_batches;
  Gauge& queue_bytes;
  Gauge& durable;
  Gauge& checkpointed;
  Gauge& sealed;
  Gauge& free_bytes;
};

Ledger::Ledger(const env::Env& env, const Options& options, ExternalKeys external, Trail trail,
               SigningRecord signing, std::unique_ptr<env::FileLock> lock, MetricSet& metrics,
               OnFailure on_failure)
    : env_(env),
      options_(options),
      external_(std::move(external)),
      paths_(options.data_dir),
      origin_(trail.origin()),
      trail_(std::move(trail)),
      lock_(std::move(lock)),
      on_failure_(std::move(on_failure)),
      counters_(std::make_unique<Counters>(metrics)),
      table_(env.files, paths_.segments),
      tree_(env.files, paths_.tiles),
      sequencer_(origin_),
      signer_(env, paths_, std::move(signing)),
      durable_(origin_) {}

// What sealer and signer call back posts to the writer: one that has ended drops it.
Ledger::~Ledger() {
  if (worker_) worker_->End();
  if (signing_worker_) signing_worker_->End();
  if (sealer_) sealer_->End();
}

Result<std::unique_ptr<Ledger>> Ledger::Open(const env::Env& env, const Options& options,
                                             MetricSet& metrics, OnFailure on_failure) {
  const TrailPaths paths(options.data_dir);
  SEAL_RETURN_IF_ERROR(MakeOwnFolder(env.files, options.data_dir));
  SEAL_ASSIGN_OR_RETURN(auto lock, env.files.Lock(paths.lock));
  SEAL_ASSIGN_OR_RETURN(ExternalKeys external, ExternalKeysOf(options));
  SEAL_ASSIGN_OR_RETURN(Trail trail, OpenTrail(env, paths, options.origin, external));
  WarnOfOpenKeys(env, paths);
  SEAL_ASSIGN_OR_RETURN(SigningRecord signing, OpenSigningRecord(env, paths, options, trail));
  std::unique_ptr<Ledger> ledger(new Ledger(env, options, std::move(external), std::move(trail),
                                            std::move(signing), std::move(lock), metrics,
                                            std::move(on_failure)));
  SEAL_RETURN_IF_ERROR(ledger->Recover());
  ledger->StartWorkers();
  ledger->worker_->PostAfter(kTickNanos, [raw = ledger.get()] { raw->Tick(); });
  return ledger;
}

Status Ledger::Recover() {
  SEAL_ASSIGN_OR_RETURN(CheckpointInfo checkpoint, ReadCheckpoint(env_, paths_, trail_.keys));
  if (!trail_.unfinished && checkpoint.note.empty()) return MissingCheckpoint(paths_);
  std::vector<Claim> claims;
  if (!checkpoint.note.empty()) {
    claims.push_back({.name = paths_.checkpoint, .size = checkpoint.size, .root = checkpoint.root});
  }
  if (const std::optional<SigningState>& state = signer_.state()) {
    claims.push_back({.name = "the signing record", .size = state->size, .root = state->root});
  }
  SEAL_ASSIGN_OR_RETURN(const Recovered recovered,
                        ledger::Recover(env_, paths_, trail_.keys, claims, BadEnd::kCut,
                                        trail_.unfinished, table_, tree_));
  {
    MutexLock lock(mutex_);
    checkpoint_ = std::move(checkpoint);
    sealed_ = recovered.sealed.size();
    durable_ = recovered.sequencer;
  }
  sequencer_ = recovered.sequencer;
  if (options_.start_check)
    SEAL_RETURN_IF_ERROR(options_.start_check(trail_.keys.log_origin(), *this));
  return StartWriting(recovered);
}

// What recovery read may so far lie in the page cache alone, even with a failed sync behind it: all
// that no later frame proves to be durable is written once more before it is shown.
Status Ledger::StartWriting(const Recovered& recovered) {
  for (const std::string& name : recovered.obsolete) {
    SEAL_RETURN_IF_ERROR(env_.files.Remove(env::JoinPath(paths_.segments, name)));
  }
  last_record_at_ = last_signing_at_ = clock_checked_mono_ = env_.clock.Monotonic();
  clock_checked_wall_ = env_.clock.Now();
  if (recovered.log) SEAL_RETURN_IF_ERROR(ContinueLog(*recovered.log, recovered.sealed.tree));
  if (!recovered.sealed.segments.empty()) {
    last_manifest_ = recovered.sealed.segments.back().manifest_hash;
    if (recovered.old_log)
      SEAL_RETURN_IF_ERROR(MakeSure(recovered.sealed.segments.back().manifest));
  }
  SEAL_RETURN_IF_ERROR(SettleRotation(recovered.rotation));
  if (recovered.seal_record_missing)
    SEAL_RETURN_IF_ERROR(WriteSealRecord(recovered.sealed.segments.back()));
  SEAL_RETURN_IF_ERROR(tree_.Persist(recovered.sealed.size()));
  if (recovered.old_log) {
    SEAL_RETURN_IF_ERROR(env_.files.Remove(env::JoinPath(paths_.segments, *recovered.old_log)));
    SEAL_RETURN_IF_ERROR(env_.files.SyncDir(paths_.segments));
  }
  counters_->sealed.Set(static_cast<double>(Value(recovered.sealed.size())));
  if (recovered.cut) SEAL_RETURN_IF_ERROR(RecordCut(*recovered.cut));
  SEAL_RETURN_IF_ERROR(
      WriteOwn({.action = "sealtrail.store.start", .actor = "sealtrail", .target = origin_}));
  CheckFloor(0);
  const Status status = SignHere();
  if (trail_.unfinished) return status.ok() ? FinishTrail(env_, paths_, trail_.keys) : status;
  return refusal_.ok() ? status : OkStatus();
}

// Until here everything happened on the caller's thread.
void Ledger::StartWorkers() {
  worker_ = env_.executor.StartWorker("ledger");
  signing_worker_ = env_.executor.StartWorker("signer");
  sealer_ = std::make_unique<Sealer>(env_, paths_, [this](const Status& status) {
    worker_->Post([this, status] { Fail(status); });
  });
  sealer_->Begin(log_before_, log_->size());
}

// The process that sealed this segment did not get as far as removing its log; its last syncs may have failed.
Status Ledger::MakeSure(const format::Manifest& manifest) {
  for (const format::FileKind kind : {format::FileKind::kSealed, format::FileKind::kManifest}) {
    const std::string name = format::SegmentFileName(manifest.first, kind);
    SEAL_RETURN_IF_ERROR(env_.files.Rewrite(env::JoinPath(paths_.segments, name), 0));
  }
  return env_.files.SyncDir(paths_.segments);
}

Status Ledger::ContinueLog(const RecoveredLog& log, const tlog::Frontier& before) {
  const std::string path =
      env::JoinPath(paths_.segments, format::SegmentFileName(log.first, format::FileKind::kLog));
  SEAL_RETURN_IF_ERROR(env_.files.Rewrite(path, log.proven));
  SEAL_RETURN_IF_ERROR(env_.files.SyncDir(paths_.segments));
  SEAL_ASSIGN_OR_RETURN(
      log_, LogWriter::Continue(env_.files, paths_.segments, log.first, log.bundle_bytes));
  log_records_ = log.records;
  // The wall clock may have stepped since the log was begun: it is only asked for how long to wait at most.
  const int64_t age = std::clamp<int64_t>(Value(env_.clock.Now()) - Value(log.created), 0,
                                          options_.segment_age_max_ns);
  log_begun_at_ = env_.clock.Monotonic() + -age;
  log_before_ = before;
  return OkStatus();
}

Status Ledger::RecordCut(const CutTail& cut) {
  LogLine(LogLevel::kWarning, env_.clock.Now(), "tail_cut",
          fmt::format("{} bytes were cut from {} at {} and kept in aside/{}: no checkpoint covers "
                      "them, and nothing shows that they were durable. A crash in the middle of a "
                      "write leaves such an end; "
                      "where there was none, somebody has cut the log, and records that were "
                      "acknowledged may be gone",
                      cut.bytes, cut.segment, cut.offset, cut.aside));
  return WriteOwn({.action = "sealtrail.recovery.cut",
                   .actor = "sealtrail",
                   .target = cut.segment,
                   .details = {{"sealtrail.cut.offset", std::to_string(cut.offset)},
                               {"sealtrail.cut.bytes", std::to_string(cut.bytes)},
                               {"sealtrail.cut.sha256", HexEncode(cut.sha256)},
                               {"sealtrail.cut.aside", cut.aside}}});
}

Status Ledger::Accepting() const {
  MutexLock lock(mutex_);
  return refusing_.ok() ? floor_ : refusing_;
}

void Ledger::Submit(record::RecordBatch batch, record::CommitDone done) {
  Status refused = CheckNotes(batch);
  if (refused.ok()) {
    const size_t bytes = batch.bytes() + batch.records.size() * sizeof(record::RecordEntry);
    refused = Enqueue({.batch = std::move(batch), .done = done, .bytes = bytes});
  }
  if (refused.ok()) return;
  counters_->refused_batches.Add();
  done(refused);
}

Status Ledger::Admit(record::RecordClass record_class, size_t bytes) const {
  if (!refusing_.ok()) return refusing_;
  if (record_class == record::RecordClass::kIngest && !floor_.ok()) return floor_;
  if (queue_bytes_ != 0 && queue_bytes_ + bytes > options_.queue_bytes_max) {
    return Unavailable("the ledger's queue is full");
  }
  return OkStatus();
}

Status Ledger::Enqueue(Waiting waiting) {
  {
    MutexLock lock(mutex_);
    SEAL_RETURN_IF_ERROR(Admit(waiting.batch.record_class, waiting.bytes));
    queue_bytes_ += waiting.bytes;
    queue_.push_back(std::move(waiting));
    counters_->queue_batches.Set(static_cast<double>(queue_.size()));
    counters_->queue_bytes.Set(static_cast<double>(queue_bytes_));
    if (std::exchange(draining_, true)) return OkStatus();
  }
  worker_->Post([this] { Drain(); });
  return OkStatus();
}

std::deque<Ledger::Waiting> Ledger::TakeGroup() {
  MutexLock lock(mutex_);
  std::deque<Waiting> group;
  size_t bytes = 0;
  while (!queue_.empty() &&
         (group.empty() || bytes + queue_.front().bytes <= options_.group_bytes_max)) {
    bytes += queue_.front().bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  counters_->queue_batches.Set(static_cast<double>(queue_.size()));
  counters_->queue_bytes.Set(static_cast<double>(queue_bytes_));
  if (group.empty()) draining_ = false;
  return group;
}

// Writes one group and comes back for the next, so that timers and stops get their turn in between.
void Ledger::Drain() {
  if (closing_) return;  // EndClose comes back here
  if (CloseIsDue()) return BeginClose();
  std::deque<Waiting> group = TakeGroup();
  if (group.empty()) return;
  RefuseBelowFloor(group);
  if (!group.empty()) CommitGroup(std::move(group));
  SignIfDue();
  worker_->Post([this] { Drain(); });
}

void Ledger::RefuseBelowFloor(std::deque<Waiting>& group) {
  size_t bytes = 0;
  for (const Waiting& waiting : group) bytes += waiting.bytes;
  if (failed_.ok() && CheckFloor(bytes)) return;
  std::erase_if(group, [&](Waiting& waiting) {
    if (failed_.ok() && waiting.batch.record_class == record::RecordClass::kOwn) return false;
    counters_->refused_batches.Add();
    waiting.done(Accepting());
    return true;
  });
}

void Ledger::CommitGroup(std::deque<Waiting> group) {
  std::vector<const record::RecordBatch*> batches;
  for (const Waiting& waiting : group) batches.push_back(&waiting.batch);
  WatchClock();  // a step is recorded first, so the numbers are known only then
  uint64_t seq = Value(sequencer_.next());
  const Status status = Write(batches);
  for (Waiting& waiting : group) {
    if (!status.ok()) {
      waiting.done(status);
      continue;
    }
    record::CommitOutcome outcome(waiting.batch.records.size());
    for (record::RecordOutcome& record : outcome)
      record = {record::RecordOutcome::Kind::kStored, Seq{seq++}};
    waiting.done(std::move(outcome));
  }
}

// Appends the batches, syncs once, and shows them to readers. The caller may then acknowledge.
Status Ledger::Write(const std::vector<const record::RecordBatch*>& batches) {
  if (!failed_.ok()) return Accepting();
  const MonotonicNanos start = env_.clock.Monotonic();
  Growth growth;
  Status status = log_ ? OkStatus() : BeginLog();
  if (status.ok()) status = log_->Append(batches, sequencer_, growth);
  const MonotonicNanos written = env_.clock.Monotonic();
  if (status.ok()) status = log_->Sync();
  if (!status.ok()) {
    Fail(status);
    return Accepting();
  }
  const MonotonicNanos synced = env_.clock.Monotonic();
  counters_->syncs.Add();
  counters_->write_nanos.Add(static_cast<uint64_t>(written - start));
  counters_->sync_nanos.Add(static_cast<uint64_t>(synced - written));
  for (const record::RecordBatch* batch : batches) {
    log_records_ += batch->records.size();
    counters_->records.Add(batch->records.size());
    for (const record::RecordEntry& entry : batch->records)
      counters_->leaf_bytes.Add(entry.leaf_size);
  }
  last_record_at_ = synced;
  Publish(growth);
  return OkStatus();
}

Status Ledger::BeginLog() {
  SEAL_ASSIGN_OR_RETURN(
      log_, LogWriter::Create(env_.files, paths_.segments, sequencer_, origin_, env_.clock.Now()));
  table_.AddLog(log_->first());
  log_records_ = 0;
  log_begun_at_ = env_.clock.Monotonic();
  log_before_ = sequencer_.frontier();
  if (sealer_) sealer_->Begin(log_before_, log_->size());
  return OkStatus();
}

// --- Sealing ------------------------------------------------------------------------------------

bool Ledger::CloseIsDue() const {
  if (!failed_.ok() || !log_ || !refusal_.ok() || rotating_ || backups_begun_ != 0) return false;
  if (env_.clock.Monotonic() < close_not_before_) return false;
  const uint64_t seal_records = last_manifest_ ? 1 : 0;
  if (log_records_ <= seal_records) return false;
  const uint64_t bytes = std::max(log_->bundle_bytes(), log_->size());
  const bool old = env_.clock.Monotonic() - log_begun_at_ >= options_.segment_age_max_ns;
  if (bytes < options_.segment_bytes_max && !old) return false;
  return sealer_->lag() <= kCloseLagBytes || bytes / 2 >= options_.segment_bytes_max;
}

// From here to EndClose nothing is written: the seal record must be the next record. So it is not begun while the key
// does not sign.
void Ledger::BeginClose() {
  closing_ = true;
  format::Manifest manifest{.origin = origin_,
                            .rules = options_.rules_digest,
                            .config = options_.config_digest,
                            .previous = last_manifest_,
                            .epoch = trail_.keys.epoch(),
                            .sealed = env_.clock.Now()};
  sealer_->Finish(sequencer_.chain(), std::move(manifest), trail_.keys.signer,
                  [this](const Result<SealedSegment>& result) {
                    worker_->Post([this, result] { EndClose(result); });
                  });
}

// Without a signature the log goes on, and is sealed anew from its beginning: what waits to be written is not made to wait
// for a key.
void Ledger::EndClose(const Result<SealedSegment>& result) {
  closing_ = false;
  if (failed_.ok()) {
    if (result.ok()) {
      TakeSealed(*result);
    } else {
      NoteRefusal(result.status());
      close_not_before_ = env_.clock.Monotonic() + kSealAgainNanos;
      sealer_->Begin(log_before_, log_->size());
    }
  }
  ResumeAfterClose();
}

void Ledger::TakeSealed(const SealedSegment& sealed) {
  const format::Manifest& manifest = sealed.manifest;
  if (manifest.after.size != sequencer_.size() || manifest.after.root != sequencer_.Root()) {
    return Fail(DataLoss("segment {} was sealed with another root than its records have",
                         Value(manifest.first)));
  }
  if (const Status closed = log_->Close(); !closed.ok()) return Fail(closed);
  log_.reset();
  last_manifest_ = sealed.manifest_hash;
  if (WriteSealRecord(sealed).ok()) Retire(sealed.manifest);
}

void Ledger::ResumeAfterClose() {
  worker_->Post([this] { Drain(); });
  RunWaiting();
}

// Each of them looks again whether it may go on.
void Ledger::RunWaiting() {
  for (const auto& task : std::exchange(waiting_, {})) task();
}

Status Ledger::WriteSealRecord(const SealedSegment& sealed) {
  const record::RecordBatch batch = SealRecord(sealed, env_.clock.Now(), NewSalt());
  return Write({&batch});
}

// The seal record is durable, so the log has done its duty.
void Ledger::Retire(const format::Manifest& manifest) {
  counters_->segments_sealed.Add();
  counters_->sealed.Set(static_cast<double>(Value(manifest.after.size)));
  {
    MutexLock lock(mutex_);
    sealed_ = manifest.after.size;
  }
  WakeReaders();
  sealer_->Then([this, manifest] {
    table_.Seal(manifest);
    SEAL_RETURN_IF_ERROR(tree_.Persist(manifest.after.size));
    SEAL_RETURN_IF_ERROR(env_.files.Remove(env::JoinPath(
        paths_.segments, format::SegmentFileName(manifest.first, format::FileKind::kLog))));
    return env_.files.SyncDir(paths_.segments);
  });
}

// ------------------------------------------------------------------------------------------------

void Ledger::Publish(const Growth& growth) {
  table_.AddFrames(growth.frames, log_->size());
  tree_.Grow(growth.tile_nodes);
  if (sealer_) sealer_->Grow(log_->size());
  {
    MutexLock lock(mutex_);
    durable_ = sequencer_;
  }
  counters_->durable.Set(static_cast<double>(Value(sequencer_.size())));
  WakeReaders();
}

void Ledger::WakeReaders() {
  std::vector<std::function<void()>> wake;
  {
    MutexLock lock(mutex_);
    wake = growth_;
  }
  for (const auto& call : wake) call();
}

void Ledger::Fail(const Status& error) {
  if (!failed_.ok()) return;
  failed_ = error;
  {
    MutexLock lock(mutex_);
    refusing_ = Unavailable("the data disk failed: {}", error.message());
  }
  LogLine(LogLevel::kError, env_.clock.Now(), "disk_failed",
          fmt::format("{}; nothing more is accepted, restart on a sound disk", error.message()));
  if (on_failure_) on_failure_(error);
  if (std::exchange(closing_, false)) ResumeAfterClose();
}

// One of the ledger's own few records, durable on return. A clock step before it is recorded first.
Status Ledger::WriteOwn(const record::SelfAct& act) {
  WatchClock();
  return WriteAct(act);
}

record::Salt Ledger::NewSalt() const {
  record::Salt salt;
  env_.random.Fill(salt);
  return salt;
}

Status Ledger::WriteAct(const record::SelfAct& act) {
  const record::RecordBatch batch = record::SelfRecord(act, env_.clock.Now(), NewSalt());
  return Write({&batch});
}

// Compares how far the wall clock and the monotonic one came since the last look.
void Ledger::WatchClock() {
  const MonotonicNanos mono = env_.clock.Monotonic();
  const UnixNanos wall = env_.clock.Now();
  const int64_t expected = Value(clock_checked_wall_) + (mono - clock_checked_mono_);
  const int64_t step = Value(wall) - expected;
  clock_checked_mono_ = mono;
  clock_checked_wall_ = wall;
  if (step <= kClockStepNanos && step >= -kClockStepNanos) return;
  counters_->clock_steps.Add();
  LogLine(LogLevel::kWarning, wall, "clock_step",
          fmt::format("the wall clock stepped by {} ns", step));
  // A failure shows in failed_ and meets whoever writes next.
  (void)WriteAct({.action = "sealtrail.clock.step",
                  .actor = "sealtrail",
                  .target = origin_,
                  .details = {{"sealtrail.clock.step_ns", std::to_string(step)}}});
}

void Ledger::Tick() {
  if (!failed_.ok()) return;
  worker_->PostAfter(kTickNanos, [this] { Tick(); });
  if (closing_) return;
  WatchClock();
  CheckFloor(0);
  if (env_.clock.Monotonic() - last_record_at_ >= options_.heartbeat_interval_ns) {
    (void)WriteOwn(
        {.action = "sealtrail.store.heartbeat", .actor = "sealtrail", .target = origin_});
  }
  SignIfDue();
  if (CloseIsDue()) BeginClose();
}

void Ledger::SignIfDue() {
  if (env_.clock.Monotonic() - last_signing_at_ >= options_.checkpoint_interval_ns) StartSigning();
}

// --- Signing -------------------------------------------------------------------------------------

// Only durable records: the sequencer moves with writes, and every write is synced before its task ends. A hand-over comes
// first, for no larger tree may be signed before it.
std::optional<SigningTask> Ledger::NextSigning() const {
  if (hand_over_) return SigningTask{.head = *hand_over_, .keys = trail_.keys, .hand_over = true};
  const CheckpointInfo newest = checkpoint();
  if (!newest.note.empty() && newest.size == sequencer_.size()) return std::nullopt;
  return SigningTask{.head = {.origin = trail_.keys.log_origin(),
                              .size = sequencer_.size(),
                              .root = sequencer_.Root()},
                     .keys = trail_.keys};
}

// Hands the newest tree to the signing worker, where there is news and nothing is under way.
void Ledger::StartSigning() {
  if (signing_ || !failed_.ok()) return;
  std::optional<SigningTask> task = NextSigning();
  if (!task) return;
  signing_ = true;
  last_signing_at_ = env_.clock.Monotonic();
  signing_worker_->Post([this, task = *std::move(task)] {
    worker_->Post([this, result = signer_.Sign(task)] { EndSigning(result); });
  });
}

void Ledger::EndSigning(const Result<SignedHead>& result) {
  signing_ = false;
  AnswerAwaiting(TakeSigned(result));
  RunWaiting();
  if (!awaiting_.empty()) StartSigning();
  if (!failed_.ok()) AnswerAwaiting(Accepting());
}

void Ledger::AnswerAwaiting(const Status& status) {
  const TreeSize covered = checkpoint().size;
  for (Awaiting& each : std::exchange(awaiting_, {})) {
    if (each.size <= covered) {
      each.done(OkStatus());
    } else if (!status.ok()) {
      each.done(status);
    } else {
      awaiting_.push_back(std::move(each));
    }
  }
}

// On this thread: at a start and at a stop, when nobody waits for the writer.
Status Ledger::SignHere() {
  if (!failed_.ok()) return Accepting();
  last_signing_at_ = env_.clock.Monotonic();
  while (const std::optional<SigningTask> task = NextSigning())
    SEAL_RETURN_IF_ERROR(TakeSigned(signer_.Sign(*task)));
  return OkStatus();
}

Status Ledger::TakeSigned(const Result<SignedHead>& result) {
  if (!failed_.ok()) return Accepting();
  if (!result.ok()) {
    Fail(result.status());
    TellRotated(result.status());
    return result.status();
  }
  NoteRefusal(result->refusal);
  if (!result->refusal.ok()) {
    TellRotated(
        FailedPrecondition("a record names the new key, which takes over once both sign: {}",
                           result->refusal.message()));
    return result->refusal;
  }
  if (result->keys.epoch() != trail_.keys.epoch()) {
    trail_.keys = result->keys;
    hand_over_.reset();
    rotating_ = false;
    NoteKeys();
  }
  PublishCheckpoint(result->checkpoint);
  if (!rotating_) TellRotated(OkStatus());
  return OkStatus();
}

void Ledger::PublishCheckpoint(const CheckpointInfo& checkpoint) {
  counters_->checkpoints.Add();
  counters_->checkpointed.Set(static_cast<double>(Value(checkpoint.size)));
  MutexLock lock(mutex_);
  checkpoint_ = checkpoint;
}

// Told when it begins and when it ends.
void Ledger::NoteRefusal(const Status& refusal) {
  if (!refusal.ok()) counters_->signer_failures.Add();
  const bool changed = refusal_.ok() != refusal.ok();
  refusal_ = refusal;
  {
    MutexLock lock(mutex_);
    shown_refusal_ = refusal;
  }
  if (!changed) return;
  if (refusal.ok()) {
    return LogLine(LogLevel::kInfo, env_.clock.Now(), "signer_recovered", "the key signs again");
  }
  LogLine(
      LogLevel::kWarning, env_.clock.Now(), "signer_failed",
      fmt::format("{}; records are accepted all the same, but no new checkpoint covers them; it "
                  "is tried again every second",
                  refusal.message()));
}

Status Ledger::Signing() const {
  MutexLock lock(mutex_);
  return shown_refusal_;
}

void Ledger::SignAll(std::function<void(Status)> done) {
  if (!failed_.ok()) return done(Accepting());
  if (!NextSigning()) return done(OkStatus());
  awaiting_.push_back({.size = sequencer_.size(), .done = std::move(done)});
  StartSigning();
}

// --- Keys ---------------------------------------------------------------------------------------

std::string Ledger::vkey() const {
  MutexLock lock(mutex_);
  return vkeys_.back();
}

std::vector<std::string> Ledger::vkeys() const {
  MutexLock lock(mutex_);
  return vkeys_;
}

bool Ledger::key_in_file() const {
  MutexLock lock(mutex_);
  return key_in_file_;
}

void Ledger::RotateKey(const std::string& actor, std::function<void(Status)> done, bool to_file) {
  worker_->Post(
      [this, actor, to_file, done = std::move(done)] { BeginRotation(actor, to_file, done); });
}

// First the next key is there, then the record that names it, then the note that both sign, then it is in charge: a start
// that finds the record goes on from there, one that does not throws the key away.
void Ledger::BeginRotation(const std::string& actor, bool to_file,
                           const std::function<void(Status)>& done) {
  if (!failed_.ok()) return done(Accepting());
  if (!refusal_.ok()) {
    return done(FailedPrecondition("no key can take over while nothing can be signed: {}",
                                   refusal_.message()));
  }
  if (!Quiet())
    return waiting_.push_back(
        [this, actor, to_file, done] { BeginRotation(actor, to_file, done); });
  signing_ = rotating_ = true;
  signing_worker_->Post([this, actor, to_file, done, keys = trail_.keys] {
    worker_->Post([this, actor, done,
                   next = PrepareNextKey(env_, paths_, keys, external_.next_signer, to_file)] {
      EndPreparation(actor, next, done);
    });
  });
}

void Ledger::EndPreparation(const std::string& actor, const Result<NextKey>& next,
                            const std::function<void(Status)>& done) {
  signing_ = false;
  rotated_ = done;
  if (!next.ok()) Fail(next.status());
  Status status = failed_.ok() ? OkStatus() : Accepting();
  if (status.ok() && !next->key) {
    status = FailedPrecondition("the next key cannot take over: {}", next->refusal.message());
  }
  if (status.ok()) status = NameNextKey(actor, next->key);
  if (status.ok()) return StartSigning();
  rotating_ = false;
  TellRotated(status);
  RunWaiting();
}

Status Ledger::NameNextKey(const std::string& actor, const SharedKey& next) {
  SEAL_RETURN_IF_ERROR(
      WriteOwn({.action = "sealtrail.key.rotate",
                .actor = actor,
                .target = origin_,
                .details = {{"sealtrail.key.vkey", next->verifier().vkey()},
                            {"sealtrail.key.previous", trail_.keys.current().vkey()},
                            {"sealtrail.key.epoch", std::to_string(trail_.keys.epoch() + 1)}}}));
  trail_.keys.next = next;
  hand_over_ = {
      .origin = trail_.keys.log_origin(), .size = sequencer_.size(), .root = sequencer_.Root()};
  return OkStatus();
}

void Ledger::TellRotated(const Status& status) {
  if (rotated_) std::exchange(rotated_, nullptr)(status);
}

// What an earlier process began.
Status Ledger::SettleRotation(const std::optional<RecoveredRotation>& rotation) {
  NoteKeys();
  TrailKeys& keys = trail_.keys;
  const bool pending = rotation && rotation->vkey != keys.current().vkey() &&
                       std::ranges::none_of(keys.verifiers, [&](const tlog::Verifier& verifier) {
                         return verifier.vkey() == rotation->vkey;
                       });
  if (!pending) return keys.next ? DropNextKey(env_, paths_, keys) : OkStatus();
  keys.next = FindNextKey(keys, external_, rotation->vkey);
  if (!keys.next) {
    return FailedPrecondition(
        "record {} says that the key {} takes over; it is not in {}, and no signer that is "
        "configured has it",
        Value(rotation->size) - 1, rotation->vkey, paths_.keys);
  }
  hand_over_ = {.origin = keys.log_origin(), .size = rotation->size, .root = rotation->root};
  rotating_ = true;
  return OkStatus();
}

void Ledger::NoteKeys() {
  std::vector<std::string> vkeys;
  for (const tlog::Verifier& verifier : trail_.keys.verifiers) vkeys.push_back(verifier.vkey());
  MutexLock lock(mutex_);
  vkeys_ = std::move(vkeys);
  key_in_file_ = trail_.keys.signer->in_file();
}

// ------------------------------------------------------------------------------------------------

// Sets or lifts the refusal of ingest. True if there is room for that many bytes above the floor.
bool Ledger::CheckFloor(uint64_t about_to_write) {
  const auto free = env_.files.FreeBytes(paths_.data_dir);
  Status floor;
  if (!free.ok()) {
    floor = Unavailable("free space is not known: {}", free.status().message());
  } else {
    counters_->free_bytes.Set(static_cast<double>(*free));
    if (*free < options_.min_free_bytes || *free - options_.min_free_bytes < about_to_write) {
      floor = Unavailable("the data disk is full: {}", DiskText(*free, options_.min_free_bytes));
    }
  }
  bool changed = false;
  {
    MutexLock lock(mutex_);
    changed = floor_.ok() != floor.ok();
    floor_ = floor;
  }
  if (changed) {
    LogLine(floor.ok() ? LogLevel::kInfo : LogLevel::kWarning, env_.clock.Now(), "free_space_floor",
            floor.ok() ? "there is room again: ingest resumes"
                       : "ingest is refused: " + floor.message());
  }
  return floor.ok();
}

void Ledger::CheckpointNow(std::function<void(Status)> done) {
  worker_->Post([this, done = std::move(done)] { SignAll(done); });
}

void Ledger::PlanBackup(std::function<void(Result<BackupPlan>)> done) {
  worker_->Post([this, done = std::move(done)] { BeginBackup(done); });
}

// Tiles are moved to their files by the sealer after it has sealed, so the plan is made behind it. Not while a segment is
// being closed: what would be the last records of the copy then has no place yet. And not while another tree is being
// signed: the copy ends with the records that its checkpoint covers.
void Ledger::BeginBackup(const std::function<void(Result<BackupPlan>)>& done) {
  if (!failed_.ok()) return done(Accepting());
  if (!refusal_.ok()) return done(refusal_);
  if (!Quiet()) return waiting_.push_back([this, done] { BeginBackup(done); });
  ++backups_begun_;
  BackupScope scope{.log_first = log_->first(), .log_bytes = log_->size()};
  SignAll([this, done, scope](const Status& status) mutable {
    --backups_begun_;
    if (!status.ok()) return done(status);
    scope.checkpoint = checkpoint();
    scope.vkeys = vkeys();
    sealer_->Then([this, scope, done] {
      done(ledger::PlanBackup(env_.files, paths_, scope));
      return OkStatus();
    });
  });
}

void Ledger::Close(std::function<void(Status)> done) {
  {
    MutexLock lock(mutex_);
    if (refusing_.ok()) refusing_ = Unavailable("shutting down");
  }
  worker_->Post([this, done = std::move(done)] { FinishWriting(done); });
}

void Ledger::FinishWriting(const std::function<void(Status)>& done) {
  if (!Quiet()) return waiting_.push_back([this, done] { FinishWriting(done); });
  while (true) {
    std::deque<Waiting> group = TakeGroup();
    if (group.empty()) break;
    RefuseBelowFloor(group);
    if (!group.empty()) CommitGroup(std::move(group));
  }
  Status status =
      WriteOwn({.action = "sealtrail.store.stop", .actor = "sealtrail", .target = origin_});
  if (status.ok()) status = SignHere();
  if (failed_.ok()) {
    if (!status.ok()) {
      status =
          Unavailable("the last checkpoint does not cover records {} to {}: {}",
                      Value(checkpoint().size), Value(sequencer_.size()) - 1, status.message());
    }
    if (const Status closed = log_->Close(); !closed.ok()) status = closed;
    failed_ = Unavailable("closed");
  }
  RunWaiting();
  // The log of the segment that was sealed last may still have to go; nobody hears of a failure any more but whoever stops.
  sealer_->Settle([this, status, done](const Status& sealing) {
    worker_->Post([status = status.ok() ? sealing : status, done] { done(status); });
  });
}

Heights Ledger::heights() const {
  MutexLock lock(mutex_);
  return {.durable = durable_.size(), .checkpointed = checkpoint_.size, .sealed = sealed_};
}

CheckpointInfo Ledger::checkpoint() const {
  MutexLock lock(mutex_);
  return checkpoint_;
}

CheckpointInfo Ledger::TreeHead() const {
  MutexLock lock(mutex_);
  return {.size = durable_.size(), .root = durable_.Root(), .note = {}};
}

std::vector<SegmentInfo> Ledger::segments() const {
  return table_.List();
}

void Ledger::OnGrowth(std::function<void()> wake) {
  MutexLock lock(mutex_);
  growth_.push_back(std::move(wake));
}

Result<RecordRange> Ledger::Read(Seq from, size_t records_max, size_t bytes_max) const {
  if (Value(from) >= Value(heights().durable)) {
    return NotFound("record {} is not durable yet", Value(from));
  }
  return ReadRecords(table_, from, records_max, bytes_max);
}

Result<std::vector<crypto::Hash>> Ledger::TileHashes(int level, uint64_t first,
                                                     size_t count) const {
  return ReadTileHashes(table_, tree_, level, first, count);
}

Result<Bytes> Ledger::ReadBeside(Seq seq, const crypto::Hash& hash) const {
  return ReadBesideContent(table_, seq, hash);
}

}  // namespace sealtrail::ledger
