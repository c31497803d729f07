// C2SP signed notes with Ed25519 (type 0x01), the keys in their text forms, and checkpoints.
// Specifications: c2sp.org/signed-note, c2sp.org/tlog-checkpoint; our use:
// docs/formats/checkpoint.md.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"
#include "crypto/ed25519.h"
#include "crypto/sha256.h"

namespace sealtrail::tlog {

// Verifies notes signed by one key.
class Verifier {
 public:
  // From "name+<8 hex>+<base64>"; a final line feed is allowed. InvalidArgument on anything else.
  static Result<Verifier> FromVkey(std::string_view vkey);

  Verifier(std::string name, const crypto::Ed25519PublicKey& key);

  const std::string& name() const { return name_; }
  std::string vkey() const;

  // The note's text, up to and with its last line feed before the signatures. DataLoss if this key
  // has not signed it or the signature is wrong; InvalidArgument if it is no note.
  Result<std::string> Open(std::string_view note) const;

 private:
  friend class Signer;
  std::string name_;
  crypto::Ed25519PublicKey key_;
  std::array<uint8_t, 4> id_;
};

class Signer {
 public:
  // From "PRIVATE+KEY+name+<8 hex>+<base64>"; a final line feed is allowed.
  static Result<Signer> FromText(std::string_view text);

  // `seed` is 32 random bytes, `name` passes CheckOrigin.
  static Result<Signer> FromSeed(std::string name, ByteView seed);

  const Verifier& verifier() const { return verifier_; }

  // The note: `text` (ends in a line feed), an empty line, one signature line.
  std::string Sign(std::string_view text) const;

  // The form that FromText reads. Secret.
  static std::string KeyText(const Verifier& verifier, ByteView seed);

 private:
  Signer(Verifier verifier, crypto::Ed25519PrivateKey key);
  Verifier verifier_;
  crypto::Ed25519PrivateKey key_;
};

struct Checkpoint {
  std::string origin;
  TreeSize size{0};
  crypto::Hash root{};
};

// The three lines.
std::string CheckpointText(const Checkpoint& checkpoint);

// InvalidArgument unless `text` is exactly three such lines.
Result<Checkpoint> ParseCheckpointText(std::string_view text);

}  // namespace sealtrail::tlog
