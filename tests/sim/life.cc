#include "life.h"

#include <algorithm>

#include "base/limits.h"
#include "batches.h"
#include "verify/verify.h"

namespace sealtrail::sim {
namespace {

constexpr uint64_t kFileBytesMax = 16 * kMiB;
constexpr uint64_t kDiskBytes = 1024 * kGiB;

// While it lives, what is read is read by whoever looks on, and not by the trail.
class LookingOn {
 public:
  explicit LookingOn(env::testing::SimFs& files)
      : files_(files), before_(files.CountReads(false)) {}
  ~LookingOn() { files_.CountReads(before_); }
  LookingOn(const LookingOn&) = delete;
  LookingOn& operator=(const LookingOn&) = delete;

 private:
  env::testing::SimFs& files_;
  const bool before_;
};

}  // namespace

struct Life::Process {
  int first_operation = 0;
  int first_read = 0;
  bool met_full_disk = false;
  MetricSet metrics;
  std::unique_ptr<ledger::Ledger> ledger;
  Status failure;
  int submitted = 0;
  int answered = 0;
  Seq last_acknowledged{0};
};

ledger::Options Life::OptionsOfLife() {
  return {.data_dir = kData,
          .origin = "sim.example/trail",
          .segment_bytes_max = 24'000,
          .segment_age_max_ns = 30 * kNanosPerSecond};
}

Life::Life(Story story)
    : story_(std::move(story)), world_({.seed = story_.seed, .survival = story_.survival}) {
  for (const Fault& fault : story_.faults) {
    switch (fault.kind) {
      case Fault::Kind::kCutPower:
        break;  // one at a time: SettleAfterStep
      case Fault::Kind::kFail:
        world_.files().FailOperation(fault.at, fault.error);
        break;
      case Fault::Kind::kSpoilWrite:
        world_.files().SpoilWrite(fault.at);
        break;
      case Fault::Kind::kLoseSync:
        world_.files().LoseSync(fault.at);
        break;
      case Fault::Kind::kFailRead:
        world_.files().FailRead(fault.at);
        break;
    }
  }
  world_.files().Observe([this](int number, const std::string& path, ByteView bytes) {
    writes_[path].push_back(number);
    promises_.Written(path, bytes);
  });
}

Life::~Life() {
  Die();
}

std::string Life::Live() {
  Run();
  CheckTheEnd();
  if (promises_.broken().empty()) return "";
  return fmt::format("{}\n{}\n{}", promises_.broken(), Describe(story_), world_.Describe());
}

void Life::Run() {
  for (size_t i = 0; i < story_.script.size() && promises_.broken().empty(); ++i) {
    if (process_ == nullptr) StartUntilItRuns();
    if (process_ == nullptr) return;
    Take(story_.script[i], i);
    SettleAfterStep();
  }
}

void Life::Take(const Step& step, size_t number) {
  using Kind = Step::Kind;
  ledger::Ledger& ledger = *process_->ledger;
  switch (step.kind) {
    case Kind::kSubmit:
      return Submit(fmt::format("s{}", number), static_cast<int>(step.amount), false);
    case Kind::kBeside:
      return Submit(fmt::format("s{}", number), static_cast<int>(step.amount), true);
    case Kind::kRun:
      for (int64_t i = 0; i < step.amount; ++i) world_.executor().RunOne();
      return;
    case Kind::kWait:
      return world_.executor().RunFor(step.amount);
    case Kind::kRotate:
      return ledger.RotateKey("local:somebody", [](const Status&) {});
    case Kind::kCheckpoint:
      return ledger.CheckpointNow([](const Status&) {});
    case Kind::kStepClock:
      return world_.clock().StepWall(step.amount);
    case Kind::kFillDisk: {
      const auto free = world_.files().FreeBytes("/");
      if (free.ok())
        world_.files().SetCapacity(kDiskBytes - *free + static_cast<uint64_t>(step.amount));
      disk_full_ = process_->met_full_disk = true;
      return;
    }
    case Kind::kEmptyDisk:
      world_.files().SetCapacity(kDiskBytes);
      disk_full_ = false;
      return;
    case Kind::kKill:
      return Die();
    case Kind::kCutPower:
      return world_.files().CutPower();
    case Kind::kStop:
      return Stop();
  }
}

void Life::Submit(const std::string& name, int records, bool beside) {
  const record::RecordBatch& batch = BatchOf(name, records, beside);
  Process* process = process_.get();
  ++process->submitted;
  process->ledger->Submit(
      batch, [this, process, &batch](const Result<record::CommitOutcome>& outcome) {
        ++process->answered;
        if (!outcome.ok()) {
          if (!MetFault())
            promises_.Break("a batch was refused without a reason: " + outcome.status().ToString());
          return;
        }
        const std::vector<std::string> leaves = LeavesOf(batch);
        for (size_t i = 0; i < leaves.size(); ++i) {
          const Seq seq = (*outcome)[i].seq;
          promises_.Acknowledged(seq, leaves[i], process->last_acknowledged);
          process->last_acknowledged = seq;
          const record::RecordEntry& entry = batch.records[i];
          for (uint32_t k = entry.beside_begin; k < entry.beside_end; ++k) {
            const record::BesideContent& content = batch.beside[batch.beside_refs[k]];
            beside_[{seq, content.hash}] = content.bytes;
          }
        }
      });
}

// What the step left behind: a dead machine, a process that must end, or one that goes on.
void Life::SettleAfterStep() {
  if (process_ == nullptr) return;
  if (!world_.files().powered()) {
    Die();
    world_.files().PowerOn();
    promises_.CheckSigned(SigningRecord());
    return;
  }
  if (!process_->failure.ok()) {
    if (!MetFault())
      promises_.Break("the ledger failed without a reason: " + process_->failure.ToString());
    return Die();
  }
  const LookingOn looking_on(world_.files());
  promises_.Observe(*process_->ledger);
}

// A cut that comes while the power is off would be forgotten, so each waits for the one before it.
void Life::StartUntilItRuns() {
  for (size_t i = 0; i <= story_.faults.size() + 1; ++i) {
    if (Start() || !promises_.broken().empty()) return;
    if (!world_.files().powered()) world_.files().PowerOn();
    if (disk_full_) {  // somebody makes room
      world_.files().SetCapacity(kDiskBytes);
      disk_full_ = false;
    }
    promises_.CheckSigned(SigningRecord());
  }
  promises_.Break("it does not start again");
}

bool Life::Start() {
  const int before = world_.files().operations();
  for (const Fault& fault : story_.faults) {
    if (mended_ || fault.kind != Fault::Kind::kCutPower || fault.at < before) continue;
    world_.files().CutPowerAt(fault.at);
    break;
  }
  ++starts_;
  world_.clock().Advance(kNanosPerMilli);  // no two starts are at one time
  process_ = std::make_unique<Process>();
  process_->first_operation = before;
  process_->first_read = world_.files().reads();
  process_->met_full_disk = disk_full_;
  auto opened = ledger::Ledger::Open(
      world_.env(), OptionsOfLife(), process_->metrics,
      [process = process_.get()](const Status& status) { process->failure = status; });
  if (!opened.ok() || !world_.files().powered()) {
    if (opened.ok())
      process_->ledger = *std::move(opened);
    else if (!MetFault())
      promises_.Break("the start is refused: " + opened.status().ToString());
    Die();
    return false;
  }
  process_->ledger = *std::move(opened);
  const LookingOn looking_on(world_.files());
  promises_.CheckRecords(*process_->ledger);
  promises_.CheckManifests(SegmentFiles(".manifest"));
  promises_.CheckSigned(SigningRecord());
  return true;
}

bool Life::Came(const Fault& fault) {
  if (fault.kind == Fault::Kind::kFailRead)
    return fault.at >= process_->first_read && fault.at < world_.files().reads();
  return fault.at >= process_->first_operation && fault.at < world_.files().operations();
}

bool Life::MetFault() {
  if (mended_) return false;
  return !world_.files().powered() || process_->met_full_disk ||
         std::ranges::any_of(story_.faults, [&](const Fault& fault) { return Came(fault); });
}

// Whether an operation of the process answered with an error.
bool Life::MetFailure() {
  return !mended_ && std::ranges::any_of(story_.faults, [&](const Fault& fault) {
    return fault.kind == Fault::Kind::kFail && Came(fault);
  });
}

void Life::Stop() {
  Process& process = *process_;
  Status closed = Unavailable("not closed");
  process.ledger->Close([&](const Status& status) { closed = status; });
  world_.executor().RunUntilIdle();
  if (world_.files().powered()) {
    if (!closed.ok() && !MetFault()) promises_.Break("the stop failed: " + closed.ToString());
    if (closed.ok() && process.answered != process.submitted)
      promises_.Break(fmt::format("{} batches, {} answers", process.submitted, process.answered));
    if (closed.ok() && process.failure.ok() && MetFailure())
      promises_.Break("an operation failed, and the process ended as if nothing had been");
    const LookingOn looking_on(world_.files());
    if (process.failure.ok()) promises_.Observe(*process.ledger);
    Die();
  }
}

// kill -9: nothing more is done.
void Life::Die() {
  world_.executor().DropAll();
  process_.reset();
}

std::map<Seq, Bytes> Life::SegmentFiles(const std::string& suffix) {
  const LookingOn looking_on(world_.files());
  std::map<Seq, Bytes> found;
  const std::string dir = env::JoinPath(kData, "segments");
  const auto names = world_.files().List(dir);
  if (!names.ok()) return found;
  for (const std::string& name : *names) {
    if (!name.ends_with(suffix)) continue;
    const auto file = format::ParseSegmentFileName(name);
    const auto bytes = env::ReadFile(world_.files(), env::JoinPath(dir, name), kFileBytesMax);
    if (file.ok() && bytes.ok()) found[file->first] = *bytes;
  }
  return found;
}

std::vector<int> Life::WritesTo(const std::string& suffix) const {
  std::vector<int> numbers;
  for (const auto& [path, writes] : writes_) {
    if (path.ends_with(suffix)) numbers.insert(numbers.end(), writes.begin(), writes.end());
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::optional<ledger::SigningState> Life::SigningRecord() {
  const LookingOn looking_on(world_.files());
  const auto text = env::ReadFile(world_.files(), env::JoinPath(kData, "signing/state"), kMiB);
  if (!text.ok()) return std::nullopt;
  const auto state = ledger::ParseSigningState(AsText(*text));
  if (!state.ok()) {
    promises_.Break("the signing record is damaged");
    return std::nullopt;
  }
  return *state;
}

void Life::CheckTheEnd() {
  if (!promises_.broken().empty()) return;
  world_.files().CutPower();
  Die();
  world_.files().ClearFaults();
  world_.files().SetCapacity(kDiskBytes);
  disk_full_ = false;
  mended_ = true;
  world_.files().PowerOn();
  promises_.CheckSigned(SigningRecord());
  if (!Start()) return;
  const ledger::Ledger& ledger = *process_->ledger;
  world_.executor().RunUntilIdle();
  CheckBeside(ledger);
  promises_.Observe(ledger);
  promises_.CheckTiles(ledger);
  Stop();
  promises_.CheckAll();
  promises_.CheckSealed(SegmentFiles(".manifest"), SegmentFiles(".seg"));
  if (promises_.broken().empty()) CheckWithVerify();
}

void Life::AddTo(Tally& tally) {
  ++tally.points;
  if (!promises_.broken().empty()) ++tally.violations;
  tally.cuts += static_cast<uint64_t>(world_.files().power_cuts());
  tally.faults +=
      static_cast<uint64_t>(std::ranges::count_if(story_.faults, [&](const Fault& fault) {
        if (fault.kind == Fault::Kind::kFailRead) return fault.at < world_.files().reads();
        return fault.kind != Fault::Kind::kCutPower && fault.at < world_.files().operations();
      }));
}

void Life::CheckBeside(const ledger::Ledger& ledger) {
  for (const auto& [place, bytes] : beside_) {
    const auto read = ledger.ReadBeside(place.first, place.second);
    if (!read.ok() || *read != bytes)
      promises_.Break(fmt::format("what lies beside record {} is {}", Value(place.first),
                                  read.ok() ? "another" : read.status().ToString()));
  }
}

void Life::CheckWithVerify() {
  const verify::Report report = verify::Verify(verify::FolderSource(world_.files(), kData),
                                               {.vkey = promises_.vkeys().front()});
  const ReferenceModel& model = promises_.model();
  if (report.verdict != verify::Verdict::kSound || report.damage_total != 0 ||
      report.authorship.answer != verify::Answer::kPass) {
    return promises_.Break("verify does not find it sound:\n" + verify::ReportText(report));
  }
  if (report.size != model.size() || report.root != model.Root(model.size()) ||
      report.chain != model.Chain(model.size()))
    promises_.Break("verify finds another tree:\n" + verify::ReportText(report));
}

}  // namespace sealtrail::sim
