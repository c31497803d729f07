// The key of our own witness: DIR/keys/witness.key (0600) and witness.vkey, in the text forms of
// C2SP signed-note.
#pragma once

#include "anchor/options.h"
#include "base/status.h"
#include "env/env.h"
#include "tlog/cosignature.h"

namespace sealtrail::anchor {

// Makes the key where the folder is new, durable before it returns: a key that has signed is never
// lost to a power cut. FailedPrecondition: the key there has another name than the options say, or
// there is none though logs were witnessed (another key would be another witness). DataLoss: the
// file is no key. InvalidArgument: the name may not name a key.
Result<tlog::Cosigner> LoadOrMakeWitnessKey(const env::Env& env, const WitnessOptions& options);

}  // namespace sealtrail::anchor
