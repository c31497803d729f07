// Whether a leaf is in a tree: RFC 6962 §2.1.1, and a C2SP tlog-proof file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "verify/policy.h"
#include "verify/tree.h"

namespace sealtrail::verify {

// OK if `proof`, the leaf's sibling first, leads from the hash of leaf `index` to `root`, that of a tree of `size`
// leaves. InvalidArgument if the index is beyond the tree or the proof has another length; DataLoss if it leads
// elsewhere.
Status CheckInclusion(const Hash& leaf_hash, uint64_t index, uint64_t size,
                      std::span<const Hash> proof, const Hash& root);

struct ProofAnswer {
  std::string origin;
  uint64_t index = 0;  // of the leaf
  uint64_t size = 0;   // of the tree
  Hash root{};
  std::vector<std::string> witnesses;  // of the policy, that cosigned the tree
};

// A whole C2SP tlog-proof: `file` its bytes, `leaf` the record as it is exported, without a line feed. `vkey`: the key
// of the log; where none is given, a policy's log that signed the checkpoint. With a policy the key must be one of its logs', and
// its quorum must be met.
//
// InvalidArgument: no proof file, or no verifier key. NotFound: the checkpoint is not signed with such a key.
// FailedPrecondition: the policy is not met. DataLoss: a signature, or the proof, does not hold.
Result<ProofAnswer> VerifyProofFile(ByteView file, ByteView leaf,
                                    std::optional<std::string_view> vkey,
                                    const Policy* policy = nullptr);

}  // namespace sealtrail::verify
