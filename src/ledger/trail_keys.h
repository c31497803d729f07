// The keys of a trail, one after the other: which one signs now, which signed before, and how the next one takes over.
// docs/formats/checkpoint.md, "Key epochs".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "env/env.h"
#include "ledger/trail_paths.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"

namespace sealtrail::ledger {

struct TrailKeys {
  std::vector<tlog::Verifier> verifiers;  // by epoch, the current one last
  std::shared_ptr<const tlog::Signer>
      signer;  // of the current epoch; null where a folder is only read
  std::shared_ptr<const tlog::Signer> next;  // made and not in charge yet

  uint32_t epoch() const { return static_cast<uint32_t>(verifiers.size() - 1); }
  const tlog::Verifier& current() const { return verifiers.back(); }
  // Of the trail: chain, segments, manifests. A recovery changes the name under which checkpoints are signed, not this.
  const std::string& origin() const { return verifiers.front().name(); }
  // Of the log: the origin line of checkpoints.
  const std::string& log_origin() const { return current().name(); }
};

// The text of a note that one of these keys signed. DataLoss, or the errors of tlog::OpenNote.
Result<std::string> OpenWithAny(const TrailKeys& keys, std::string_view note);

// The keys in the folder, the first one made if there is none; a hand-over that was interrupted after its epoch note is
// completed. `origin`: of a new key; empty for a random one. FailedPrecondition: a key file is none, or missing.
Result<TrailKeys> OpenTrailKeys(const env::Env& env, const TrailPaths& paths,
                                const std::string& origin);

// The same for a folder that is only read.
Result<TrailKeys> ReadTrailKeys(const env::Env& env, const TrailPaths& paths);

// Makes `next`, durably, of the same name.
Status MakeNextKey(const env::Env& env, const TrailPaths& paths, TrailKeys& keys);

// Throws away a `next` that no record names.
Status DropNextKey(const env::Env& env, const TrailPaths& paths, TrailKeys& keys);

// The file in keys/ that holds the verifier key of an epoch that is over.
std::string RetiredVkeyFile(size_t epoch);

// The note epochs/<n>.before: the checkpoint from which a recovered epoch went on.
std::string BeforeEpochFile(size_t epoch);

// Signs the tree with the current key and `next`, keeps the note as the new epoch's, and puts `next` in charge, each step
// durable before the one after it. Returns the note.
Result<std::string> HandOver(const env::Env& env, const TrailPaths& paths,
                             const tlog::Checkpoint& head, TrailKeys& keys);

}  // namespace sealtrail::ledger
