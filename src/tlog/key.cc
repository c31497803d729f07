#include "tlog/key.h"

#include "base/encoding.h"
#include "base/origin.h"
#include "crypto/sha256.h"

namespace sealtrail::tlog {
namespace {

constexpr std::string_view kPrivatePrefix = "PRIVATE+KEY+";
constexpr size_t kMlDsa44PublicKeyBytes = 1312;

// Both forms: "name+<8 hex>+<base64(type ‖ rest)>". The name holds no '+', the base64 may.
struct Parts {
  std::string name;
  KeyId id;
  SignatureType type;
  Bytes rest;
};

Result<Parts> Split(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const size_t first = text.find('+');
  const size_t second = first == text.npos ? first : text.find('+', first + 1);
  if (second == text.npos) return InvalidArgument("a key has the form name+hash+base64");
  Parts parts{.name = std::string(text.substr(0, first))};
  SEAL_RETURN_IF_ERROR(CheckKeyName(parts.name));
  const std::string_view hex = text.substr(first + 1, second - first - 1);
  SEAL_ASSIGN_OR_RETURN(const Bytes id, HexDecode(hex));
  if (id.size() != parts.id.size() || HexEncode(id) != hex) {
    return InvalidArgument("a key's hash is eight lower-case hexadecimal digits");
  }
  std::memcpy(parts.id.data(), id.data(), id.size());
  SEAL_ASSIGN_OR_RETURN(const Bytes typed, Base64Decode(text.substr(second + 1)));
  if (typed.empty()) return InvalidArgument("a key without its type");
  parts.type = static_cast<SignatureType>(typed[0]);
  parts.rest.assign(typed.begin() + 1, typed.end());
  return parts;
}

std::string Join(std::string_view name, const KeyId& id, SignatureType type, ByteView rest) {
  Bytes typed = {static_cast<uint8_t>(type)};
  AppendTo(typed, rest);
  return fmt::format("{}+{}+{}", name, HexEncode(id), Base64Encode(typed));
}

}  // namespace

KeyId MakeKeyId(std::string_view name, SignatureType type, ByteView key) {
  const uint8_t separator[] = {0x0a, static_cast<uint8_t>(type)};
  const crypto::Hash hash = crypto::Sha256({AsBytes(name), separator, key});
  return {hash[0], hash[1], hash[2], hash[3]};
}

Result<VerifierKey> ParseVkey(std::string_view vkey) {
  SEAL_ASSIGN_OR_RETURN(Parts parts, Split(vkey));
  size_t bytes = 0;
  switch (parts.type) {
    case SignatureType::kEd25519:
    case SignatureType::kCosignature:
      bytes = crypto::kEd25519PublicKeyBytes;
      break;
    case SignatureType::kMlDsa44Cosignature:
      bytes = kMlDsa44PublicKeyBytes;
      break;
    default:
      return Unimplemented("a key of signature type 0x{:02x}", static_cast<int>(parts.type));
  }
  if (parts.rest.size() != bytes) {
    return InvalidArgument("a key of {} bytes, expected {}", parts.rest.size(), bytes);
  }
  if (MakeKeyId(parts.name, parts.type, parts.rest) != parts.id) {
    return InvalidArgument("the key's hash does not match the key");
  }
  return VerifierKey{std::move(parts.name), parts.id, parts.type, std::move(parts.rest)};
}

std::string FormatVkey(const VerifierKey& key) {
  return Join(key.name, key.id, key.type, key.key);
}

Result<crypto::Ed25519PublicKey> Ed25519KeyOf(const VerifierKey& key, SignatureType type) {
  crypto::Ed25519PublicKey raw;
  if (key.type != type || key.key.size() != raw.size()) {
    return InvalidArgument("a key of signature type 0x{:02x}, expected 0x{:02x}",
                           static_cast<int>(key.type), static_cast<int>(type));
  }
  std::memcpy(raw.data(), key.key.data(), raw.size());
  return raw;
}

Result<SignerKey> ParseSignerKey(std::string_view text, SignatureType type) {
  if (!text.starts_with(kPrivatePrefix)) return InvalidArgument("not a signer key");
  SEAL_ASSIGN_OR_RETURN(Parts parts, Split(text.substr(kPrivatePrefix.size())));
  if (parts.type != type || parts.rest.size() != crypto::kEd25519SeedBytes) {
    return InvalidArgument("not an Ed25519 signer key of signature type 0x{:02x}",
                           static_cast<int>(type));
  }
  return SignerKey{std::move(parts.name), parts.id, parts.type, std::move(parts.rest)};
}

std::string FormatSignerKey(const SignerKey& key) {
  return fmt::format("{}{}\n", kPrivatePrefix, Join(key.name, key.id, key.type, key.seed));
}

}  // namespace sealtrail::tlog
