// Who a trail is: its origin, its key, and the note in the folder that says so.
// docs/formats/checkpoint.md.
#pragma once

#include <string>

#include "env/env.h"
#include "ledger/ledger_reader.h"
#include "tlog/note.h"

namespace sealtrail::ledger {

// Paths inside a data folder.
struct TrailPaths {
  explicit TrailPaths(const std::string& data_dir);
  std::string data_dir;
  std::string lock;
  std::string trail;
  std::string checkpoint;
  std::string segments;  // folder
  std::string aside;     // folder
  std::string keys;      // folder
  std::string index;     // folder
};

struct Trail {
  std::string origin;
  tlog::Signer signer;
  bool unfinished;  // the note is not there yet: FinishTrail has never been called
};

// Reads who the trail in `paths` is, or makes a key and the folders for a new one in an empty folder. `origin` may be
// empty. FailedPrecondition: another origin than asked for, a missing or foreign key, a folder that is not a trail.
// DataLoss: the note is not what the key signed. Unimplemented: a newer format, named.
Result<Trail> OpenTrail(const env::Env& env, const TrailPaths& paths, const std::string& origin);

// Writes the note that says who the trail is: the last step of its first start, after its first checkpoint. So a folder
// with a note and without a checkpoint has lost it, and nothing else.
Status FinishTrail(const env::Env& env, const TrailPaths& paths, const tlog::Signer& signer);

// The same for a folder that is only read: the verifier of its key, named like the origin. FailedPrecondition if the
// folder holds no trail; else the errors of OpenTrail.
Result<tlog::Verifier> ReadTrail(const env::Env& env, const TrailPaths& paths);

// The newest signed tree head; size 0 and an empty note where there is none. DataLoss if it is not one that this
// key signed.
Result<CheckpointInfo> ReadCheckpoint(const env::Env& env, const TrailPaths& paths,
                                      const tlog::Verifier& verifier);

// Why a trail with a note and without a checkpoint is not opened.
Status MissingCheckpoint(const TrailPaths& paths);

}  // namespace sealtrail::ledger
