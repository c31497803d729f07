// How attribute keys are named as columns of a part.
#pragma once

#include <string>
#include <string_view>

namespace sealtrail::query {

// "a.enduser.id" for the attribute enduser.id, "r.service.name" for a resource's. DuckDB compares names without
// regard to case, so each byte other than a-z 0-9 . _ - is written as % and two digits: "a.%41ction" is Action.
std::string AttributeColumn(std::string_view key);
std::string ResourceColumn(std::string_view key);

}  // namespace sealtrail::query
