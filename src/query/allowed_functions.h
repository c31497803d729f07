// The functions that a statement may call, in lower case: those that compute a value from values.
#pragma once

#include <string_view>

namespace sealtrail::query {

bool IsAllowedFunction(std::string_view name);
// In FROM.
bool IsAllowedTableFunction(std::string_view name);
// Allowed, but another call may answer differently.
bool IsVolatileFunction(std::string_view name);

}  // namespace sealtrail::query
