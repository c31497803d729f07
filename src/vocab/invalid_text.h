// Whether a record holds text that is not UTF-8: {"u":"<base64>"} in a text's place (record.md §2).
#pragma once

#include <string_view>

namespace sealtrail::vocab {

// `member`: the name under which `json` stands in its leaf ("re", "sc", …), empty for a leaf
// itself. Resource and scope groups and entity references may have a lone member `u` that is a
// schema's address, and is no such tag.
bool HasInvalidText(std::string_view json, std::string_view member);

}  // namespace sealtrail::vocab
