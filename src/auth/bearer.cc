#include "auth/bearer.h"

#include "crypto/sha256.h"

namespace sealtrail::auth {

// Digests of equal length are compared byte by byte without a branch; whoever times it learns at most where two
// random-looking digests differ.
bool PresentsToken(std::string_view authorization, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  if (token.empty() || !authorization.starts_with(kScheme)) return false;
  const crypto::Hash presented = crypto::Sha256(AsBytes(authorization.substr(kScheme.size())));
  const crypto::Hash wanted = crypto::Sha256(AsBytes(token));
  uint8_t difference = 0;
  for (size_t i = 0; i < wanted.size(); ++i)
    difference |= static_cast<uint8_t>(presented[i] ^ wanted[i]);
  return difference == 0;
}

}  // namespace sealtrail::auth
