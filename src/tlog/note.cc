#include "tlog/note.h"

#include <charconv>
#include <vector>

#include "base/encoding.h"
#include "base/origin.h"
#include "base/utf8.h"

namespace sealtrail::tlog {
namespace {

constexpr uint8_t kEd25519Type = 0x01;
constexpr std::string_view kSignaturePrefix = "— ";  // U+2014, one space
constexpr std::string_view kPrivatePrefix = "PRIVATE+KEY+";

std::array<uint8_t, 4> KeyId(std::string_view name, const crypto::Ed25519PublicKey& key) {
  static constexpr uint8_t kSeparator[] = {0x0a, kEd25519Type};
  const crypto::Hash hash = crypto::Sha256({AsBytes(name), kSeparator, key});
  return {hash[0], hash[1], hash[2], hash[3]};
}

std::string_view WithoutFinalNewline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

struct KeyParts {
  std::string name;
  Bytes id;
  Bytes key;  // without the type byte
};

// "name+<8 hex>+<base64(0x01 ‖ 32 bytes)>". The name holds no '+', the base64 may.
Result<KeyParts> ParseKey(std::string_view text) {
  const size_t first = text.find('+');
  const size_t second = first == text.npos ? first : text.find('+', first + 1);
  if (second == text.npos) return InvalidArgument("a key has the form name+hash+base64");
  KeyParts parts{.name = std::string(text.substr(0, first)), .id = {}, .key = {}};
  SEAL_RETURN_IF_ERROR(CheckOrigin(parts.name));
  SEAL_ASSIGN_OR_RETURN(parts.id, HexDecode(text.substr(first + 1, second - first - 1)));
  SEAL_ASSIGN_OR_RETURN(Bytes key, Base64Decode(text.substr(second + 1)));
  if (parts.id.size() != 4 || key.size() != 33 || key[0] != kEd25519Type) {
    return InvalidArgument("not an Ed25519 key of type 1");
  }
  parts.key.assign(key.begin() + 1, key.end());
  return parts;
}

// The signature of `name` and `id` on this line, where it is one; empty otherwise.
Bytes SignatureOnLine(std::string_view line, std::string_view name, ByteView id) {
  if (!line.starts_with(kSignaturePrefix)) return {};
  line.remove_prefix(kSignaturePrefix.size());
  if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') return {};
  const auto field = Base64Decode(line.substr(name.size() + 1));
  if (!field.ok() || field->size() < 5 || !Equal(ByteView(*field).first(4), id)) return {};
  return Bytes(field->begin() + 4, field->end());
}

}  // namespace

Verifier::Verifier(std::string name, const crypto::Ed25519PublicKey& key)
    : name_(std::move(name)), key_(key), id_(KeyId(name_, key)) {}

Result<Verifier> Verifier::FromVkey(std::string_view vkey) {
  SEAL_ASSIGN_OR_RETURN(const KeyParts parts, ParseKey(WithoutFinalNewline(vkey)));
  crypto::Ed25519PublicKey key;
  std::memcpy(key.data(), parts.key.data(), key.size());
  Verifier verifier(parts.name, key);
  if (!Equal(verifier.id_, parts.id))
    return InvalidArgument("the key's hash does not match the key");
  return verifier;
}

std::string Verifier::vkey() const {
  Bytes typed = {kEd25519Type};
  AppendTo(typed, key_);
  return fmt::format("{}+{}+{}", name_, HexEncode(id_), Base64Encode(typed));
}

Result<std::string> Verifier::Open(std::string_view note) const {
  const size_t split = note.rfind("\n\n");
  if (split == note.npos || !note.ends_with('\n') || !IsUtf8(note)) {
    return InvalidArgument("not a signed note: no empty line before the signatures");
  }
  const std::string_view text = note.substr(0, split + 1);
  std::string_view lines = note.substr(split + 2);
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    const Bytes signature = SignatureOnLine(lines.substr(0, end), name_, id_);
    lines.remove_prefix(end + 1);
    if (signature.empty()) continue;
    SEAL_RETURN_IF_ERROR(crypto::VerifyEd25519(key_, AsBytes(text), signature).Annotate(name_));
    return std::string(text);
  }
  return DataLoss("no signature by {}", vkey());
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
  if (!text.starts_with(kPrivatePrefix)) return InvalidArgument("not a signer key");
  text.remove_prefix(kPrivatePrefix.size());
  SEAL_ASSIGN_OR_RETURN(const KeyParts parts, ParseKey(WithoutFinalNewline(text)));
  SEAL_ASSIGN_OR_RETURN(Signer signer, FromSeed(parts.name, parts.key));
  if (!Equal(signer.verifier_.id_, parts.id))
    return InvalidArgument("the key's hash does not match the key");
  return signer;
}

std::string Signer::KeyText(const Verifier& verifier, ByteView seed) {
  Bytes typed = {kEd25519Type};
  AppendTo(typed, seed);
  return fmt::format("{}{}+{}+{}\n", kPrivatePrefix, verifier.name_, HexEncode(verifier.id_),
                     Base64Encode(typed));
}

std::string Signer::Sign(std::string_view text) const {
  SEAL_CHECK(text.ends_with('\n'));
  Bytes field(verifier_.id_.begin(), verifier_.id_.end());
  AppendTo(field, key_.Sign(AsBytes(text)));
  return fmt::format("{}\n{}{} {}\n", text, kSignaturePrefix, verifier_.name_, Base64Encode(field));
}

std::string CheckpointText(const Checkpoint& checkpoint) {
  return fmt::format("{}\n{}\n{}\n", checkpoint.origin, Value(checkpoint.size),
                     Base64Encode(checkpoint.root));
}

Result<Checkpoint> ParseCheckpointText(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos) return InvalidArgument("a checkpoint line without its end");
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (lines.size() != 3)
    return InvalidArgument("a checkpoint of {} lines, expected 3", lines.size());
  Checkpoint checkpoint{.origin = std::string(lines[0])};
  uint64_t size = 0;
  const auto [end, error] =
      std::from_chars(lines[1].data(), lines[1].data() + lines[1].size(), size);
  if (error != std::errc() || end != lines[1].data() + lines[1].size() ||
      fmt::format("{}", size) != lines[1]) {
    return InvalidArgument("a checkpoint size \"{}\"", lines[1]);
  }
  SEAL_ASSIGN_OR_RETURN(const Bytes root, Base64Decode(lines[2]));
  if (root.size() != checkpoint.root.size())
    return InvalidArgument("a root of {} bytes", root.size());
  checkpoint.size = TreeSize{size};
  std::memcpy(checkpoint.root.data(), root.data(), root.size());
  return checkpoint;
}

}  // namespace sealtrail::tlog
