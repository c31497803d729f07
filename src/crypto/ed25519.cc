#include "crypto/ed25519.h"

#include <utility>

#include <openssl/evp.h>

#include "crypto/openssl_owned.h"

namespace sealtrail::crypto {
namespace {

using PkeyPtr = OpensslOwned<EVP_PKEY, EVP_PKEY_free>;  // wipes private material
using ContextPtr = OpensslOwned<EVP_MD_CTX, EVP_MD_CTX_free>;

}  // namespace

struct Ed25519PrivateKey::Key {
  PkeyPtr pkey;
};

Ed25519PrivateKey::Ed25519PrivateKey(std::unique_ptr<Key> key) : key_(std::move(key)) {
  size_t size = public_key_.size();
  SEAL_CHECK(EVP_PKEY_get_raw_public_key(key_->pkey.get(), public_key_.data(), &size) == 1);
}
Ed25519PrivateKey::Ed25519PrivateKey(Ed25519PrivateKey&&) noexcept = default;
Ed25519PrivateKey& Ed25519PrivateKey::operator=(Ed25519PrivateKey&&) noexcept = default;
Ed25519PrivateKey::~Ed25519PrivateKey() = default;

Result<Ed25519PrivateKey> Ed25519PrivateKey::FromSeed(ByteView seed) {
  if (seed.size() != kEd25519SeedBytes) {
    return InvalidArgument("Ed25519 seed of {} bytes, expected {}", seed.size(), kEd25519SeedBytes);
  }
  PkeyPtr pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  SEAL_CHECK(pkey != nullptr);
  auto key = std::make_unique<Key>();
  key->pkey = std::move(pkey);
  return Ed25519PrivateKey(std::move(key));
}

Ed25519Signature Ed25519PrivateKey::Sign(ByteView message) const {
  ContextPtr context(EVP_MD_CTX_new());
  Ed25519Signature signature;
  size_t size = signature.size();
  SEAL_CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_->pkey.get()) == 1);
  SEAL_CHECK(
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  return signature;
}

Status VerifyEd25519(ByteView public_key, ByteView message, ByteView signature) {
  if (public_key.size() != kEd25519PublicKeyBytes) {
    return InvalidArgument("Ed25519 public key of {} bytes", public_key.size());
  }
  if (signature.size() != kEd25519SignatureBytes) {
    return InvalidArgument("Ed25519 signature of {} bytes", signature.size());
  }
  PkeyPtr pkey(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()));
  if (pkey == nullptr) return InvalidArgument("not an Ed25519 public key");
  ContextPtr context(EVP_MD_CTX_new());
  SEAL_CHECK(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) == 1);
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                       message.size()) != 1) {
    return DataLoss("the signature does not verify");
  }
  return OkStatus();
}

}  // namespace sealtrail::crypto
