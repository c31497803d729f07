// Our only door to the system. All that is non-deterministic arrives in one Env, handed through
// constructors and never fetched from a global: RealEnv() in main(), testing::SimEnv in tests.
#pragma once

#include "env/clock.h"
#include "env/executor.h"
#include "env/files.h"
#include "env/random.h"

namespace sealtrail::env {

// Borrowed: whoever makes an Env keeps its parts alive for as long as anything made from it.
struct Env {
  Clock& clock;
  FileSystem& files;
  Random& random;
  Executor& executor;
};

// The system itself. Lives until the process ends.
Env RealEnv();

}  // namespace sealtrail::env
