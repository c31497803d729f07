// Random bytes from a seed.
#pragma once

#include "base/mutex.h"
#include "env/random.h"
#include "env/testing/seeded.h"

namespace sealtrail::env::testing {

// Threads  Safe.
class SimRandom : public Random {
 public:
  explicit SimRandom(uint64_t seed) : choices_(seed, 1) {}

  void Fill(std::span<uint8_t> out) override {
    MutexLock lock(mutex_);
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(choices_.Next());
  }

 private:
  Mutex mutex_;
  Seeded choices_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail::env::testing
