// The keys of signed notes in their text forms: c2sp.org/signed-note. A key is known by its name and
// a short id made of name, type and key; the type byte says what is signed, and how.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/ed25519.h"

namespace sealtrail::tlog {

using KeyId = std::array<uint8_t, 4>;

enum class SignatureType : uint8_t {
  kEd25519 = 0x01,             // over the note's text
  kEcdsa = 0x02,               // legacy, not here
  kCosignature = 0x04,         // Ed25519 with a time stamp: cosignature.h
  kTreeHead = 0x05,            // of RFC 6962, not here
  kMlDsa44Cosignature = 0x06,  // parsed, never verified: libcrypto 3.0 has no ML-DSA
};

// First four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key).
KeyId MakeKeyId(std::string_view name, SignatureType type, ByteView key);

struct VerifierKey {
  std::string name;
  KeyId id{};
  SignatureType type = SignatureType::kEd25519;
  Bytes key;
};

// From "name+<8 hex>+<base64(type ‖ key)>", lower-case; one final line feed is allowed. Types 0x01,
// 0x04 and 0x06, whose length and id are checked. InvalidArgument on anything else; Unimplemented on
// another type.
Result<VerifierKey> ParseVkey(std::string_view vkey);
std::string FormatVkey(const VerifierKey& key);

// The key of a vkey that must be Ed25519, of this type. InvalidArgument for another type.
Result<crypto::Ed25519PublicKey> Ed25519KeyOf(const VerifierKey& key, SignatureType type);

// "PRIVATE+KEY+name+<8 hex>+<base64(type ‖ 32-byte seed)>": what Go's note package writes. Secret.
struct SignerKey {
  std::string name;
  KeyId id{};
  SignatureType type = SignatureType::kEd25519;
  Bytes seed;
};

// One final line feed is allowed. InvalidArgument on anything else, and for a type other than `type`.
// The id can be checked only against the public key.
Result<SignerKey> ParseSignerKey(std::string_view text, SignatureType type);
std::string FormatSignerKey(const SignerKey& key);

}  // namespace sealtrail::tlog
