#include "api/entry_reads.h"

#include <algorithm>
#include <utility>

namespace sealtrail::api {

bool EntryReads::Count(const std::string& principal, uint64_t first, uint64_t entries) {
  MutexLock lock(mutex_);
  const auto found = counted_.find(principal);
  if (found == counted_.end()) return false;
  Tally& tally = found->second;
  const uint64_t last = first + entries - 1;
  tally.from = tally.bundles == 0 ? first : std::min(tally.from, first);
  tally.to = std::max(tally.to, last);
  ++tally.bundles;
  tally.entries += entries;
  return true;
}

void EntryReads::MarkRecorded(const std::string& principal) {
  MutexLock lock(mutex_);
  counted_.try_emplace(principal);
}

std::vector<std::pair<std::string, EntryReads::Tally>> EntryReads::TakeMinute() {
  std::map<std::string, Tally> counted;
  {
    MutexLock lock(mutex_);
    counted.swap(counted_);
  }
  std::vector<std::pair<std::string, Tally>> tallies;
  for (const auto& [principal, tally] : counted) {
    if (tally.bundles != 0) tallies.emplace_back(principal, tally);
  }
  return tallies;
}

record::SelfAct EntryReads::Act(std::string_view principal, const Tally& tally) {
  return {.action = "sealtrail.entries.read",
          .actor = principal,
          .details = {{"sealtrail.read.bundles", std::to_string(tally.bundles)},
                      {"sealtrail.read.entries", std::to_string(tally.entries)},
                      {"sealtrail.read.from", std::to_string(tally.from)},
                      {"sealtrail.read.to", std::to_string(tally.to)}}};
}

}  // namespace sealtrail::api
