#include "dedupe/deduper.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/endian.h"
#include "base/limits.h"
#include "base/log.h"
#include "dedupe/delivery_note.h"
#include "record/leaf_members.h"

namespace sealtrail::dedupe {
namespace {

using record::CommitOutcome;
using record::Identity;
using record::RecordBatch;
using record::RecordOutcome;

constexpr size_t kRebuildRecords = 4096;
constexpr size_t kRebuildBytes = 8 * kMiB;

template <typename Digest>
Fingerprint FingerprintOf(const Digest& digest) {
  return GetBig64(digest.data());
}

bool HasDeliveries(const RecordBatch& batch) {
  return std::ranges::any_of(batch.records, [](const record::RecordEntry& entry) {
    return entry.identity.kind == Identity::Kind::kDelivery;
  });
}

}  // namespace

struct Deduper::Job {
  RecordBatch batch;
  record::CommitDone done;
  UnixNanos received_at;
  std::vector<Keys> keys;

  ClaimId claim{0};
  std::vector<Hit> hits;
  bool repeats = false;
  std::vector<Verdict> verdicts;  // empty: all are stored
};

struct Deduper::Counters {
  explicit Counters(MetricSet& metrics)
      : conflicts(metrics.GetCounter("sealtrail_identity_conflicts_total",
                                     "Records stored whose identity had other content before")),
        late(metrics.GetCounter("sealtrail_identity_late_duplicates_total",
                                "Repeats stored because they came after the window")),
        possible(metrics.GetCounter("sealtrail_identity_possible_duplicates_total",
                                    "Records without identity stored whose content came before")),
        unconfirmed(
            metrics.GetCounter("sealtrail_identity_unconfirmed_total",
                               "Records stored because what they may repeat could not be read")),
        entries(metrics.GetGauge("sealtrail_identity_window_entries",
                                 "Identities by which repeats are recognised")),
        bytes(metrics.GetGauge("sealtrail_identity_window_bytes", "Memory of the window")),
        outage(metrics.GetGauge(
            "sealtrail_identity_window_outage_seconds",
            "How long a sender may be cut off, at the rate of the window's records")) {}

  void Count(const Verdict& stored) {
    conflicts.Add(stored.conflict ? 1 : 0);
    late.Add(stored.late_duplicate ? 1 : 0);
    possible.Add(stored.possible_duplicate ? 1 : 0);
    unconfirmed.Add(stored.unconfirmed ? 1 : 0);
  }

