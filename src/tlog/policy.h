// Trust policies: which logs are known, which witnesses, and which of these must have cosigned a
// checkpoint before it is believed. Specification: c2sp.org/tlog-policy. We use the file as it is.
//
//   log <vkey> [<url>]
//   witness <name> <vkey> [<url>]
//   group <name> all|any|<k> <name>…
//   quorum <name>|none
//
// Stricter than the specification in one thing: a key may not be both a log's and a witness's.
// Keys of ML-DSA-44 (type 0x06) are accepted and never found to have signed: libcrypto 3.0 cannot
// verify them, and a quorum that waits for one is not met.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tlog/checkpoint.h"
#include "tlog/cosignature.h"
#include "tlog/key.h"
#include "tlog/note.h"

namespace sealtrail::tlog {

constexpr size_t kPolicyBytesMax = 1 << 20;
constexpr size_t kPolicyItemsMax = 256;  // logs, witnesses and groups, of each; 32 are demanded

// What a policy has to say of a note.
struct PolicyVerdict {
  struct Cosignature {
    std::string witness;  // its name in the policy
    int64_t time_s = 0;   // since 1970 UTC; of several the latest
  };
  Checkpoint checkpoint;
  std::string log;                        // vkey of the log key that signed
  std::vector<Cosignature> cosignatures;  // all verified; in the policy's order
  bool quorum_met = false;
};

class Policy {
 public:
  struct Log {
    VerifierKey key;
    std::string url;                   // empty if none is given
    std::optional<Verifier> verifier;  // none for ML-DSA-44
  };
  struct Witness {
    std::string name;
    VerifierKey key;
    std::string url;  // its submission prefix; empty if none is given
    std::optional<CosignatureVerifier> verifier;
  };

  // InvalidArgument, with the number of the line, on anything that the specification does not allow;
  // ResourceExhausted beyond the limits above.
  static Result<Policy> Parse(std::string_view text);

  const std::vector<Log>& logs() const { return logs_; }
  const std::vector<Witness>& witnesses() const { return witnesses_; }

  // Opens the note of a checkpoint. `more_logs` are known from elsewhere, for a policy that names
  // none. The quorum not being met is an answer, not an error: see `quorum_met`. Errors as
  // OpenNote(); Unauthenticated also where no known log of the checkpoint's own origin has signed it.
  Result<PolicyVerdict> Judge(std::string_view note,
                              std::span<const Verifier> more_logs = {}) const;

  // Whether the witnesses of these names (in the policy) are enough.
  bool QuorumMet(std::span<const std::string> witnesses) const;

 private:
  friend class PolicyParser;

  // A name: that of a witness, or a group of names defined before.
  struct Node {
    std::string name;
    size_t threshold = 0;         // of members; 0 for a witness
    std::vector<size_t> members;  // in nodes_, all before this one
  };

  std::vector<Log> logs_;
  std::vector<Witness> witnesses_;
  std::vector<Node> nodes_;
  std::optional<size_t> quorum_;  // in nodes_; nothing for "none"
};

}  // namespace sealtrail::tlog
