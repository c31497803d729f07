#pragma once

#include <cstdint>

namespace sealtrail::env {

// Lets this thread rest. Only for commands that wait for another process; never in a server.
void Pause(int64_t nanos);

}  // namespace sealtrail::env
