// What was found so far, by whoever looks.
#pragma once

#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "verify/report.h"

namespace sealtrail::verify {

struct Findings {
  // Files that do not belong there are cheap to make, and must not crowd out what stands in the others.
  static constexpr size_t kUnknownFilesMax = 100;

  std::vector<Damage> damage;  // in the order found, at most kDamageMax
  uint64_t damage_total = 0;
  std::set<std::string> kinds;  // of all damage, also of what is not listed
  size_t unknown_files = 0;
  std::vector<Notice> notices;
  std::vector<std::string> obstacles;

  void Found(Damage found) {
    ++damage_total;
    kinds.insert(found.kind);
    if (found.kind == "unknown_file" && ++unknown_files > kUnknownFilesMax) return;
    if (damage.size() < kDamageMax) damage.push_back(std::move(found));
  }
  void Take(Findings other) {
    const uint64_t total = damage_total + other.damage_total;
    for (Damage& each : other.damage) Found(std::move(each));
    kinds.merge(other.kinds);
    damage_total = total;
    std::move(other.notices.begin(), other.notices.end(), std::back_inserter(notices));
    std::move(other.obstacles.begin(), other.obstacles.end(), std::back_inserter(obstacles));
  }
};

}  // namespace sealtrail::verify
