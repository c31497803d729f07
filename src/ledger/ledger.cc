#include "ledger/ledger.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "ledger/record_reader.h"

namespace sealtrail::ledger {
namespace {

constexpr int64_t kClockStepNanos = kNanosPerSecond;  // a larger one is a record
constexpr int64_t kTickNanos = kNanosPerSecond;

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
        free_bytes(metrics.GetGauge("sealtrail_disk_free_bytes", "Free bytes on the data disk")) {}

  Counter& records;
  Counter& leaf_bytes;
  Counter& syncs;
  Counter& sync_nanos;
  Counter& write_nanos;
  Counter& checkpoints;
  Counter& refused_batches;
  Counter& clock_steps;
  Gauge& queue_batches;
  Gauge& queue_bytes;
  Gauge& durable;
  Gauge& checkpointed;
  Gauge& free_bytes;
};

Ledger::Ledger(const env::Env& env, const Options& options, Trail trail,
               std::unique_ptr<env::FileLock> lock, MetricSet& metrics, OnFailure on_failure)
    : env_(env),
      options_(options),
      paths_(options.data_dir),
      trail_(std::move(trail)),
      lock_(std::move(lock)),
      on_failure_(std::move(on_failure)),
      counters_(std::make_unique<Counters>(metrics)),
      table_(env.files, paths_.segments),
      sequencer_(trail_.origin),
      durable_(trail_.origin) {}

Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::Open(const env::Env& env, const Options& options,
                                             MetricSet& metrics, OnFailure on_failure) {
  const TrailPaths paths(options.data_dir);
  const bool existed = env.files.Stat(options.data_dir).ok();
  SEAL_RETURN_IF_ERROR(env.files.MakeDir(options.data_dir));
  // An earlier start may have made it and died before this. A parent that may not be read was made by others, and so
  // was the folder.
  const Status parent = env.files.SyncDir(env::ParentPath(options.data_dir));
  if (!parent.ok() && !(existed && parent.code() == StatusCode::kFailedPrecondition)) return parent;
  SEAL_ASSIGN_OR_RETURN(auto lock, env.files.Lock(paths.lock));
  SEAL_ASSIGN_OR_RETURN(Trail trail, OpenTrail(env, paths, options.origin));
  std::unique_ptr<Ledger> ledger(
      new Ledger(env, options, std::move(trail), std::move(lock), metrics, std::move(on_failure)));
  SEAL_RETURN_IF_ERROR(ledger->Recover());
  ledger->worker_ = env.executor.StartWorker("ledger");
  ledger->worker_->PostAfter(kTickNanos, [raw = ledger.get()] { raw->Tick(); });
  return ledger;
}

Status Ledger::Recover() {
  SEAL_ASSIGN_OR_RETURN(CheckpointInfo checkpoint,
                        ReadCheckpoint(env_, paths_, trail_.signer.verifier()));
  if (!trail_.unfinished && checkpoint.note.empty()) return MissingCheckpoint(paths_);
  SEAL_ASSIGN_OR_RETURN(Recovered recovered,
                        ledger::Recover(env_, paths_, trail_.origin, checkpoint, BadEnd::kCut,
                                        trail_.unfinished, table_));
  {
    MutexLock lock(mutex_);
    checkpoint_ = std::move(checkpoint);
  }
  sequencer_ = recovered.sequencer;
  return StartWriting(recovered);
}

// What recovery read may so far lie in the page cache alone, even with a failed sync behind it: all
// that no later frame proves to be durable is written once more before it is shown.
Status Ledger::StartWriting(const Recovered& recovered) {
  if (recovered.last_segment) {
    const std::string path =
        env::JoinPath(paths_.segments, format::SegmentFileName(*recovered.last_segment));
    SEAL_RETURN_IF_ERROR(env_.files.Rewrite(path, recovered.proven));
    SEAL_RETURN_IF_ERROR(env_.files.SyncDir(paths_.segments));
    SEAL_ASSIGN_OR_RETURN(
        segment_, SegmentWriter::Continue(env_.files, paths_.segments, *recovered.last_segment,
                                          recovered.bundle_bytes));
  }
  last_record_at_ = last_checkpoint_at_ = clock_checked_mono_ = env_.clock.Monotonic();
  clock_checked_wall_ = env_.clock.Now();
  if (recovered.cut) {
    const CutTail& cut = *recovered.cut;
    LogLine(LogLevel::kWarning, env_.clock.Now(), "tail_cut",
            fmt::format(
                "{} bytes that were never acknowledged were cut from {} at {} and kept in aside/{}",
                cut.bytes, cut.segment, cut.offset, cut.aside));
    SEAL_RETURN_IF_ERROR(WriteOwn({.action = "sealtrail.recovery.cut",
                                   .actor = "sealtrail",
                                   .target = cut.segment,
                                   .details = {{"sealtrail.cut.offset", std::to_string(cut.offset)},
                                               {"sealtrail.cut.bytes", std::to_string(cut.bytes)},
                                               {"sealtrail.cut.sha256", HexEncode(cut.sha256)},
                                               {"sealtrail.cut.aside", cut.aside}}}));
  }
  SEAL_RETURN_IF_ERROR(
      WriteOwn({.action = "sealtrail.store.start", .actor = "sealtrail", .target = trail_.origin}));
  CheckFloor(0);
  SEAL_RETURN_IF_ERROR(SignCheckpoint());
  return trail_.unfinished ? FinishTrail(env_, paths_, trail_.signer) : OkStatus();
}

Status Ledger::Accepting() const {
  MutexLock lock(mutex_);
  return refusing_.ok() ? floor_ : refusing_;
}

// Refuses what can be refused before the work of preparing it; the queue's limit is tested again after.
void Ledger::Submit(record::RecordBatch batch, record::CommitDone done) {
  const record::RecordClass record_class = batch.record_class;
  Status refused = CheckNotes(batch);
  if (refused.ok()) refused = Admit(record_class, 0);
  if (refused.ok()) {
    PreparedBatch prepared = Prepare(std::move(batch));
    const size_t bytes = prepared.bytes();
    refused = Enqueue({.batch = std::move(prepared), .done = done, .bytes = bytes});
  }
  if (refused.ok()) return;
  counters_->refused_batches.Add();
  done(refused);
}

Status Ledger::Admit(record::RecordClass record_class, size_t bytes) const {
  MutexLock lock(mutex_);
  return AdmitLocked(record_class, bytes);
}

Status Ledger::AdmitLocked(record::RecordClass record_class, size_t bytes) const {
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
    SEAL_RETURN_IF_ERROR(AdmitLocked(waiting.batch.batch.record_class, waiting.bytes));
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
    if (failed_.ok() && waiting.batch.batch.record_class == record::RecordClass::kOwn) return false;
    counters_->refused_batches.Add();
    waiting.done(Accepting());
    return true;
  });
}

