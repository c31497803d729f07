// Who a trail is: the name of its log and of its key, by the rules that C2SP signed-note sets for key names.
#pragma once

#include <string_view>

#include "base/status.h"

namespace sealtrail {

// OK if `name` may be an origin: 1 to 255 bytes of UTF-8 without Unicode space, '+' or control character.
// InvalidArgument says why not.
Status CheckOrigin(std::string_view name);

// OK if `name` may name a key in a signed note (c2sp.org/signed-note), ours or a stranger's: UTF-8, not empty, no
// Unicode space, no '+', no control character below U+0020. InvalidArgument says why not.
Status CheckKeyName(std::string_view name);

}  // namespace sealtrail
