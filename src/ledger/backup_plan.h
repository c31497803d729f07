// What a copy of a trail needs so that it is one: the files, and of each how many bytes. docs/backup.md.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "env/env.h"
#include "ledger/ledger_reader.h"
#include "ledger/trail_paths.h"

namespace sealtrail::ledger {

// Where a trail stands at one moment, with nothing in the making: the log that begins at `log_first` is durable up to
// `log_bytes`, and all records before it are sealed.
struct BackupScope {
  CheckpointInfo checkpoint;       // covers records up to the end of the log, or fewer
  std::vector<std::string> vkeys;  // by epoch
  Seq log_first{};
  uint64_t log_bytes = 0;  // 0: there is no log
};

struct BackupFile {
  std::string path;  // below the data folder
  uint64_t bytes;    // to copy, from the beginning: files that grow may be longer by now
};

struct BackupPlan {
  CheckpointInfo checkpoint;
  std::vector<std::string> vkeys;
  std::vector<BackupFile>
      files;        // without those of Texts(); the log first, for it may be sealed at any time
  std::string key;  // that of the newest epoch, as keys/log.key has it; empty: is not copied

  // Files whose content the plan knows: others may replace them while the rest is copied. The checkpoint is the last.
  std::vector<std::pair<std::string, std::string>> Texts() const;
};

// The files of the trail in `paths` at that moment. Whoever writes to it meanwhile may only append, and remove the log
// once it is sealed.
Result<BackupPlan> PlanBackup(env::FileSystem& files, const TrailPaths& paths,
                              const BackupScope& scope);

// The plan of a folder that nobody writes to. Errors of FolderReader::Open.
Result<BackupPlan> PlanFolder(const env::Env& env, const std::string& data_dir);

}  // namespace sealtrail::ledger
