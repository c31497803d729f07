#include "env/testing/sim_clock.h"

#include "base/check.h"

namespace sealtrail::env::testing {

void SimClock::Advance(int64_t nanos) {
  SEAL_CHECK(nanos >= 0);
  wall_ += nanos;
  monotonic_ += nanos;
}

}  // namespace sealtrail::env::testing