void Ledger::CommitGroup(std::deque<Waiting> group) {
  std::vector<const PreparedBatch*> batches;
  for (const Waiting& waiting : group) batches.push_back(&waiting.batch);
  Seq first{};
  const Status status = Write(batches, first);
  uint64_t seq = Value(first);
  for (Waiting& waiting : group) {
    if (!status.ok()) {
      waiting.done(status);
      continue;
    }
    record::CommitOutcome outcome(waiting.batch.batch.records.size());
    for (record::RecordOutcome& record : outcome)
      record = {record::RecordOutcome::Kind::kStored, Seq{seq++}};
    waiting.done(std::move(outcome));
  }
}

// Appends the batches, syncs once, and shows them to readers. The caller may then acknowledge.
// A clock step is recorded first, so the batches' number is known only then.
Status Ledger::Write(const std::vector<const PreparedBatch*>& batches, Seq& first) {
  if (!failed_.ok()) return Accepting();
  const MonotonicNanos start = env_.clock.Monotonic();
  WatchClock();
  if (!failed_.ok()) return Accepting();
  first = sequencer_.next();
  std::vector<FramePlace> frames;
  Status status = RollIfFull();
  for (const PreparedBatch* batch : batches) {
    if (status.ok()) status = segment_->Append(*batch, sequencer_, frames);
  }
  const MonotonicNanos written = env_.clock.Monotonic();
  if (status.ok()) status = segment_->Sync();
  if (!status.ok()) {
    Fail(status);
    return Accepting();
  }
  const MonotonicNanos synced = env_.clock.Monotonic();
  counters_->syncs.Add();
  counters_->write_nanos.Add(static_cast<uint64_t>(written - start));
  counters_->sync_nanos.Add(static_cast<uint64_t>(synced - written));
  for (const PreparedBatch* batch : batches) {
    counters_->records.Add(batch->batch.records.size());
    for (const record::RecordEntry& entry : batch->batch.records)
      counters_->leaf_bytes.Add(entry.leaf_size);
  }
  last_record_at_ = synced;
  Publish(frames);
  return OkStatus();
}

