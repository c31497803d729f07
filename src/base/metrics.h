// Counters and gauges. Modules take a MetricSet and keep pointers to what they count; `api` renders
// them. Names and labels follow Prometheus; docs/metrics.md lists them.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace sealtrail {

// Threads  Any thread may add and read.
class Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Threads  Any thread may set and read.
class Gauge {
 public:
  void Set(double v) { value_.store(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Owns every counter and gauge of one process. What it hands out lives as long as the set.
// Threads  Safe.
class MetricSet {
 public:
  struct Sample {
    std::string name;
    std::string help;
    MetricLabels labels;
    bool is_counter;
    double value;
  };

  // The same name and labels give the same counter.
  Counter& GetCounter(const std::string& name, const std::string& help, MetricLabels labels = {});
  Gauge& GetGauge(const std::string& name, const std::string& help, MetricLabels labels = {});

  // Everything as it stands, ordered by name, then labels.
  std::vector<Sample> Collect() const;

 private:
  template <typename T>
  struct Family {
    std::string help;
    std::map<MetricLabels, T*> members;
  };

  mutable Mutex mutex_;
  std::deque<Counter> counters_ SEAL_GUARDED_BY(mutex_);
  std::deque<Gauge> gauges_ SEAL_GUARDED_BY(mutex_);
  std::map<std::string, Family<Counter>> counter_families_ SEAL_GUARDED_BY(mutex_);
  std::map<std::string, Family<Gauge>> gauge_families_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail
