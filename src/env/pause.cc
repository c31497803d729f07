#include "env/pause.h"

#include <chrono>
#include <thread>

namespace sealtrail::env {

void Pause(int64_t nanos) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(nanos));
}

}  // namespace sealtrail::env
