// Any sizes, indexes and hashes as proofs: three numbers of eight bytes, then hashes of 32. A proof is refused for its
// length exactly where the maker of proofs would have made another number of hashes; no size is too large.
#include <optional>

#include "base/check.h"
#include "base/endian.h"
#include "tlog/proof.h"

namespace sealtrail::tlog {
namespace {

// That a proof of `given` hashes was refused as no proof at all exactly where `made` has another number.
void CheckLength(const Status& verdict, const Result<ProofNodes>& made, size_t given) {
  const bool possible = made.ok() && made->size() == given;
  SEAL_CHECK((verdict.code() == StatusCode::kInvalidArgument) == !possible);
}

}  // namespace
}  // namespace sealtrail::tlog

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealtrail;
  using namespace sealtrail::tlog;
  if (size < 24) return 0;
  const uint64_t a = GetBig64(data), b = GetBig64(data + 8), c = GetBig64(data + 16);
  Proof proof;
  for (size_t at = 24; at + 32 <= size; at += 32) proof.push_back(HashOf({data + at, 32}).value());
  const Hash any = EmptyRoot();
  const size_t given = proof.size();

  CheckLength(VerifyInclusion(Seq{a}, TreeSize{b}, any, proof, any),
              InclusionProofNodes(Seq{a}, TreeSize{b}), given);
  CheckLength(VerifySubtreeInclusion(Seq{c}, {a, b}, any, proof, any),
              SubtreeInclusionProofNodes(Seq{c}, {a, b}), given);
  CheckLength(VerifySubtreeConsistency({a, b}, any, TreeSize{c}, any, proof),
              SubtreeConsistencyProofNodes({a, b}, TreeSize{c}), given);
  if (a != 0) {
    CheckLength(VerifyConsistency(TreeSize{a}, any, TreeSize{b}, any, proof),
                ConsistencyProofNodes(TreeSize{a}, TreeSize{b}), given);
  }
  return 0;
}
