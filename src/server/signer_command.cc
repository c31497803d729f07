#include "server/signer_command.h"

#include "base/encoding.h"
#include "env/run_command.h"

namespace sealtrail::server {
namespace {

constexpr int64_t kTimeoutNanos = 10 * kNanosPerSecond;

Result<Bytes> Ask(const std::vector<std::string>& argv, std::string_view text) {
  SEAL_ASSIGN_OR_RETURN(
      const env::CommandResult result,
      env::RunCommand({.argv = argv, .timeout_ns = kTimeoutNanos}, AsBytes(text)));
  if (result.exit.code != 0 || result.exit.signal != 0) {
    return Unavailable("{} ended with {}{}{}", argv[0], result.exit.ToString(),
                       result.errors.empty() ? "" : ": ", result.errors);
  }
  std::string_view answer = AsText(result.output);
  if (answer.ends_with('\n')) answer.remove_suffix(1);
  auto signature = Base64Decode(answer);
  if (!signature.ok() || signature->size() != crypto::kEd25519SignatureBytes) {
    return Unavailable("{} answered {} bytes, expected the base64 of a signature of {} bytes",
                       argv[0], result.output.size(), crypto::kEd25519SignatureBytes);
  }
  return signature;
}

}  // namespace

std::optional<ledger::ExternalSigner> SignerOf(const std::optional<config::SignerCommand>& signer) {
  if (!signer) return std::nullopt;
  return ledger::ExternalSigner{
      .vkey = signer->vkey,
      .sign = [argv = signer->command](std::string_view text) { return Ask(argv, text); }};
}

}  // namespace sealtrail::server
