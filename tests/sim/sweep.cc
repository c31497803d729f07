#include "sweep.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "env/testing/seeded.h"

namespace sealtrail::sim {
namespace {

constexpr uint64_t kPointsDefault = 10'000;

uint64_t NumberIn(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  const uint64_t number = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  return number == 0 ? otherwise : number;
}

std::vector<int> Shuffled(int count, uint64_t seed) {
  std::vector<int> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  env::testing::Seeded choices(seed, 24);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[choices.Below(i)]);
  return order;
}

}  // namespace

uint64_t WorldSeed(uint64_t number) {
  return NumberIn("SEALTRAIL_SEED", 1) * 1'000'000 + number;
}

uint64_t PointsOf(uint64_t per_mille) {
  const uint64_t all = NumberIn("SEALTRAIL_SWEEP_POINTS", kPointsDefault);
  return std::max<uint64_t>(1, all * per_mille / 1000);
}

Tally::~Tally() {
  if (points == 0) return;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began_;
  std::printf(
      "sweep | %-44s | %7llu points | %7llu power cuts | %7llu faults | %llu violations | %.1f s\n",
      name_.c_str(), static_cast<unsigned long long>(points), static_cast<unsigned long long>(cuts),
      static_cast<unsigned long long>(faults), static_cast<unsigned long long>(violations),
      seconds.count());
  std::fflush(stdout);
}

void ForEachPoint(uint64_t per_mille, int operations,
                  const std::function<bool(uint64_t, int)>& try_point) {
  uint64_t left = PointsOf(per_mille);
  for (uint64_t round = 1; left != 0; ++round) {
    const uint64_t seed = WorldSeed(round);
    for (const int operation : Shuffled(operations, seed)) {
      if (left == 0) return;
      --left;
      if (!try_point(seed, operation)) return;
    }
  }
}

}  // namespace sealtrail::sim
