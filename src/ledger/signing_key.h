// A key that signs for the trail: in a file of the folder, or held by whoever gave a function to sign with.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "tlog/note.h"

namespace sealtrail::ledger {

// A private key that is elsewhere. `sign` answers the 64 bytes of the Ed25519 signature of exactly `text`, or why there
// is none. It may take seconds, and may be called from two threads at once.
struct ExternalSigner {
  std::string vkey;
  std::function<Result<Bytes>(std::string_view text)> sign;
};

// Threads  Safe, where the function of an external one is.
class SigningKey {
 public:
  explicit SigningKey(tlog::Signer signer);

  // InvalidArgument: the vkey is none of an Ed25519 key of type 0x01.
  static Result<SigningKey> External(ExternalSigner signer);

  const tlog::Verifier& verifier() const { return verifier_; }
  bool in_file() const { return in_file_; }

  // The signature line of a note with this text. What an external signer gave is verified before it is used. Whatever the
  // reason that there is none, the error says which key it is about; one in a file always signs.
  Result<std::string> SignatureLine(std::string_view text) const;

  // The note with this one signature.
  Result<std::string> Sign(std::string_view text) const;

 private:
  using LineOf = std::function<Result<std::string>(std::string_view text)>;
  SigningKey(tlog::Verifier verifier, bool in_file, LineOf line_of)
      : verifier_(std::move(verifier)), in_file_(in_file), line_of_(std::move(line_of)) {}

  tlog::Verifier verifier_;
  bool in_file_;
  LineOf line_of_;
};

using SharedKey = std::shared_ptr<const SigningKey>;

}  // namespace sealtrail::ledger
