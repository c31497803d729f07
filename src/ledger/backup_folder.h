// A folder with a copy of a trail, brought up to date again and again. docs/backup.md.
//
// Everything that is new is staged beside its place, as `<name>.incoming`. When all of it is durable, the file `incoming`
// lists it: from then on the new backup is there, and what is left are renames, which whoever opens the folder next
// completes. Until then the old backup is there, untouched.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/env.h"
#include "ledger/backup_plan.h"

namespace sealtrail::ledger {

struct BackupResult {
  uint64_t files = 0;   // that the backup has
  uint64_t copied = 0;  // of these, now
  uint64_t copied_bytes = 0;
  std::vector<std::string>
      differed;  // were in place and had other bytes than they must have; copied anew
  std::vector<std::string>
      damaged;  // sealed segments that are not what their manifest says, where they came from and so in the backup
};

// Threads  Compatible.
class BackupFolder {
 public:
  // Makes the folder if it is absent, locks it, and completes or throws away what an interrupted backup left.
  // `trail_note`: that of the trail whose backup it is or shall be. FailedPrecondition: it is of another trail, or no
  // backup. Unavailable: another backup is being made.
  static Result<BackupFolder> Open(const env::Env& env, std::string dir,
                                   const std::string& trail_note);

  // The checkpoint of the backup that is there; its note is empty where there is none yet.
  const CheckpointInfo& newest() const { return newest_; }

  // Copies from the data folder `from` what has changed. `check`: also looks whether what is in place is what it must be.
  // NotFound: the log was sealed since the plan was made; a new plan helps. Any error leaves the old backup.
  Result<BackupResult> Take(const std::string& from, const BackupPlan& plan, bool check);

 private:
  BackupFolder(const env::Env& env, std::string dir) : env_(env), dir_(std::move(dir)) {}

  std::string Place(const std::string& path) const { return env::JoinPath(dir_, path); }
  Status CheckTrail(const std::string& trail_note) const;
  Status CheckNoStrangers() const;
  Status DropStaged() const;
  Status ReadNewest();
  Status StageFile(const std::string& from, const BackupFile& file, bool check,
                   BackupResult& result);
  Status StageText(const std::string& path, const std::string& text, BackupResult& result);
  Result<bool> Differs(const env::ReadableFile& source, const std::string& from,
                       const BackupFile& file, bool check) const;
  Status BeginStaging(const std::string& path);

  env::Env env_;
  std::string dir_;
  std::unique_ptr<env::FileLock> lock_;
  CheckpointInfo newest_;
  std::vector<std::string> staged_;
};

// Completes a backup that was whole and not in place yet, if there is one in `dir`.
Status FinishBackup(env::FileSystem& files, const std::string& dir);

}  // namespace sealtrail::ledger
