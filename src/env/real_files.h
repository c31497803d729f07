#pragma once

#include "env/files.h"

namespace sealtrail::env {

FileSystem& RealFiles();

}  // namespace sealtrail::env
