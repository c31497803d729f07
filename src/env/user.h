// Who runs this process, or holds a user id.
#pragma once

#include <cstdint>
#include <string>

namespace sealtrail::env {

// The name of user `uid`, or its number where it has none.
std::string UserName(uint32_t uid);

// The effective user of this process.
uint32_t CurrentUser();

// From here on, what this process and its children make is for its user alone.
void KeepFilesPrivate();

}  // namespace sealtrail::env
