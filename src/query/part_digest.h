// The SHA-256 of a part's file, by which a rotten one is known before it can answer anything.
#pragma once

#include <string>

#include "base/status.h"
#include "env/files.h"

namespace sealtrail::query {

// Hexadecimal, of all bytes of the file as they are now.
Result<std::string> FileDigest(env::FileSystem& files, const std::string& path);

}  // namespace sealtrail::query
