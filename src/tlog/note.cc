#include "tlog/note.h"

#include "base/origin.h"

namespace sealtrail::tlog {

Verifier::Verifier(std::string name, const crypto::Ed25519PublicKey& key)
    : name_(std::move(name)), key_(key), id_(MakeKeyId(name_, SignatureType::kEd25519, key_)) {}

Result<Verifier> Verifier::FromVkey(std::string_view vkey) {
  SEAL_ASSIGN_OR_RETURN(const VerifierKey parsed, ParseVkey(vkey));
  SEAL_ASSIGN_OR_RETURN(const crypto::Ed25519PublicKey key,
                        Ed25519KeyOf(parsed, SignatureType::kEd25519));
  return Verifier(parsed.name, key);
}

std::string Verifier::vkey() const {
  return FormatVkey({name_, id_, SignatureType::kEd25519, Bytes(key_.begin(), key_.end())});
}

// A length that cannot be is one more way for a known key's signature to be wrong.
Status Verifier::Verify(std::string_view text, ByteView signature) const {
  const Status status = crypto::VerifyEd25519(key_, AsBytes(text), signature);
  return status.ok() ? status : DataLoss("{}: {}", name_, status.message());
}

Result<std::string> Verifier::Open(std::string_view note) const {
  const NoteVerifier* const known[] = {this};
  Result<OpenedNote> opened = OpenNote(note, known);
  if (opened.ok()) return std::move(opened->text);
  if (opened.status().code() == StatusCode::kUnauthenticated) {
    return DataLoss("no signature by {}", vkey());
  }
  return opened.status();
}

Signer::Signer(Verifier verifier, crypto::Ed25519PrivateKey key)
    : verifier_(std::move(verifier)), key_(std::move(key)) {}

Result<Signer> Signer::FromSeed(std::string name, ByteView seed) {
  SEAL_RETURN_IF_ERROR(CheckOrigin(name));
  SEAL_ASSIGN_OR_RETURN(crypto::Ed25519PrivateKey key, crypto::Ed25519PrivateKey::FromSeed(seed));
  Verifier verifier(std::move(name), key.public_key());
  return Signer(std::move(verifier), std::move(key));
}

Result<Signer> Signer::FromText(std::string_view text) {
  SEAL_ASSIGN_OR_RETURN(const SignerKey parsed, ParseSignerKey(text, SignatureType::kEd25519));
  SEAL_ASSIGN_OR_RETURN(Signer signer, FromSeed(parsed.name, parsed.seed));
  if (signer.verifier_.id() != parsed.id) {
    return InvalidArgument("the key's hash does not match the key");
  }
  return signer;
}

std::string Signer::KeyText(const Verifier& verifier, ByteView seed) {
  return FormatSignerKey(
      {verifier.name(), verifier.id(), SignatureType::kEd25519, Bytes(seed.begin(), seed.end())});
}

std::string Signer::SignatureLine(std::string_view text) const {
  const crypto::Ed25519Signature signature = key_.Sign(AsBytes(text));
  return tlog::SignatureLine(
      {verifier_.name(), verifier_.id(), Bytes(signature.begin(), signature.end())});
}

std::string Signer::Sign(std::string_view text) const {
  return MakeNote(text, SignatureLine(text));
}

}  // namespace sealtrail::tlog
