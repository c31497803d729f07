// One add-checkpoint call to a witness (C2SP tlog-witness): the request with its proof, and the
// cosignatures in its answer. What other answers ask for is witness_answer.h. The rounds
// (witness_client.h) and the question at a start (start_check.h) share it.
#pragma once

#include <string>
#include <string_view>

#include "anchor/transport.h"
#include "anchor/tree_source.h"
#include "anchor/witness_target.h"
#include "base/limits.h"
#include "tlog/cosignature.h"

namespace sealtrail::anchor {

constexpr size_t kWitnessAnswerBytesMax = 64 * kKiB;

// Posts `checkpoint`, one of `tree`, with the proof from old_size, at most checkpoint.size. Unavailable
// where the tree cannot be read for it; else what Transport::Fetch() gives.
Result<net::FetchResponse> AskToCosign(Transport& transport, const WitnessTarget& witness,
                                       TreeSize old_size, const SignedCheckpoint& checkpoint,
                                       const TreeSource& tree);

// The signature lines in `answer` (the body of a 200) that are this witness's over `checkpoint`,
// verified; those of other keys are ignored. An error where there is none, or a wrong one.
Result<std::string> GoodCosignatures(std::string_view answer, const SignedCheckpoint& checkpoint,
                                     const tlog::CosignatureVerifier& witness);

}  // namespace sealtrail::anchor
