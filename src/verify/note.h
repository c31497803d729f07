// Signed notes as strangers write them: C2SP signed-note v1.0.0, Ed25519 keys (type 0x01).
// A reader of its own, strict on purpose: verify shares no code with the writer of notes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace sealtrail::verify {

// A public key that signs notes: "<name>+<8 hex>+<base64(0x01 ‖ key)>".
struct VerifierKey {
  std::string name;
  uint32_t id = 0;  // the first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)
  std::array<uint8_t, 32> key{};
};

// `text` without a line feed. InvalidArgument if the name is no key name, the id is not that of the
// key, a base64 or hexadecimal digit is wrong, or the key is not an Ed25519 key of type 0x01.
Result<VerifierKey> ParseVerifierKey(std::string_view text);

// Not empty, valid UTF-8, at most 255 bytes, no '+', no control character, no Unicode space.
bool IsKeyName(std::string_view name);

// One line "— <name> <base64(id ‖ signature)>".
struct NoteSignature {
  std::string_view name;
  uint32_t id = 0;
  Bytes signature;
};

// The views borrow from what was parsed.
struct SignedNote {
  std::string_view text;  // what is signed: with its last line feed, without the empty line
  std::vector<NoteSignature> signatures;
};

// Splits at the last empty line. InvalidArgument, naming the line, if anything is not as the
// specification says: invalid UTF-8, a control character, a missing line feed, no signature, a
// broken signature line.
Result<SignedNote> ParseSignedNote(std::string_view note);

// Signatures by other (name, id) pairs are ignored. DataLoss if one with the key's name and id does
// not verify; NotFound if there is none.
Status VerifyNote(const SignedNote& note, const VerifierKey& key);

// True if `signature` is the key's over `text`.
bool SignatureFits(std::string_view text, const NoteSignature& signature, const VerifierKey& key);

}  // namespace sealtrail::verify
