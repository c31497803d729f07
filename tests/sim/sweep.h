// Crash points: how many of them each sweep tries, which, and the line that says what came of them.
//
// A crash point is one world with its seed and its faults. SEALTRAIL_SWEEP_POINTS (default 10,000) is the sum over all sweeps of
// tests/sim, each of which has a share; SEALTRAIL_SEED (default 1) is where all choices come from.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace sealtrail::sim {

// Drawn from SEALTRAIL_SEED; the same number gives the same seed.
uint64_t WorldSeed(uint64_t number);

// `per_mille` of all points, at least 1.
uint64_t PointsOf(uint64_t per_mille);

// What was tried. Prints one line when it ends, which scripts/soak adds up.
class Tally {
 public:
  explicit Tally(std::string name)
      : name_(std::move(name)), began_(std::chrono::steady_clock::now()) {}
  ~Tally();
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  uint64_t points = 0;
  uint64_t cuts = 0;    // of the power
  uint64_t faults = 0;  // operations and reads that failed, syncs that were lost, bits that changed
  uint64_t violations = 0;

 private:
  const std::string name_;
  const std::chrono::steady_clock::time_point began_;
};

// Calls `try_point(seed, operation)` for each point of a share: all `operations` from one seed, in an order that is drawn, then
// all of them from the next. Ends early where it answers false.
void ForEachPoint(uint64_t per_mille, int operations,
                  const std::function<bool(uint64_t seed, int operation)>& try_point);

}  // namespace sealtrail::sim
