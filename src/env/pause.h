#pragma once

#include <cstdint>

namespace sealtrail::env {

// Lets this thread rest. Only while waiting for another process, in a command or at a start; never in a server that answers.
void Pause(int64_t nanos);

}  // namespace sealtrail::env
