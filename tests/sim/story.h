// What happens to a trail in a simulated world, as data: what its processes do, one step after the other, and where the
// disk fails them. With the seed it is all that is needed to see the same life again; a failure prints it.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "env/testing/sim_node.h"

namespace sealtrail::sim {

// A step is taken by the process that runs; where none does, one is started before it.
struct Step {
  enum class Kind {
    kSubmit,      // a request of `amount` records
    kBeside,      // the same, with content that lies beside
    kRun,         // `amount` tasks, of whichever worker the seed picks
    kWait,        // `amount` nanoseconds pass
    kRotate,      // a new key takes over
    kCheckpoint,  // is asked for
    kStepClock,   // the wall clock by `amount` nanoseconds
    kFillDisk,    // `amount` more bytes fit, until kEmptyDisk
    kEmptyDisk,
    kKill,  // the process dies, the machine goes on
    kCutPower,
    kStop,  // in order
  };
  Kind kind;
  int64_t amount = 0;
};
using Script = std::vector<Step>;

// Four processes, which seal by size and by age, rotate keys twice, and meet a stepped clock.
Script OrdinaryScript();

// Everything by the seed.
Script RandomScript(uint64_t seed);

// Something that the disk does at the operation, or the read, of this number (sim_fs.h).
struct Fault {
  enum class Kind { kCutPower, kFail, kSpoilWrite, kLoseSync, kFailRead };
  Kind kind;
  int at;
  int error = 0;  // of kFail
};

inline Fault CutPowerAt(int at) {
  return {.kind = Fault::Kind::kCutPower, .at = at};
}
inline Fault FailAt(int at, int error) {
  return {.kind = Fault::Kind::kFail, .at = at, .error = error};
}
inline Fault LoseSyncAt(int at) {
  return {.kind = Fault::Kind::kLoseSync, .at = at};
}
inline Fault SpoilWriteAt(int at) {
  return {.kind = Fault::Kind::kSpoilWrite, .at = at};
}
inline Fault FailReadAt(int at) {
  return {.kind = Fault::Kind::kFailRead, .at = at};
}

struct Story {
  uint64_t seed = 1;
  Script script;
  std::vector<Fault> faults;  // those of a kind by `at`
  env::testing::Survival survival = env::testing::Survival::kSeeded;
};

std::string Describe(const Story& story);

}  // namespace sealtrail::sim
