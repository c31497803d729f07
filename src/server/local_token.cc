#include "server/local_token.h"

#include <array>

#include "base/encoding.h"
#include "base/limits.h"

namespace sealtrail::server {

Result<std::string> OpenLocalToken(const env::Env& env, const std::string& data_dir) {
  constexpr std::string_view kName = "local.token";
  const std::string path = env::JoinPath(data_dir, kName);
  const auto stored = env::ReadFile(env.files, path, kKiB);
  if (stored.ok()) {
    std::string token(AsText(*stored));
    while (token.ends_with('\n')) token.pop_back();
    if (token.size() < 32)
      return FailedPrecondition("{}: no token in it; remove the file to get a new one", path);
    return token;
  }
  if (stored.status().code() != StatusCode::kNotFound) return stored.status();
  std::array<uint8_t, 32> secret;
  env.random.Fill(secret);
  std::string token = HexEncode(secret);
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env.files, data_dir, kName, AsBytes(token + "\n")));
  return token;
}

}  // namespace sealtrail::server
