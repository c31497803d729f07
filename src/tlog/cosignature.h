// Cosignatures, type 0x04: a witness says that at a certain time this was the largest tree of the
// log that it had seen, consistent with all before. Specification: c2sp.org/tlog-cosignature.
//
// A cosigner's name is not among the bytes that it signs: one key is for one cosigner only, and
// never a log's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/ed25519.h"
#include "tlog/key.h"
#include "tlog/note.h"

namespace sealtrail::tlog {

// When a cosignature of type 0x04 was made, in seconds since 1970 UTC, 0 to 2^63 − 1. To be believed
// once it verifies. InvalidArgument if `signature` (without the key id) is no such thing.
Result<int64_t> CosignatureTime(ByteView signature);

// The bytes that a cosigner signs: two lines, and the whole text of the checkpoint.
std::string CosignatureMessage(std::string_view checkpoint_text, int64_t time_s);

// Checks one cosigner's signatures on checkpoints. Its time may be any, the future and 0 included:
// whoever has a clock judges it.
class CosignatureVerifier : public NoteVerifier {
 public:
  // From a vkey of type 0x04. InvalidArgument on anything else.
  static Result<CosignatureVerifier> FromVkey(std::string_view vkey);

  CosignatureVerifier(std::string name, const crypto::Ed25519PublicKey& key);

  const std::string& name() const override { return name_; }
  const KeyId& id() const override { return id_; }
  std::string vkey() const;

  Status Verify(std::string_view checkpoint_text, ByteView signature) const override;

 private:
  std::string name_;
  crypto::Ed25519PublicKey key_;
  KeyId id_;
};

class Cosigner {
 public:
  // From the signer form of key.h with type 0x04; a final line feed is allowed.
  static Result<Cosigner> FromText(std::string_view text);

  // `seed` is 32 random bytes, `name` passes CheckOrigin.
  static Result<Cosigner> FromSeed(std::string name, ByteView seed);

  const CosignatureVerifier& verifier() const { return verifier_; }

  // The line to be added to the note of this checkpoint. InvalidArgument if the text is no
  // checkpoint, or time_s (since 1970 UTC) not above 0, which no witness may sign.
  Result<std::string> SignatureLine(std::string_view checkpoint_text, int64_t time_s) const;

  // The form that FromText reads. Secret.
  static std::string KeyText(const CosignatureVerifier& verifier, ByteView seed);

 private:
  Cosigner(CosignatureVerifier verifier, crypto::Ed25519PrivateKey key);
  CosignatureVerifier verifier_;
  crypto::Ed25519PrivateKey key_;
};

}  // namespace sealtrail::tlog
