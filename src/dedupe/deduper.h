// Stores each record once, however often it is sent: a RecordSink before another. docs/design/duplicates.md.
//
// A record whose identity was stored lately, with the same content, is a duplicate of that and is not stored again; with
// other content it is stored with the finding `conflict`. A record without identity of its own is known by its delivery
// (the same request again), and stored with `possible_duplicate` where another request brought the same content. What is
// recognised only just beyond the window is stored with `late_duplicate`.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "dedupe/judge.h"
#include "dedupe/window.h"
#include "env/env.h"
#include "ledger/ledger_reader.h"
#include "record/record_sink.h"

namespace sealtrail::dedupe {

// What the window holds at this moment.
struct WindowState {
  uint64_t entries;
  uint64_t entries_max;
  uint64_t bytes;
  // For how long a sender may have been cut off, at the rate of the window's records, and still have its repeats
  // recognised.
  int64_t outage_ns;
};

// Threads     Safe. Records that meet nobody pass on the caller's thread; others are compared on a worker.
// Durability  As that of `next`: a duplicate is acknowledged once the stored record is durable.
// Errors      Those of `next`, for the whole batch. A stored record that cannot be read to be compared keeps nothing out:
//             what may be its repeat is stored, with `possible_duplicate`.
class Deduper : public record::RecordSink {
 public:
  // Borrows all; `next` and `reader` are of one ledger. Reads the window's records again: Rebuild().
  Deduper(const env::Env& env, record::RecordSink& next, const ledger::LedgerReader& reader,
          const WindowLimits& limits, MetricSet& metrics);
  ~Deduper() override;

  // Before the first Submit(): what was stored before this process. Records that cannot be read are passed over and said
  // in the log.
  void Rebuild();

  // The store's own records pass as they are.
  void Submit(record::RecordBatch batch, record::CommitDone done) override;

  WindowState state() const;

  // Ends the worker, after what was submitted is answered.
  void Stop();

 private:
  // What a record is looked up by; 0: by nothing.
  struct Keys {
    Fingerprint identity = 0;
    Fingerprint content = 0;
  };
  struct Job;
  struct Counters;
  using JobPtr = std::shared_ptr<Job>;

  void Begin(const JobPtr& job);
  bool TryClaim(const JobPtr& job);
  void JudgeJob(const JobPtr& job);
  void Forward(const JobPtr& job);
  void Finish(const JobPtr& job, Result<record::CommitOutcome> outcome);
  void SettleOrRelease(Job& job, const Result<record::CommitOutcome>& outcome)
      SEAL_REQUIRES(mutex_);
  void ShowState() SEAL_REQUIRES(mutex_);
  WindowState StateLocked() const SEAL_REQUIRES(mutex_);

  const env::Env env_;
  record::RecordSink& next_;
  const ledger::LedgerReader& reader_;
  const WindowLimits limits_;
  const std::unique_ptr<Counters> counters_;

  mutable Mutex mutex_;
  Window window_ SEAL_GUARDED_BY(mutex_);
  uint64_t next_claim_ SEAL_GUARDED_BY(mutex_) = 1;
  std::unordered_map<uint64_t, std::vector<JobPtr>> waiting_ SEAL_GUARDED_BY(mutex_);  // by claim

  std::unique_ptr<env::Worker> worker_;  // last: ends before what its tasks use
};

}  // namespace sealtrail::dedupe
