// Per source: received = stored + duplicate + filtered + refused. Counted in counted units (spans, span events, log
// records), shown in /metrics, and recorded every five minutes and at stop. design §3.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "pipeline/record_mapper.h"

namespace sealtrail::pipeline {

// What became of counted units.
struct Tally {
  uint64_t received = 0;
  uint64_t stored = 0;
  uint64_t duplicate = 0;
  uint64_t filtered = 0;
  uint64_t refused = 0;
};

// Threads  Safe.
class SourceTallies {
 public:
  // Sources counted under their own names; those that come later share one entry named "(others)".
  static constexpr size_t kSourcesMax = 1000;

  explicit SourceTallies(MetricSet& metrics) : metrics_(metrics) {}

  void Add(const std::string& principal, const Source& source, const Tally& tally);

  struct Entry {
    std::string principal;
    Source source;
    Tally total;
  };
  // Sources with news since the last call, with their totals since the process started.
  std::vector<Entry> TakeChanged();

  // What TakeChanged gave could not be recorded: it counts as news again.
  void PutBack(const Entry& entry);

 private:
  using Key = std::pair<std::string, Source>;
  struct State {
    Tally total;
    bool changed = false;
    Counter* received;
    Counter* stored;
    Counter* duplicate;
    Counter* filtered;
    Counter* refused;
  };

  State& Find(const std::string& principal, const Source& source) SEAL_REQUIRES(mutex_);

  MetricSet& metrics_;
  Mutex mutex_;
  std::map<Key, State> states_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail::pipeline
