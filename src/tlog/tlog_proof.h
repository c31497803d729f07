// Proof files, `.tlog-proof`: everything that shows one record to be in a log, in one small text
// file. Specification: c2sp.org/tlog-proof.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "tlog/hashes.h"
#include "tlog/note.h"
#include "tlog/policy.h"
#include "tlog/proof.h"

namespace sealtrail::tlog {

struct TlogProof {
  Bytes extra;  // application data, authenticated by nobody; empty: none
  Seq index{0};
  Proof hashes;            // the leaf's sibling first
  std::string checkpoint;  // the signed note, as it was published
};

std::string EncodeTlogProof(const TlogProof& proof);

// Strict: each proof has one text. The checkpoint must be a note of a checkpoint, but nothing is
// verified. InvalidArgument on anything else; ResourceExhausted as ParseNote().
Result<TlogProof> ParseTlogProof(std::string_view text);

// Shows that the record with this leaf hash is in a log that `policy` knows, at proof.index, in a
// tree that its quorum has cosigned. Errors as Policy::Judge() and VerifyInclusion();
// FailedPrecondition where the quorum is not met.
Result<PolicyVerdict> VerifyTlogProof(const TlogProof& proof, const Hash& leaf_hash,
                                      const Policy& policy);

// The same for one log and no witness. Its name must be the checkpoint's origin: InvalidArgument if
// it is another. Errors as Verifier::Open() and VerifyInclusion().
Result<Checkpoint> VerifyTlogProof(const TlogProof& proof, const Hash& leaf_hash,
                                   const Verifier& log);

}  // namespace sealtrail::tlog
