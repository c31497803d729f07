#include "ledger/signing_key.h"

#include <utility>

namespace sealtrail::ledger {
namespace {

Result<std::string> ExternalLine(const tlog::Verifier& verifier, const ExternalSigner& signer,
                                 std::string_view text) {
  const auto signature = signer.sign(text);
  if (!signature.ok()) return signature.status();
  SEAL_RETURN_IF_ERROR(verifier.Verify(text, *signature).Annotate("it gave a wrong signature"));
  return tlog::SignatureLine({verifier.name(), verifier.id(), *signature});
}

}  // namespace

SigningKey::SigningKey(tlog::Signer signer)
    : verifier_(signer.verifier()), in_file_(true), line_of_(nullptr) {
  line_of_ = [shared = std::make_shared<const tlog::Signer>(std::move(signer))](
                 std::string_view text) { return shared->SignatureLine(text); };
}

Result<SigningKey> SigningKey::External(ExternalSigner signer) {
  SEAL_ASSIGN_OR_RETURN(tlog::Verifier verifier, tlog::Verifier::FromVkey(signer.vkey));
  auto line_of = [verifier, signer = std::move(signer)](std::string_view text) {
    return ExternalLine(verifier, signer, text);
  };
  return SigningKey(std::move(verifier), false, std::move(line_of));
}

Result<std::string> SigningKey::SignatureLine(std::string_view text) const {
  auto line = line_of_(text);
  if (!line.ok()) return line.status().Annotate(fmt::format("the signer of {}", verifier_.vkey()));
  return line;
}

Result<std::string> SigningKey::Sign(std::string_view text) const {
  SEAL_ASSIGN_OR_RETURN(const std::string line, SignatureLine(text));
  return tlog::MakeNote(text, line);
}

}  // namespace sealtrail::ledger
