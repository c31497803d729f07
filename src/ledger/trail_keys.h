// The keys of a trail, one after the other: which one signs now, which signed before, and how the next one takes over.
// docs/formats/checkpoint.md, "Key epochs".
#pragma once

#include <string>
#include <vector>

#include "env/env.h"
#include "ledger/signing_key.h"
#include "ledger/trail_paths.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"

namespace sealtrail::ledger {

struct TrailKeys {
  std::vector<tlog::Verifier> verifiers;  // by epoch, the current one last
  SharedKey signer;                       // of the current epoch; null where a folder is only read
  SharedKey next;                         // there and not in charge yet

  uint32_t epoch() const { return static_cast<uint32_t>(verifiers.size() - 1); }
  const tlog::Verifier& current() const { return verifiers.back(); }
  // Of the trail: chain, segments, manifests. A recovery changes the name under which checkpoints are signed, not this.
  const std::string& origin() const { return verifiers.front().name(); }
  // Of the log: the origin line of checkpoints.
  const std::string& log_origin() const { return current().name(); }
};

// The keys that the configuration names; null where it does not. One is used where the trail says that it is its turn.
struct ExternalKeys {
  SharedKey signer;
  SharedKey next_signer;
};

// The text of a note that one of these keys signed. DataLoss, or the errors of tlog::OpenNote.
Result<std::string> OpenWithAny(const TrailKeys& keys, std::string_view note);

// The keys of the trail: the current one is the one of log.vkey, and must be in the folder or among `external`. Where there
// is none yet, the first one is `external.signer`, else made as a file. A hand-over that was interrupted after its epoch
// note is completed. `origin`: of a new key; empty for a random one. FailedPrecondition: a key file is none, or no key at
// hand is the one that is needed, which is named.
Result<TrailKeys> OpenTrailKeys(const env::Env& env, const TrailPaths& paths,
                                const std::string& origin, const ExternalKeys& external);

// The same for a folder that is only read.
Result<TrailKeys> ReadTrailKeys(const env::Env& env, const TrailPaths& paths);

// Sets `next`: to the external one if it has not had its turn, which must prove that it can sign; else, or where `to_file`
// asks for that, to a new file, durably. Refused where nobody asked, and the current key is in no file. Of the same name. An
// error is the disk's.
struct NextKey {
  SharedKey key;   // null where it was refused
  Status refusal;  // why
};
Result<NextKey> PrepareNextKey(const env::Env& env, const TrailPaths& paths, const TrailKeys& keys,
                               const SharedKey& external, bool to_file);

// The key of this vkey that is to take over: `next`, or one of `external`. Null if there is none.
SharedKey FindNextKey(const TrailKeys& keys, const ExternalKeys& external, std::string_view vkey);

// Throws away a `next` that no record names.
Status DropNextKey(const env::Env& env, const TrailPaths& paths, TrailKeys& keys);

// The file in keys/ that holds the verifier key of an epoch that is over.
std::string RetiredVkeyFile(size_t epoch);

// The note epochs/<n>.before: the checkpoint from which a recovered epoch went on.
std::string BeforeEpochFile(size_t epoch);

// Keeps `note`, which the current key and `next` have signed, as the new epoch's, and puts `next` in charge, each step
// durable before the one after it. A key file that is no longer needed is removed.
Status HandOver(const env::Env& env, const TrailPaths& paths, std::string_view note,
                TrailKeys& keys);

}  // namespace sealtrail::ledger
