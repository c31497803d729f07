// A trail out of its backup. docs/backup.md.
//
// The folder's note `trail` comes last, by a rename: a restore that was interrupted is no trail, and says so.
#pragma once

#include <optional>
#include <string>

#include "env/env.h"
#include "ledger/backup_plan.h"
#include "ledger/recovered_epoch.h"

namespace sealtrail::ledger {

struct RestoreOptions {
  std::string from;      // the backup; verified by whoever calls
  std::string data_dir;  // absent or empty
  // The signing key as keys/log.key has it, to go on under it; empty: as a recovered epoch with a new key.
  std::string key;
  RecoveredEpochOptions epoch;  // its signing_state_dir in both cases
};

struct Restored {
  CheckpointInfo from;        // what the backup held, signed
  CheckpointInfo checkpoint;  // of the restored trail
  std::vector<std::string> vkeys;
  bool recovered = false;  // a new epoch has begun
};

// Why the trail may not go on under its own key with the signing record in `dir`; OK if it may: the record must be of
// exactly this checkpoint. FailedPrecondition otherwise.
Status MayGoOn(env::FileSystem& files, const std::string& dir, const BackupPlan& plan);

// FailedPrecondition: the folder is not empty, or the trail may not go on that way. Then, and after any other error,
// there is no trail in the folder.
Result<Restored> Restore(const env::Env& env, const RestoreOptions& options);

}  // namespace sealtrail::ledger
