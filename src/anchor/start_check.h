// The question at every start: does what others have seen of this trail still hold? A folder that was
// restored from an older copy, or whose history was written anew, looks sound by itself. A witness
// remembers better (design §4; reference: C2SP tlog-witness, monitor retrieval). Deployed witnesses
// often show nothing; those are offered our newest checkpoint once more, which they cosign only if it
// continues what they hold.
#pragma once

#include <string>
#include <vector>

#include "anchor/anchor_files.h"
#include "anchor/transport.h"
#include "anchor/tree_source.h"
#include "anchor/witness_target.h"
#include "env/env.h"

namespace sealtrail::anchor {

// What one witness said.
struct WitnessedHead {
  enum class State {
    kConsistent,   // what it holds is part of the local tree
    kNothing,      // it never cosigned this trail, or there is no checkpoint to offer it
    kUnreachable,  // no answer that says what it holds; `why`
    kNotBelieved,  // an answer that its key does not vouch for, or of another log; `why`
    kBehind,       // it holds more records than there are
    kForked,       // it holds another root
  };
  std::string witness;
  State state = State::kUnreachable;
  TreeSize size{0};  // of the tree it holds, where it holds one
  std::string note;  // its cosigned checkpoint, where it shows one
  std::string why;
};

// Asks all witnesses at once for their newest checkpoint of the log `origin`, or offers them that of
// `tree`, and compares each with `tree`. In their order. Errors of reading the tree.
Result<std::vector<WitnessedHead>> AskWitnesses(env::Executor& executor, std::string_view origin,
                                                const TreeSource& tree,
                                                const std::vector<WitnessTarget>& witnesses,
                                                Transport& transport);

// The start-up comparison: AskWitnesses() of the options' policy, and the newest cosigned checkpoint
// that is kept, as one more answer. What a witness of the policy vouches for in anchors/evidence, and what is remembered
// of each, is compared too, and is in the answer where it contradicts the tree. FailedPrecondition "rollback or fork detected: …" if one of them
// holds more than there is, or another tree; then both sides' checkpoints lie in anchors/evidence.
// Who cannot be asked is in the answer, and stops nothing. InvalidArgument if the policy is none.
// Takes up to three of the transport's time-outs; `transport` null: over the network.
Result<std::vector<WitnessedHead>> CheckStart(const env::Env& env, const Options& options,
                                              std::string_view origin, const TreeSource& tree,
                                              Transport* transport = nullptr);

}  // namespace sealtrail::anchor
