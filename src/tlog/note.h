// Signed notes: text, an empty line, and a line for each signature. Specification:
// c2sp.org/signed-note; our use: docs/formats/checkpoint.md.
//
// A note is read strictly, signatures of strangers included, so that what we accept nobody else
// reads differently: UTF-8, no control character but the line feed, split at the last empty line,
// well-formed lines in one spelling. Then: a signature by an unknown key is ignored; one wrong
// signature by a known key spoils the whole note; without a good one the text is not to be used.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/ed25519.h"
#include "tlog/checkpoint.h"
#include "tlog/key.h"

namespace sealtrail::tlog {

constexpr size_t kSignaturesMax = 100;  // of one note; the specification demands 16
constexpr size_t kSignedNoteBytesMax = 1 << 20;

// One line "— <name> <base64(id ‖ signature)>".
struct NoteSignature {
  std::string name;
  KeyId id{};
  Bytes signature;

  bool operator==(const NoteSignature&) const = default;
};

struct Note {
  std::string text;  // ends in a line feed
  std::vector<NoteSignature> signatures;
};

// Nothing is verified. InvalidArgument if it is no note; ResourceExhausted beyond the limits above.
Result<Note> ParseNote(std::string_view note);

// The lines after the empty line, as a witness also sends them alone: one or more. Same errors.
Result<std::vector<NoteSignature>> ParseSignatureLines(std::string_view lines);

// With its line feed.
std::string SignatureLine(const NoteSignature& signature);

// The note of a text that ends in a line feed and lines that SignatureLine() made.
std::string MakeNote(std::string_view text, std::string_view signature_lines);

// `note` with these lines at its end, without those that it already has. Errors of ParseNote().
Result<std::string> AddSignatureLines(std::string_view note, std::string_view signature_lines);

// Checks one key's signatures, of one type.
class NoteVerifier {
 public:
  virtual ~NoteVerifier() = default;
  virtual const std::string& name() const = 0;
  virtual const KeyId& id() const = 0;
  // OK if `signature`, without the key id, is good for the note `text`; else DataLoss.
  virtual Status Verify(std::string_view text, ByteView signature) const = 0;
};

struct OpenedNote {
  struct Good {
    const NoteVerifier* by;  // one of those given
    Bytes signature;
  };
  std::string text;
  std::vector<Good> signatures;  // in the note's order, one or more
};

// Opens a note with the keys that are known. InvalidArgument and ResourceExhausted as ParseNote();
// DataLoss if a known key's signature is wrong; Unauthenticated if no known key has signed;
// FailedPrecondition if two of `known` have one name and one id.
Result<OpenedNote> OpenNote(std::string_view note, std::span<const NoteVerifier* const> known);

// Verifies notes signed by one Ed25519 key (type 0x01), as a log's is.
class Verifier : public NoteVerifier {
 public:
  // From "name+<8 hex>+<base64>"; a final line feed is allowed. InvalidArgument on anything else.
  static Result<Verifier> FromVkey(std::string_view vkey);

  Verifier(std::string name, const crypto::Ed25519PublicKey& key);

  const std::string& name() const override { return name_; }
  const KeyId& id() const override { return id_; }
  const crypto::Ed25519PublicKey& key() const { return key_; }
  std::string vkey() const;

  Status Verify(std::string_view text, ByteView signature) const override;

  // The note's text, up to and with its last line feed before the signatures. DataLoss if this key
  // has not signed it or the signature is wrong; InvalidArgument if it is no note.
  Result<std::string> Open(std::string_view note) const;

 private:
  std::string name_;
  crypto::Ed25519PublicKey key_;
  KeyId id_;
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

  // That line alone, for a note of several signers.
  std::string SignatureLine(std::string_view text) const;

  // The form that FromText reads. Secret.
  static std::string KeyText(const Verifier& verifier, ByteView seed);

 private:
  Signer(Verifier verifier, crypto::Ed25519PrivateKey key);
  Verifier verifier_;
  crypto::Ed25519PrivateKey key_;
};

}  // namespace sealtrail::tlog
