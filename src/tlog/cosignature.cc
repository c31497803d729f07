#include "tlog/cosignature.h"

#include <limits>

#include "base/endian.h"
#include "base/origin.h"

namespace sealtrail::tlog {
namespace {

constexpr size_t kTimeBytes = 8;
constexpr size_t kFieldBytes = kTimeBytes + crypto::kEd25519SignatureBytes;

}  // namespace

std::string CosignatureMessage(std::string_view checkpoint_text, int64_t time_s) {
  return fmt::format("cosignature/v1\ntime {}\n{}", time_s, checkpoint_text);
}

Result<int64_t> CosignatureTime(ByteView signature) {
  if (signature.size() != kFieldBytes) {
    return InvalidArgument("a cosignature of {} bytes, expected {}", signature.size(), kFieldBytes);
  }
  const uint64_t time_s = GetBig64(signature.data());
  if (time_s > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return InvalidArgument("a cosignature at {} s", time_s);
  }
  return static_cast<int64_t>(time_s);
}

CosignatureVerifier::CosignatureVerifier(std::string name, const crypto::Ed25519PublicKey& key)
    : name_(std::move(name)), key_(key), id_(MakeKeyId(name_, SignatureType::kCosignature, key_)) {}

Result<CosignatureVerifier> CosignatureVerifier::FromVkey(std::string_view vkey) {
  SEAL_ASSIGN_OR_RETURN(const VerifierKey parsed, ParseVkey(vkey));
  SEAL_ASSIGN_OR_RETURN(const crypto::Ed25519PublicKey key,
                        Ed25519KeyOf(parsed, SignatureType::kCosignature));
  return CosignatureVerifier(parsed.name, key);
}

std::string CosignatureVerifier::vkey() const {
  return FormatVkey({name_, id_, SignatureType::kCosignature, Bytes(key_.begin(), key_.end())});
}

Status CosignatureVerifier::Verify(std::string_view checkpoint_text, ByteView signature) const {
  const auto time_s = CosignatureTime(signature);
  if (!time_s.ok()) return DataLoss("{}: {}", name_, time_s.status().message());
  const std::string message = CosignatureMessage(checkpoint_text, *time_s);
  return crypto::VerifyEd25519(key_, AsBytes(message), signature.subspan(kTimeBytes))
      .Annotate(name_);
}

Cosigner::Cosigner(CosignatureVerifier verifier, crypto::Ed25519PrivateKey key)
    : verifier_(std::move(verifier)), key_(std::move(key)) {}

Result<Cosigner> Cosigner::FromSeed(std::string name, ByteView seed) {
  SEAL_RETURN_IF_ERROR(CheckOrigin(name));
  SEAL_ASSIGN_OR_RETURN(crypto::Ed25519PrivateKey key, crypto::Ed25519PrivateKey::FromSeed(seed));
  CosignatureVerifier verifier(std::move(name), key.public_key());
  return Cosigner(std::move(verifier), std::move(key));
}

Result<Cosigner> Cosigner::FromText(std::string_view text) {
  SEAL_ASSIGN_OR_RETURN(const SignerKey parsed, ParseSignerKey(text, SignatureType::kCosignature));
  SEAL_ASSIGN_OR_RETURN(Cosigner cosigner, FromSeed(parsed.name, parsed.seed));
  if (cosigner.verifier_.id() != parsed.id) {
    return InvalidArgument("the key's hash does not match the key");
  }
  return cosigner;
}

std::string Cosigner::KeyText(const CosignatureVerifier& verifier, ByteView seed) {
  return FormatSignerKey({verifier.name(), verifier.id(), SignatureType::kCosignature,
                          Bytes(seed.begin(), seed.end())});
}

Result<std::string> Cosigner::SignatureLine(std::string_view checkpoint_text,
                                            int64_t time_s) const {
  SEAL_RETURN_IF_ERROR(ParseCheckpointWithExtensions(checkpoint_text).status());
  if (time_s <= 0) return InvalidArgument("a cosignature at {} s", time_s);
  const crypto::Ed25519Signature signature =
      key_.Sign(AsBytes(CosignatureMessage(checkpoint_text, time_s)));
  Bytes field(kTimeBytes);
  PutBig64(field.data(), static_cast<uint64_t>(time_s));
  AppendTo(field, signature);
  return tlog::SignatureLine({verifier_.name(), verifier_.id(), std::move(field)});
}

}  // namespace sealtrail::tlog
