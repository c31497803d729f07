#include "anchor/witness_key.h"

#include <array>

#include "base/limits.h"

namespace sealtrail::anchor {
namespace {

constexpr size_t kKeyBytesMax = 4 * kKiB;
constexpr std::string_view kKeyName = "witness.key";
constexpr std::string_view kVkeyName = "witness.vkey";

Result<std::string> MakeKey(const env::Env& env, const WitnessOptions& options,
                            const std::string& keys_dir) {
  SEAL_ASSIGN_OR_RETURN(const auto logs, env.files.List(env::JoinPath(options.data_dir, "logs")));
  if (!logs.empty()) {
    return FailedPrecondition(
        "{} is lost: begin anew in an empty folder, with a new name, and tell those who rely on it",
        env::JoinPath(keys_dir, kKeyName));
  }
  std::array<uint8_t, crypto::kEd25519SeedBytes> seed;
  env.random.Fill(seed);
  SEAL_ASSIGN_OR_RETURN(const auto cosigner, tlog::Cosigner::FromSeed(options.name, seed));
  std::string text = tlog::Cosigner::KeyText(cosigner.verifier(), seed);
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env.files, keys_dir, kKeyName, AsBytes(text)));
  return text;
}

}  // namespace

Result<tlog::Cosigner> LoadOrMakeWitnessKey(const env::Env& env, const WitnessOptions& options) {
  const std::string keys_dir = env::JoinPath(options.data_dir, "keys");
  const std::string path = env::JoinPath(keys_dir, kKeyName);
  std::string text;
  const auto stored = env::ReadFile(env.files, path, kKeyBytesMax);
  if (stored.ok()) {
    text = AsText(*stored);
  } else if (stored.status().code() == StatusCode::kNotFound) {
    SEAL_ASSIGN_OR_RETURN(text, MakeKey(env, options, keys_dir));
  } else {
    return stored.status();
  }
  auto cosigner = tlog::Cosigner::FromText(text);
  if (!cosigner.ok()) return DataLoss("{}: {}", path, cosigner.status().message());
  if (cosigner->verifier().name() != options.name) {
    return FailedPrecondition("{} is the key of {}, and the name configured is {}", path,
                              cosigner->verifier().name(), options.name);
  }
  // Anew at every start: a crash may have come between the two files, or before the folder was
  // synced.
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env.files, keys_dir, kKeyName, AsBytes(text)));
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env.files, keys_dir, kVkeyName,
                                        AsBytes(cosigner->verifier().vkey() + "\n")));
  return cosigner;
}

}  // namespace sealtrail::anchor