Status Ledger::RollIfFull() {
  if (segment_ && std::max(segment_->bundle_bytes(), segment_->size()) < options_.segment_bytes_max)
    return OkStatus();
  if (segment_) SEAL_RETURN_IF_ERROR(segment_->Close());
  SEAL_ASSIGN_OR_RETURN(segment_, SegmentWriter::Create(env_.files, paths_.segments, sequencer_,
                                                        trail_.origin, env_.clock.Now()));
  table_.AddSegment(segment_->first());
  return OkStatus();
}

void Ledger::Publish(const std::vector<FramePlace>& frames) {
  table_.AddFrames(frames, segment_->size());
  std::vector<std::function<void()>> wake;
  {
    MutexLock lock(mutex_);
    durable_ = sequencer_;
    wake = growth_;
  }
  counters_->durable.Set(static_cast<double>(Value(sequencer_.size())));
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
}

// One of the ledger's own few records, durable on return.
Status Ledger::WriteOwn(const record::SelfAct& act) {
  record::Salt salt;
  env_.random.Fill(salt);
  const PreparedBatch batch = Prepare(record::SelfRecord(act, env_.clock.Now(), salt));
  Seq number{};
  return Write({&batch}, number);
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
  (void)WriteOwn({.action = "sealtrail.clock.step",
                  .actor = "sealtrail",
                  .target = trail_.origin,
                  .details = {{"sealtrail.clock.step_ns", std::to_string(step)}}});
}

void Ledger::Tick() {
  if (!failed_.ok()) return;
  WatchClock();
  CheckFloor(0);
  if (env_.clock.Monotonic() - last_record_at_ >= options_.heartbeat_interval_ns) {
    (void)WriteOwn(
        {.action = "sealtrail.store.heartbeat", .actor = "sealtrail", .target = trail_.origin});
  }
  SignIfDue();
  worker_->PostAfter(kTickNanos, [this] { Tick(); });
}

void Ledger::SignIfDue() {
  if (!failed_.ok()) return;
  if (env_.clock.Monotonic() - last_checkpoint_at_ < options_.checkpoint_interval_ns) return;
  if (const Status status = SignCheckpoint(); !status.ok()) Fail(status);
}

// Only durable records: the sequencer moves with writes, and every write is synced before its task
// ends.
Status Ledger::SignCheckpoint() {
  if (!failed_.ok()) return Accepting();
  {
    MutexLock lock(mutex_);
    if (!checkpoint_.note.empty() && checkpoint_.size == sequencer_.size()) return OkStatus();
  }
  const tlog::Checkpoint head{
      .origin = trail_.origin, .size = sequencer_.size(), .root = sequencer_.Root()};
  const std::string note = trail_.signer.Sign(tlog::CheckpointText(head));
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env_.files, paths_.data_dir, "checkpoint", AsBytes(note)));
  last_checkpoint_at_ = env_.clock.Monotonic();
  counters_->checkpoints.Add();
  counters_->checkpointed.Set(static_cast<double>(Value(head.size)));
  MutexLock lock(mutex_);
  checkpoint_ = {.size = head.size, .root = head.root, .note = note};
  return OkStatus();
}

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
  worker_->Post([this, done = std::move(done)] {
    const Status status = SignCheckpoint();
    if (!status.ok()) Fail(status);
    done(status);
  });
}

void Ledger::Close(std::function<void(Status)> done) {
  {
    MutexLock lock(mutex_);
    if (refusing_.ok()) refusing_ = Unavailable("shutting down");
  }
  worker_->Post([this, done = std::move(done)] {
    while (true) {
      std::deque<Waiting> group = TakeGroup();
      if (group.empty()) break;
      RefuseBelowFloor(group);
      if (!group.empty()) CommitGroup(std::move(group));
    }
    Status status =
        WriteOwn({.action = "sealtrail.store.stop", .actor = "sealtrail", .target = trail_.origin});
    if (status.ok()) status = SignCheckpoint();
    if (status.ok() && segment_) status = segment_->Close();
    if (failed_.ok()) failed_ = Unavailable("closed");
    done(status);
  });
}

Heights Ledger::heights() const {
  MutexLock lock(mutex_);
  return {.durable = durable_.size(), .checkpointed = checkpoint_.size};
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

Result<Bytes> Ledger::ReadBeside(Seq seq, const crypto::Hash& hash) const {
  return ReadBesideContent(table_, seq, hash);
}

}  // namespace sealtrail::ledger
