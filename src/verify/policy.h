// Whom somebody trusts: a C2SP tlog-policy file. Which keys logs may sign with, which witnesses there are, and how many
// of them must have cosigned.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "verify/note.h"

namespace sealtrail::verify {

// One of a note's signature lines that a witness of the policy made.
struct Cosigner {
  std::string witness;   // its name in the policy
  uint64_t time = 0;     // seconds since 1970, as the witness says
  size_t signature = 0;  // which of the note's signature lines, from 0
  bool holds = false;
};

// Threads  Safe: nothing changes after Parse.
class Policy {
 public:
  // InvalidArgument names the line: an unknown word, a name that is not defined before or is a member twice, a key
  // that stands twice, no quorum or a second one, a key that is none. ResourceExhausted beyond 64 KiB.
  static Result<Policy> Parse(std::string_view text);

  // The keys that logs may sign with.
  const std::vector<VerifierKey>& logs() const { return logs_; }
  bool HasLog(const VerifierKey& key) const;

  // The lines of `note`, a checkpoint, that bear a witness's name and key, whether they hold or not. Keys of types
  // that this program does not know never count.
  std::vector<Cosigner> Cosigners(const SignedNote& note) const;

  // Whether the quorum is met by those that hold. A policy with `quorum none` asks for no witness.
  bool QuorumMet(const std::vector<Cosigner>& cosigners) const;
  bool asks_for_witnesses() const { return quorum_ != "none"; }

 private:
  struct Witness {
    std::string key_name;
    uint32_t id = 0;
    uint8_t type = 0;
    Bytes key;
  };
  struct Group {
    uint64_t needed = 0;
    std::vector<std::string> members;
  };

  Status ParseLine(const std::vector<std::string_view>& words);
  Status AddLog(const std::vector<std::string_view>& words);
  Status AddWitness(const std::vector<std::string_view>& words);
  Status AddGroup(const std::vector<std::string_view>& words);
  Status SetQuorum(const std::vector<std::string_view>& words);
  Status NewName(std::string_view name) const;
  Status NewKey(const Bytes& typed_key);
  bool IsMet(const std::string& name, const std::map<std::string, bool>& held) const;

  std::vector<VerifierKey> logs_;
  std::map<std::string, Witness> witnesses_;
  std::map<std::string, Group> groups_;
  std::vector<Bytes> keys_;                // with their types, of logs and witnesses
  std::map<std::string, bool> is_member_;  // of some group
  std::string quorum_;                     // empty: not set yet
};

}  // namespace sealtrail::verify
