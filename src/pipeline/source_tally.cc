#include "pipeline/source_tally.h"

#include <utility>

#include "base/utf8.h"

namespace sealtrail::pipeline {

SourceTallies::State& SourceTallies::Find(const std::string& principal, const Source& source) {
  Key key{principal, source};
  const auto found = states_.find(key);
  if (found != states_.end()) return found->second;
  if (states_.size() >= kSourcesMax) key = {"(others)", {}};
  const auto [entry, inserted] = states_.try_emplace(key);
  State& state = entry->second;
  if (!inserted) return state;
  const auto counter = [&](const char* result) {
    return &metrics_.GetCounter(
        "sealtrail_source_units_total",
        "Counted units by source: received = stored + duplicate + filtered + refused",
        {{"principal", Utf8Lossy(key.first)},
         {"service_namespace", Utf8Lossy(key.second.service_namespace)},
         {"service", Utf8Lossy(key.second.service)},
         {"environment", Utf8Lossy(key.second.environment)},
         {"result", result}});
  };
  state.received = counter("received");
  state.stored = counter("stored");
  state.duplicate = counter("duplicate");
  state.filtered = counter("filtered");
  state.refused = counter("refused");
  return state;
}

void SourceTallies::Add(const std::string& principal, const Source& source, const Tally& tally) {
  MutexLock lock(mutex_);
  State& state = Find(principal, source);
  state.changed = true;
  const auto add = [](uint64_t& total, Counter* counter, uint64_t n) {
    total += n;
    counter->Add(n);
  };
  add(state.total.received, state.received, tally.received);
  add(state.total.stored, state.stored, tally.stored);
  add(state.total.duplicate, state.duplicate, tally.duplicate);
  add(state.total.filtered, state.filtered, tally.filtered);
  add(state.total.refused, state.refused, tally.refused);
}

std::vector<SourceTallies::Entry> SourceTallies::TakeChanged() {
  MutexLock lock(mutex_);
  std::vector<Entry> changed;
  for (auto& [key, state] : states_) {
    if (!std::exchange(state.changed, false)) continue;
    changed.push_back({.principal = key.first, .source = key.second, .total = state.total});
  }
  return changed;
}

void SourceTallies::PutBack(const Entry& entry) {
  MutexLock lock(mutex_);
  Find(entry.principal, entry.source).changed = true;
}

}  // namespace sealtrail::pipeline
