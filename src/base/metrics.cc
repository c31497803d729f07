#include "base/metrics.h"

#include <algorithm>
#include <tuple>

namespace sealtrail {

Counter& MetricSet::GetCounter(const std::string& name, const std::string& help,
                               MetricLabels labels) {
  MutexLock lock(mutex_);
  auto& family = counter_families_[name];
  family.help = help;
  Counter*& counter = family.members[std::move(labels)];
  if (counter == nullptr) counter = &counters_.emplace_back();
  return *counter;
}

Gauge& MetricSet::GetGauge(const std::string& name, const std::string& help, MetricLabels labels) {
  MutexLock lock(mutex_);
  auto& family = gauge_families_[name];
  family.help = help;
  Gauge*& gauge = family.members[std::move(labels)];
  if (gauge == nullptr) gauge = &gauges_.emplace_back();
  return *gauge;
}

std::vector<MetricSet::Sample> MetricSet::Collect() const {
  MutexLock lock(mutex_);
  std::vector<Sample> samples;
  for (const auto& [name, family] : counter_families_) {
    for (const auto& [labels, counter] : family.members) {
      samples.push_back({name, family.help, labels, true, static_cast<double>(counter->value())});
    }
  }
  for (const auto& [name, family] : gauge_families_) {
    for (const auto& [labels, gauge] : family.members) {
      samples.push_back({name, family.help, labels, false, gauge->value()});
    }
  }
  std::ranges::sort(samples, [](const Sample& a, const Sample& b) {
    return std::tie(a.name, a.labels) < std::tie(b.name, b.labels);
  });
  return samples;
}

}  // namespace sealtrail
