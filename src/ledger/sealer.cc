#include "ledger/sealer.h"

#include <utility>

#include "base/limits.h"

namespace sealtrail::ledger {
namespace {

using format::FileKind;

constexpr uint64_t kStepBytes = kMiB;  // of the log, before other tasks get their turn
constexpr uint64_t kSyncEvery =
    16 * kMiB;  // of the log: so that the last sync finds little to write
// Behind by more than this, sealing takes its full share of a processor: else it would starve under full load, and all that
// it did not come to would be done while nobody is answered, when the log is closed.
constexpr uint64_t kPatientBytes = 4 * kMiB;

}  // namespace

Sealer::Sealer(const env::Env& env, const TrailPaths& paths, OnFailure on_failure)
    : env_(env),
      paths_(paths),
      on_failure_(std::move(on_failure)),
      patient_(env.executor.StartWorker("sealer", env::Priority::kBackground)),
      hasty_(env.executor.StartWorker("sealer-hasty")) {}

void Sealer::End() {
  {
    MutexLock lock(mutex_);
    ended_ = true;
  }
  patient_->End();
  hasty_->End();
}

void Sealer::Post(env::Task task) {
  MutexLock lock(mutex_);
  tasks_.push_back(std::move(task));
  if (!std::exchange(called_, true)) CallWorker();
}

void Sealer::CallWorker() {
  const bool hurry = closing_ || durable_ - taken_ > kPatientBytes;
  (hurry ? hasty_ : patient_)->Post([this] { RunNext(); });
}

void Sealer::RunNext() {
  env::Task task;
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task();
  MutexLock lock(mutex_);
  if (tasks_.empty()) {
    called_ = false;
  } else {
    CallWorker();
  }
}

void Sealer::Begin(const tlog::Frontier& before, uint64_t durable_bytes) {
  Post([this, before] {
    if (failed_.ok()) Check(OpenLog(before));
  });
  {
    MutexLock lock(mutex_);
    taken_ = format::kSegmentHeaderBytes;
    durable_ = format::kSegmentHeaderBytes;
  }
  Grow(durable_bytes);
}

void Sealer::Grow(uint64_t durable_bytes) {
  {
    MutexLock lock(mutex_);
    durable_ = durable_bytes;
    if (durable_ - taken_ < kStepBytes || std::exchange(stepping_, true)) return;
  }
  Post([this] { Step(); });
}

uint64_t Sealer::lag() const {
  MutexLock lock(mutex_);
  return durable_ - taken_;
}

void Sealer::Finish(const crypto::Hash& chain, format::Manifest manifest, SharedKey signer,
                    std::function<void(Result<SealedSegment>)> done) {
  {
    MutexLock lock(mutex_);
    closing_ = Closing{.chain = chain,
                       .manifest = std::move(manifest),
                       .signer = std::move(signer),
                       .done = std::move(done)};
    if (std::exchange(stepping_, true)) return;
  }
  Post([this] { Step(); });
}

void Sealer::Then(std::function<Status()> task) {
  Post([this, task = std::move(task)] {
    if (failed_.ok()) Check(task());
  });
}

void Sealer::Settle(std::function<void(Status)> done) {
  Post([this, done = std::move(done)] { done(failed_); });
}

Status Sealer::OpenLog(const tlog::Frontier& before) {
  const Seq first{Value(before.size())};
  const std::string path =
      env::JoinPath(paths_.segments, format::SegmentFileName(first, FileKind::kLog));
  SEAL_ASSIGN_OR_RETURN(log_, env_.files.OpenRead(path));
  Bytes bytes(format::kSegmentHeaderBytes);
  SEAL_ASSIGN_OR_RETURN(const size_t got, log_->ReadAt(0, bytes));
  SEAL_ASSIGN_OR_RETURN(const format::SegmentHeader header,
                        format::DecodeSegmentHeader(ByteView(bytes).first(got)));
  SEAL_ASSIGN_OR_RETURN(SealedWriter writer,
                        SealedWriter::Create(env_.files, paths_.segments, header, before));
  writer_.emplace(std::move(writer));
  synced_at_ = 0;
  return OkStatus();
}

// One piece of work, and another one as long as there is something to do.
void Sealer::Step() {
  if (!failed_.ok()) return;
  uint64_t durable = 0;
  {
    MutexLock lock(mutex_);
    durable = durable_;
  }
  if (const Status status = TakeFrames(durable); !status.ok()) return Check(status);
  std::optional<Closing> closing;
  {
    MutexLock lock(mutex_);
    const bool all = taken_ == durable_;
    if (closing_ && all) {
      closing = std::exchange(closing_, std::nullopt);
      stepping_ = false;
    } else if (!closing_ && durable_ - taken_ < kStepBytes) {
      stepping_ = false;
      return;
    }
  }
  if (!closing) return Post([this] { Step(); });
  Check(Close(*closing));
}

Status Sealer::TakeFrames(uint64_t durable_bytes) {
  uint64_t at = 0;
  {
    MutexLock lock(mutex_);
    at = taken_;
  }
  for (const uint64_t begin = at; at < durable_bytes && at - begin < kStepBytes;) {
    SEAL_ASSIGN_OR_RETURN(const Frame frame, ReadFrame(*log_, at, durable_bytes));
    SEAL_RETURN_IF_ERROR(writer_->Add(frame));
    at = frame.end();
  }
  if (at - synced_at_ >= kSyncEvery) {
    SEAL_RETURN_IF_ERROR(writer_->Sync());
    synced_at_ = at;
  }
  MutexLock lock(mutex_);
  taken_ = at;
  return OkStatus();
}

// A sealed file whose manifest was not signed stays, as after a crash at this place: the next one replaces it.
Status Sealer::Close(Closing& closing) {
  SealedSegment sealed{.manifest = std::move(closing.manifest), .manifest_hash = {}};
  SEAL_RETURN_IF_ERROR(writer_->Finish(closing.chain, sealed.manifest));
  writer_.reset();
  log_.reset();
  const auto note = closing.signer->Sign(format::ManifestText(sealed.manifest));
  if (!note.ok()) {
    closing.done(note.status());
    return OkStatus();
  }
  SEAL_CHECK(note->size() <= format::kManifestBytesMax);
  sealed.manifest_hash = crypto::Sha256(AsBytes(*note));
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(
      env_.files, paths_.segments,
      format::SegmentFileName(sealed.manifest.first, FileKind::kManifest), AsBytes(*note)));
  closing.done(std::move(sealed));
  return OkStatus();
}

void Sealer::Check(const Status& status) {
  if (status.ok()) return;
  failed_ = status.Annotate("sealing");
  on_failure_(failed_);
}

}  // namespace sealtrail::ledger
