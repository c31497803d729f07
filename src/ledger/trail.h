// Who a trail is: its origin, its keys, and the note in the folder that says so.
// docs/formats/checkpoint.md.
#pragma once

#include <string>
#include <string_view>

#include "env/env.h"
#include "ledger/ledger_reader.h"
#include "ledger/trail_keys.h"
#include "ledger/trail_paths.h"

namespace sealtrail::ledger {

struct Trail {
  TrailKeys keys;
  bool unfinished;  // the note is not there yet: FinishTrail has never been called

  const std::string& origin() const { return keys.origin(); }
};

// Reads who the trail in `paths` is, or makes the folders for a new one in an empty folder, and a key where `external` has
// none. `origin` may be empty. FailedPrecondition: another origin than asked for, a missing or foreign key, a folder that is not a trail.
// DataLoss: the note is not what the first key signed. Unimplemented: a newer format, named.
Result<Trail> OpenTrail(const env::Env& env, const TrailPaths& paths, const std::string& origin,
                        const ExternalKeys& external);

// Signs and writes the note that says who the trail is: the last step of its first start, after its first checkpoint. So a
// folder with a note and without a checkpoint has lost it, and nothing else.
Status FinishTrail(const env::Env& env, const TrailPaths& paths, const TrailKeys& keys);

// The same for a folder that is only read. FailedPrecondition if the folder holds no trail; else the errors of OpenTrail.
Result<TrailKeys> ReadTrail(const env::Env& env, const TrailPaths& paths);

// The newest signed tree head; size 0 and an empty note where there is none. DataLoss if it is not one that a key of
// the trail signed.
Result<CheckpointInfo> ReadCheckpoint(const env::Env& env, const TrailPaths& paths,
                                      const TrailKeys& keys);

// The note of a trail that is being restored, until it is whole.
constexpr std::string_view kRestoringNote = "trail.restoring";

// Why a folder that has it is not opened.
Status InterruptedRestore(const std::string& data_dir);

// Why a trail with a note and without a checkpoint is not opened.
Status MissingCheckpoint(const TrailPaths& paths);

}  // namespace sealtrail::ledger