  Counter& conflicts;
  Counter& late;
  Counter& possible;
  Counter& unconfirmed;
  Gauge& entries;
  Gauge& bytes;
  Gauge& outage;
};

Deduper::Deduper(const env::Env& env, record::RecordSink& next, const ledger::LedgerReader& reader,
                 const WindowLimits& limits, MetricSet& metrics)
    : env_(env),
      next_(next),
      reader_(reader),
      limits_(limits),
      counters_(std::make_unique<Counters>(metrics)),
      window_(limits),
      worker_(env.executor.StartWorker("dedupe")) {}

Deduper::~Deduper() {
  Stop();
}

void Deduper::Stop() {
  worker_->End();
}

void Deduper::Submit(RecordBatch batch, record::CommitDone done) {
  if (batch.record_class == record::RecordClass::kOwn || batch.records.empty())
    return next_.Submit(std::move(batch), std::move(done));
  auto job = std::make_shared<Job>();
  job->received_at = batch.received_at;
  job->keys.resize(batch.records.size());
  const record::BesideReader beside = BesideOf(batch);
  for (size_t i = 0; i < batch.records.size(); ++i) {
    const Identity& identity = batch.records[i].identity;
    if (identity.kind == Identity::Kind::kNone) continue;
    job->keys[i].identity = FingerprintOf(identity.digest);
    if (identity.kind != Identity::Kind::kDelivery) continue;
    const auto parts = record::SplitLeaf(LeafOf(batch, i));
    SEAL_CHECK(parts.ok());  // made by a BatchBuilder
    const auto digest = ContentDigest(*parts, beside);
    SEAL_CHECK(digest.ok());
    job->keys[i].content = FingerprintOf(*digest);
  }
  job->batch = std::move(batch);
  job->done = std::move(done);
  Begin(job);
}

// From its claim to its end nobody else decides about these identities.
void Deduper::Begin(const JobPtr& job) {
  if (!TryClaim(job)) return;  // comes back here
  if (job->hits.empty() && !job->repeats) return Forward(job);
  worker_->Post([this, job] { JudgeJob(job); });
}

// False where another batch on its way has one of the identities: then nothing is claimed, and the job begins again at the
// end of that one.
bool Deduper::TryClaim(const JobPtr& job) {
  MutexLock lock(mutex_);
  job->claim = ClaimId{next_claim_++};
  job->hits.clear();
  job->repeats = false;
  for (const Keys& keys : job->keys) {
    if (keys.identity != 0) window_.Prefetch(keys.identity);
    if (keys.content != 0) window_.Prefetch(keys.content);
  }
  std::vector<Fingerprint> claimed;
  claimed.reserve(job->keys.size());
  for (size_t i = 0; i < job->keys.size(); ++i) {
    for (const bool by_content : {false, true}) {
      const Fingerprint key = by_content ? job->keys[i].content : job->keys[i].identity;
      if (key == 0) continue;
      const ClaimId* other = nullptr;
      ClaimId found{0};
      window_.Find(key, [&](const Window::Entry& entry) {
        if (entry.age != Window::Age::kClaimed) {
          job->hits.push_back(
              {.record = i, .by_content = by_content, .age = entry.age, .seq = entry.seq});
        } else if (entry.claim == job->claim) {
          job->repeats = true;
        } else {
          found = entry.claim;
          other = &found;
        }
      });
      if (other != nullptr) {
        for (const Fingerprint mine : claimed) window_.Release(mine, job->claim);
        waiting_[static_cast<uint64_t>(found)].push_back(job);
        return false;
      }
      window_.Claim(key, job->claim);
      claimed.push_back(key);
    }
  }
  return true;
}

void Deduper::JudgeJob(const JobPtr& job) {
  StoredRecords stored(reader_);
  job->verdicts = Judge(job->batch, job->hits, job->repeats, stored);
  std::vector<record::LeafEdit> edits;
  bool any = false;
  for (const Verdict& verdict : job->verdicts) {
    edits.push_back(verdict.Edit());
    any = any || edits.back().keep;
  }
  if (!any && job->batch.notes.empty()) return Finish(job, CommitOutcome());
  job->batch = Edited(std::move(job->batch), edits);
  Forward(job);
}

void Deduper::Forward(const JobPtr& job) {
  if (HasDeliveries(job->batch)) {
    const auto parts = record::SplitLeaf(LeafOf(job->batch, 0));
    SEAL_CHECK(parts.ok());
    for (Bytes& note : DeliveryNotes(job->batch, parts->principal))
      job->batch.notes.push_back(std::move(note));
  }
  next_.Submit(std::move(job->batch),
               [this, job](Result<CommitOutcome> outcome) { Finish(job, std::move(outcome)); });
}

// `outcome`: of those that were handed on.
void Deduper::Finish(const JobPtr& job, Result<CommitOutcome> outcome) {
  std::vector<JobPtr> others;
  {
    MutexLock lock(mutex_);
    SettleOrRelease(*job, outcome);
    if (const auto found = waiting_.find(static_cast<uint64_t>(job->claim));
        found != waiting_.end()) {
      others = std::move(found->second);
      waiting_.erase(found);
    }
    ShowState();
  }
  if (outcome.ok() && !job->verdicts.empty()) {
    CommitOutcome all;
    size_t next = 0;
    for (const Verdict& verdict : job->verdicts) {
      switch (verdict.kind) {
        case Verdict::Kind::kStore:
          all.push_back((*outcome)[next++]);
          if (verdict.conflict) all.back().kind = RecordOutcome::Kind::kConflict;
          counters_->Count(verdict);
          break;
        case Verdict::Kind::kDuplicate:
          all.push_back({RecordOutcome::Kind::kDuplicate, verdict.of});
          break;
        case Verdict::Kind::kRepeatsInBatch:
          all.push_back({RecordOutcome::Kind::kDuplicate, all[verdict.first].seq});
          break;
      }
    }
    outcome = std::move(all);
  }
  job->done(std::move(outcome));
  for (const JobPtr& other : others) worker_->Post([this, other] { Begin(other); });
}

void Deduper::SettleOrRelease(Job& job, const Result<CommitOutcome>& outcome) {
  for (const Keys& keys : job.keys) {
    if (keys.identity != 0) window_.Prefetch(keys.identity);
    if (keys.content != 0) window_.Prefetch(keys.content);
  }
  size_t next = 0;
  for (size_t i = 0; i < job.keys.size(); ++i) {
    const bool stored =
        outcome.ok() && (job.verdicts.empty() || job.verdicts[i].kind == Verdict::Kind::kStore);
    const Seq seq = stored ? (*outcome)[next++].seq : Seq{0};
    uint64_t entries = 0;
    for (const Fingerprint key : {job.keys[i].identity, job.keys[i].content}) {
      if (key == 0) continue;
      if (stored) {
        window_.Settle(key, job.claim, seq);
        ++entries;
      } else {
        window_.Release(key, job.claim);
      }
    }
    if (entries != 0) window_.Advance(seq, entries, job.received_at);
  }
}

WindowState Deduper::StateLocked() const {
  const uint64_t entries = window_.entries();
  const int64_t span = window_.span_ns();
  // What the window would span if it were full, at the rate of what is in it.
  const double full = entries == 0 ? 0
                                   : static_cast<double>(span) / static_cast<double>(entries) *
                                         static_cast<double>(limits_.entries_max);
  const bool known = entries > 1 && span > 0;
  return {.entries = entries,
          .entries_max = limits_.entries_max,
          .bytes = window_.bytes(),
          .outage_ns = known && full < static_cast<double>(limits_.age_max_ns)
                           ? static_cast<int64_t>(full)
                           : limits_.age_max_ns};
}

WindowState Deduper::state() const {
  MutexLock lock(mutex_);
  return StateLocked();
}

void Deduper::ShowState() {
  const WindowState state = StateLocked();
  counters_->entries.Set(static_cast<double>(state.entries));
  counters_->bytes.Set(static_cast<double>(state.bytes));
  counters_->outage.Set(static_cast<double>(state.outage_ns) / kNanosPerSecond);
}

void Deduper::Rebuild() {
  const uint64_t size = Value(reader_.heights().durable);
  const uint64_t wanted = limits_.entries_max + limits_.entries_max / 8;
  StoredRecords stored(reader_);
  std::set<std::pair<Seq, Bytes>> notes;  // seen: a frame may be read twice
  uint64_t passed_over = 0;
  MutexLock lock(mutex_);
  for (uint64_t at = size > wanted ? size - wanted : 0; at < size;) {
    auto range = reader_.Read(Seq{at}, kRebuildRecords, kRebuildBytes);
    if (!range.ok()) {
      const uint64_t next = std::min(size, (at / kFrameRecordsMax + 1) * kFrameRecordsMax);
      passed_over += next - at;
      at = next;
      continue;
    }
    for (const ledger::RecordView& record : range->records) {
      const auto parts = record::SplitLeaf(record.leaf);
      const record::BesideReader beside = stored.BesideOf(record.seq);
      uint64_t entries = 0;
      if (!parts.ok()) {
        ++passed_over;
        continue;
      }
      if (parts->kind == "self" || parts->kind == "seal") continue;
      const auto identity = OwnIdentity(*parts, beside);
      if (identity.ok() && *identity) {
        window_.Add(FingerprintOf((**identity).digest), record.seq);
        ++entries;
      } else if (const auto digest = ContentDigest(*parts, beside); identity.ok() && digest.ok()) {
        window_.Add(FingerprintOf(*digest), record.seq);
        entries += 2;  // and the delivery, which a note says
      } else {
        ++passed_over;
      }
      window_.Advance(record.seq, entries, parts->received_at);
    }
    for (ledger::CommitNote& note : range->notes) {
      if (!IsDeliveryNote(note.bytes) || !notes.insert({note.first, note.bytes}).second) continue;
      const auto delivery = ParseDeliveryNote(note.bytes);
      if (!delivery.ok()) continue;
      for (const DeliveryNote::Run& run : delivery->runs) {
        for (uint32_t i = 0; i < run.count; ++i) {
          const Identity identity =
              record::IdentityOfDelivery(delivery->principal, delivery->request_hash, run.unit + i);
          window_.Add(FingerprintOf(identity.digest), note.first + (run.index + i));
        }
      }
    }
    while (notes.size() > 4 * kRebuildRecords) notes.erase(notes.begin());
    at = Value(range->records.back().seq) + 1;
  }
  ShowState();
  if (passed_over != 0) {
    LogLine(LogLevel::kError, env_.clock.Now(), "identities_unread",
            fmt::format("{} records could not be read at the start: if they are sent again, they "
                        "are stored again; sealtrail verify says what is wrong with them",
                        passed_over));
  }
}

}  // namespace sealtrail::dedupe
