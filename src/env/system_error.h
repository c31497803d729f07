// errno as a Status, in one place: the real file system and the simulated one must answer alike.
#pragma once

#include <string_view>

#include "base/status.h"

namespace sealtrail::env {

// "OPERATION PATH: TEXT". ENOENT is NotFound, EEXIST AlreadyExists; what only an operator can mend
// (rights, a read-only disk, a file where a folder belongs) FailedPrecondition; all else
// Unavailable.
Status SystemError(int error, std::string_view operation, std::string_view path);

}  // namespace sealtrail::env
