// Ed25519 (RFC 8032), by libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/status.h"

namespace sealtrail::crypto {

constexpr size_t kEd25519SeedBytes = 32;
constexpr size_t kEd25519PublicKeyBytes = 32;
constexpr size_t kEd25519SignatureBytes = 64;

using Ed25519PublicKey = std::array<uint8_t, kEd25519PublicKeyBytes>;
using Ed25519Signature = std::array<uint8_t, kEd25519SignatureBytes>;

// A private key. The seed is wiped when the key is destroyed.
// Threads  Safe: signing changes nothing.
class Ed25519PrivateKey {
 public:
  // `seed`: kEd25519SeedBytes random bytes. InvalidArgument on another length.
  static Result<Ed25519PrivateKey> FromSeed(ByteView seed);

  Ed25519PrivateKey(Ed25519PrivateKey&&) noexcept;
  Ed25519PrivateKey& operator=(Ed25519PrivateKey&&) noexcept;
  ~Ed25519PrivateKey();

  const Ed25519PublicKey& public_key() const { return public_key_; }

  // Deterministic: one message has one signature.
  Ed25519Signature Sign(ByteView message) const;

 private:
  struct Key;
  explicit Ed25519PrivateKey(std::unique_ptr<Key> key);

  std::unique_ptr<Key> key_;
  Ed25519PublicKey public_key_;
};

// OK if `signature` is valid. InvalidArgument where a length is wrong; DataLoss where it does not
// verify.
Status VerifyEd25519(ByteView public_key, ByteView message, ByteView signature);

}  // namespace sealtrail::crypto
