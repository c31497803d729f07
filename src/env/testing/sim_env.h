// The whole world of a module, simulated in one thread from one seed: clock, files, randomness,
// executor.
//
//   SimEnv world(seed);                                   // or SimEnv world({.seed = 7,
//   .power_cut_at = 12}); SCOPED_TRACE(world.Describe());                       // the seed, to run
//   it again auto ledger = Ledger::Open(world.env(), "/data", ...);
//   ...
//   world.executor().RunUntilIdle();                      // nothing happens by itself
//   world.clock().StepWall(-5 * kNanosPerSecond);         // the manual of each part is its own
//   header world.Crash();                                        // the machine dies; destroy what
//   ran on it, then world.files().PowerOn();                              // what survived
#pragma once

#include <string>

#include "env/env.h"
#include "env/testing/sim_clock.h"
#include "env/testing/sim_executor.h"
#include "env/testing/sim_fs.h"
#include "env/testing/sim_random.h"

namespace sealtrail::env::testing {

class SimEnv {
 public:
  explicit SimEnv(uint64_t seed) : SimEnv(SimFsOptions{.seed = seed}) {}
  // `options.seed` is the seed of all parts.
  explicit SimEnv(const SimFsOptions& options)
      : seed_(options.seed),
        files_(options),
        random_(options.seed),
        executor_(options.seed, clock_) {}

  // Borrows from this.
  Env env() { return {.clock = clock_, .files = files_, .random = random_, .executor = executor_}; }

  SimClock& clock() { return clock_; }
  SimFs& files() { return files_; }
  SimRandom& random() { return random_; }
  SimExecutor& executor() { return executor_; }

  // Cuts the power, where it has not failed yet, and drops every task and timer.
  void Crash() {
    files_.CutPower();
    executor_.DropAll();
  }

  // Seed, and the file system's trace at this moment.
  std::string Describe() const { return files_.trace(); }
  uint64_t seed() const { return seed_; }

 private:
  const uint64_t seed_;
  SimClock clock_;
  SimFs files_;
  SimRandom random_;
  SimExecutor executor_;
};

}  // namespace sealtrail::env::testing
