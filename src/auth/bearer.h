// Bearer tokens (RFC 6750 §2.1), compared in constant time.
#pragma once

#include <string_view>

namespace sealtrail::auth {

// Whether the content of an Authorization header presents exactly `token`. The time taken tells nothing about how
// much of it was right. False for an empty token.
bool PresentsToken(std::string_view authorization, std::string_view token);

}  // namespace sealtrail::auth
