#include "ledger/restore.h"

#include <memory>
#include <set>

#include "base/limits.h"
#include "ledger/backup_folder.h"
#include "ledger/file_copy.h"
#include "ledger/signing_record.h"
#include "ledger/trail.h"
#include "tlog/note.h"

namespace sealtrail::ledger {
namespace {

constexpr std::string_view kAsNewEpoch =
    "it goes on only as a new epoch with a new key: --new-epoch instead of --key";

Status CheckEmpty(env::FileSystem& files, const std::string& dir) {
  static const std::set<std::string_view> kHarmless = {"LOCK", "lost+found"};
  SEAL_ASSIGN_OR_RETURN(const auto names, files.List(dir));
  for (const std::string& name : names) {
    if (kHarmless.contains(name)) continue;
    if (name == kRestoringNote) return InterruptedRestore(dir);
    return FailedPrecondition("{} is not empty: it holds \"{}\"", dir, name);
  }
  return OkStatus();
}

Status CheckKey(const std::string& key, const BackupPlan& plan) {
  const auto signer = tlog::Signer::FromText(key);
  if (!signer.ok()) return signer.status().Annotate("the given key");
  if (signer->verifier().vkey() == plan.vkeys.back()) return OkStatus();
  return FailedPrecondition("the given key is not that of the backup, whose verifier key is {}",
                            plan.vkeys.back());
}

// Everything but the trail's note and the checkpoint.
Status CopyTrail(env::FileSystem& files, const std::string& from, const std::string& to,
                 const BackupPlan& plan) {
  std::set<std::string> folders;
  for (const BackupFile& file : plan.files) {
    if (file.path == "trail") continue;
    SEAL_RETURN_IF_ERROR(MakeParents(files, to, file.path));
    SEAL_ASSIGN_OR_RETURN(const auto source, files.OpenRead(env::JoinPath(from, file.path)));
    const std::string place = env::JoinPath(to, file.path);
    const auto copied = CopyFile(*source, file.bytes, files, place);
    if (!copied.ok()) return copied.status().Annotate(file.path);
    folders.insert(env::ParentPath(place));
  }
  for (const std::string& folder : folders) SEAL_RETURN_IF_ERROR(files.SyncDir(folder));
  return OkStatus();
}

// Under its own key, whose signing record lies elsewhere.
Status GoOn(env::FileSystem& files, const TrailPaths& paths, const RestoreOptions& options,
            const BackupPlan& plan) {
  for (const std::string& dir : {paths.keys, paths.signing})
    SEAL_RETURN_IF_ERROR(files.MakeDir(dir));
  SEAL_RETURN_IF_ERROR(files.SyncDir(paths.data_dir));
  BackupPlan with_key = plan;
  with_key.key = options.key;
  for (const auto& [path, text] : with_key.Texts()) {
    const std::string place = env::JoinPath(paths.data_dir, path);
    SEAL_RETURN_IF_ERROR(env::ReplaceFile(files, env::ParentPath(place),
                                          path.substr(path.rfind('/') + 1), AsBytes(text)));
  }
  return OkStatus();
}

}  // namespace

Status MayGoOn(env::FileSystem& files, const std::string& dir, const BackupPlan& plan) {
  if (dir.empty()) {
    return FailedPrecondition(
        "no signing record from elsewhere (--signing-state) says that the key has signed nothing "
        "after this backup; {}",
        kAsNewEpoch);
  }
  SEAL_ASSIGN_OR_RETURN(const tlog::Verifier key, tlog::Verifier::FromVkey(plan.vkeys.back()));
  SEAL_ASSIGN_OR_RETURN(const auto state, ReadSigningState(files, dir, key.name()));
  if (!state) {
    return FailedPrecondition("{}/state is missing; without the signing record {}", dir,
                              kAsNewEpoch);
  }
  if (state->size == plan.checkpoint.size && state->root == plan.checkpoint.root) return OkStatus();
  return FailedPrecondition(
      "the backup has the tree of {} records, and {}/state says that one of {} records may have "
      "been signed; {}",
      Value(plan.checkpoint.size), dir, Value(state->size), kAsNewEpoch);
}

Result<Restored> Restore(const env::Env& env, const RestoreOptions& given) {
  env::FileSystem& files = env.files;
  RestoreOptions options = given;
  const TrailPaths paths(options.data_dir);
  // Nobody may sign by the record between the look at it and the end.
  std::unique_ptr<env::FileLock> signing_lock;
  if (std::string& dir = options.epoch.signing_state_dir; !dir.empty()) {
    SEAL_ASSIGN_OR_RETURN(dir, SigningFolder(files, options.data_dir, dir));
    if (dir == paths.signing) dir.clear();
    if (!dir.empty()) {
      SEAL_ASSIGN_OR_RETURN(signing_lock, LockSigningFolder(files, dir));
    }
  }
  SEAL_RETURN_IF_ERROR(FinishBackup(files, options.from));
  SEAL_ASSIGN_OR_RETURN(const BackupPlan plan, PlanFolder(env, options.from));
  const bool go_on = !options.key.empty();
  if (go_on) {
    SEAL_RETURN_IF_ERROR(CheckKey(options.key, plan));
    SEAL_RETURN_IF_ERROR(MayGoOn(files, options.epoch.signing_state_dir, plan));
  }
  SEAL_RETURN_IF_ERROR(MakeOwnFolder(files, options.data_dir));
  SEAL_RETURN_IF_ERROR(CheckEmpty(files, options.data_dir));
  SEAL_ASSIGN_OR_RETURN(const auto lock, files.Lock(paths.lock));

  SEAL_ASSIGN_OR_RETURN(const Bytes note,
                        env::ReadFile(files, TrailPaths(options.from).trail, 64 * kKiB));
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(files, options.data_dir, kRestoringNote, note));
  SEAL_RETURN_IF_ERROR(CopyTrail(files, options.from, options.data_dir, plan));
  SEAL_RETURN_IF_ERROR(files.MakeDir(paths.signing));
  if (!signing_lock) {
    SEAL_ASSIGN_OR_RETURN(signing_lock, LockSigningFolder(files, paths.signing));
  } else {
    SEAL_RETURN_IF_ERROR(env::ReplaceFile(files, paths.signing, "elsewhere",
                                          AsBytes(options.epoch.signing_state_dir + "\n")));
  }
  Restored restored{.from = plan.checkpoint, .checkpoint = plan.checkpoint, .vkeys = plan.vkeys};
  if (go_on) {
    SEAL_RETURN_IF_ERROR(GoOn(files, paths, options, plan));
  } else {
    SEAL_ASSIGN_OR_RETURN(RecoveredEpoch epoch, BeginRecoveredEpoch(env, paths, plan.checkpoint,
                                                                    plan.vkeys, options.epoch));
    restored.recovered = true;
    restored.checkpoint = std::move(epoch.checkpoint);
    restored.vkeys.push_back(std::move(epoch.vkey));
  }
  SEAL_RETURN_IF_ERROR(files.Rename(env::JoinPath(options.data_dir, kRestoringNote), paths.trail));
  SEAL_RETURN_IF_ERROR(files.SyncDir(options.data_dir));
  return restored;
}

}  // namespace sealtrail::ledger
