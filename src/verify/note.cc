#include "verify/note.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "crypto/ed25519.h"
#include "crypto/sha256.h"

namespace sealtrail::verify {
namespace {

constexpr uint8_t kEd25519Type = 0x01;
constexpr size_t kKeyNameBytesMax = 255;
constexpr std::string_view kSignatureMark = "\xe2\x80\x94 ";  // em dash, space

// White_Space of the Unicode Character Database, outside ASCII.
constexpr std::array<std::string_view, 19> kWideSpaces = {
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

uint32_t KeyId(std::string_view name, ByteView typed_key) {
  const crypto::Hash hash = crypto::Sha256({AsBytes(name), AsBytes("\n"), typed_key});
  return GetBig32(hash.data());
}

Result<NoteSignature> ParseSignatureLine(std::string_view line) {
  if (!line.starts_with(kSignatureMark))
    return InvalidArgument("no em dash and space at its start");
  line.remove_prefix(kSignatureMark.size());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return InvalidArgument("no space after the key name");
  NoteSignature out{.name = line.substr(0, space)};
  if (!IsKeyName(out.name)) return InvalidArgument("not a key name");
  SEAL_ASSIGN_OR_RETURN(const Bytes blob, Base64Decode(line.substr(space + 1)));
  if (blob.size() < 5) return InvalidArgument("a signature of {} bytes", blob.size());
  out.id = GetBig32(blob.data());
  out.signature.assign(blob.begin() + 4, blob.end());
  return out;
}

}  // namespace

bool IsKeyName(std::string_view name) {
  if (name.empty() || name.size() > kKeyNameBytesMax || !IsUtf8(name)) return false;
  const auto refused = [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte <= 0x20 || byte == 0x7f || byte == '+';
  };
  if (std::any_of(name.begin(), name.end(), refused)) return false;
  return std::none_of(kWideSpaces.begin(), kWideSpaces.end(),
                      [&](std::string_view space) { return name.find(space) != name.npos; });
}

Result<VerifierKey> ParseVerifierKey(std::string_view text) {
  const size_t first = text.find('+');
  const size_t second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return InvalidArgument("verifier key: not name+id+key");
  VerifierKey out{.name = std::string(text.substr(0, first))};
  if (!IsKeyName(out.name)) return InvalidArgument("verifier key: not a key name");
  const std::string_view id = text.substr(first + 1, second - first - 1);
  const auto typed_key = Base64Decode(text.substr(second + 1));
  if (!typed_key.ok()) return typed_key.status().Annotate("verifier key");
  if (typed_key->size() != 1 + out.key.size() || (*typed_key)[0] != kEd25519Type) {
    return InvalidArgument("verifier key: not an Ed25519 key of type 1");
  }
  out.id = KeyId(out.name, *typed_key);
  std::array<uint8_t, 4> id_bytes;
  PutBig32(id_bytes.data(), out.id);
  if (id != HexEncode(id_bytes)) {
    return InvalidArgument("verifier key: id {}, but that key's is {}", id, HexEncode(id_bytes));
  }
  std::copy(typed_key->begin() + 1, typed_key->end(), out.key.begin());
  return out;
}

Result<SignedNote> ParseSignedNote(std::string_view note) {
  if (!IsUtf8(note))
    return InvalidArgument("note: invalid UTF-8 at byte {}", Utf8ValidPrefix(note));
  for (size_t i = 0; i < note.size(); ++i) {
    if (static_cast<uint8_t>(note[i]) < 0x20 && note[i] != '\n') {
      return InvalidArgument("note: control character at byte {}", i);
    }
  }
  const size_t split = note.rfind("\n\n");
  if (split == note.npos) return InvalidArgument("note: no empty line before the signatures");
  SignedNote out{.text = note.substr(0, split + 1), .signatures = {}};
  std::string_view rest = note.substr(split + 2);
  if (rest.empty()) return InvalidArgument("note: no signature");
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    if (end == rest.npos) return InvalidArgument("note: no line feed at the end");
    auto signature = ParseSignatureLine(rest.substr(0, end));
    if (!signature.ok()) {
      return signature.status().Annotate(
          fmt::format("note: signature line {}", out.signatures.size() + 1));
    }
    out.signatures.push_back(std::move(signature).value());
    rest.remove_prefix(end + 1);
  }
  return out;
}

bool SignatureFits(std::string_view text, const NoteSignature& signature, const VerifierKey& key) {
  return crypto::VerifyEd25519(key.key, AsBytes(text), signature.signature).ok();
}

Status VerifyNote(const SignedNote& note, const VerifierKey& key) {
  bool found = false;
  for (const NoteSignature& signature : note.signatures) {
    if (signature.name != key.name || signature.id != key.id) continue;
    if (!SignatureFits(note.text, signature, key)) {
      return DataLoss("the signature by {} does not verify", key.name);
    }
    found = true;
  }
  if (!found) return NotFound("no signature by {}, key {:08x}", key.name, key.id);
  return OkStatus();
}

}  // namespace sealtrail::verify
