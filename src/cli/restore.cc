#include "ledger/restore.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "env/machine.h"
#include "env/user.h"
#include "ledger/backup_folder.h"
#include "verify/verify.h"

namespace sealtrail::cli {
namespace {

constexpr uint64_t kKeyBytesMax = 64 * kKiB;

// Proof that the old key signed what the backup does not have: a new epoch is the answer to that.
bool IsEvidence(const verify::Damage& damage) {
  return damage.file.starts_with("anchors/evidence/") && damage.kind.starts_with("anchor_");
}

// OK if every byte of the backup is what it must be. What is wrong with it first is in the error.
Status VerifyBackup(const env::Env& env, const std::string& dir, bool new_epoch, int* exit_code) {
  const verify::FolderSource source(env.files, dir);
  const verify::Report report =
      verify::Verify(source, {.executor = &env.executor, .threads = env::CoreCount()});
  *exit_code = verify::ExitCode(report);
  if (report.verdict == verify::Verdict::kSound) return OkStatus();
  if (new_epoch && report.damage_total > 0 && report.damage_total == report.damage.size() &&
      report.obstacles.empty() && std::ranges::all_of(report.damage, IsEvidence))
    return OkStatus();
  if (report.damage.empty()) {
    return FailedPrecondition("{} cannot be verified: {}", dir,
                              report.obstacles.empty() ? "no reason" : report.obstacles[0]);
  }
  const verify::Damage& first = report.damage[0];
  return DataLoss("{} is not sound: {} at {} ({}): {}; sealtrail verify {} tells all", dir,
                  first.file, first.offset, first.unit, first.text, dir);
}

Result<ledger::Restored> Run(const env::Env& env, const RestoreArgs& args, int* exit_code) {
  if (args.key_file.empty() != args.new_epoch) {
    return InvalidArgument(
        "one of --key FILE (go on under this key) and --new-epoch (go on under a new one) is "
        "needed");
  }
  SEAL_RETURN_IF_ERROR(CheckApart(env.files, args.from_dir, args.data_dir));
  ledger::RestoreOptions options{.from = args.from_dir,
                                 .data_dir = args.data_dir,
                                 .epoch = {.actor = "local:" + env::UserName(env::CurrentUser()),
                                           .signing_state_dir = args.signing_state,
                                           .name_number_min = args.epoch_number}};
  if (!args.key_file.empty()) {
    SEAL_ASSIGN_OR_RETURN(const Bytes key, env::ReadFile(env.files, args.key_file, kKeyBytesMax));
    options.key = AsText(key);
  }
  if (env.files.IsLocked(env::JoinPath(args.from_dir, "LOCK")))
    return Unavailable("{} is in use: a backup is being made, or a store runs there",
                       args.from_dir);
  SEAL_RETURN_IF_ERROR(ledger::FinishBackup(env.files, args.from_dir));
  SEAL_RETURN_IF_ERROR(VerifyBackup(env, args.from_dir, args.new_epoch, exit_code));
  *exit_code = 2;
  return ledger::Restore(env, options);
}

std::string SigningDir(const RestoreArgs& args) {
  return args.signing_state.empty() ? env::JoinPath(args.data_dir, "signing") : args.signing_state;
}

std::string Json(const RestoreArgs& args, const ledger::Restored& restored) {
  return nlohmann::ordered_json({{"records", Value(restored.from.size)},
                                 {"root", Base64Encode(restored.from.root)},
                                 {"size", Value(restored.checkpoint.size)},
                                 {"recovered", restored.recovered},
                                 {"epoch", restored.vkeys.size() - 1},
                                 {"vkey", restored.vkeys.back()},
                                 {"key", env::JoinPath(args.data_dir, "keys/log.key")},
                                 {"signing_state", SigningDir(args)}})
             .dump() +
         "\n";
}

std::string Text(const RestoreArgs& args, const ledger::Restored& restored) {
  std::string text = fmt::format("restored {} records, root {}, to {}\n", Value(restored.from.size),
                                 Base64Encode(restored.from.root), args.data_dir);
  text += restored.recovered
              ? fmt::format(
                    "it goes on as epoch {}, under a new key: {}\n"
                    "tell it to whoever verifies, and to the witnesses: no earlier key "
                    "vouches for it\n",
                    restored.vkeys.size() - 1, restored.vkeys.back())
              : fmt::format("it goes on under its key (epoch {}): {}\n", restored.vkeys.size() - 1,
                            restored.vkeys.back());
  text += fmt::format("the signing key is {}, the signing record in {}\n",
                      env::JoinPath(args.data_dir, "keys/log.key"), SigningDir(args));
  if (!restored.recovered) return text;
  return text +
         "records that were acknowledged after this backup are lost, unless senders still hold "
         "them\n";
}

}  // namespace

int Restore(const env::Env& env, const RestoreArgs& args) {
  int exit_code = 2;
  const auto restored = Run(env, args, &exit_code);
  if (!restored.ok()) return Complain(restored.status().message(), exit_code);
  const std::string text = args.json ? Json(args, *restored) : Text(args, *restored);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return Complain("standard output cannot be written");
  return 0;
}

}  // namespace sealtrail::cli
