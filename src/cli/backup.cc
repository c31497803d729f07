#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "cli/store_client.h"
#include "ledger/backup_folder.h"
#include "ledger/trail.h"
#include "tlog/note.h"

namespace sealtrail::cli {
namespace {

using nlohmann::json;

constexpr size_t kPlanBytesMax = 256 * kMiB;
constexpr uint64_t kNoteBytesMax = 64 * kKiB;
constexpr int kTriesMax = 10;  // a log may be sealed, or a key change, while it is being copied

std::string BodyOf(const BackupArgs& args, const ledger::CheckpointInfo& newest) {
  json body = {{"with_key", args.with_key}, {"target", args.target_dir}};
  if (!newest.note.empty())
    body["newest"] = {{"size", Value(newest.size)}, {"root", Base64Encode(newest.root)}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<ledger::BackupPlan> ParsePlan(const std::string& text) {
  const json answer = json::parse(text, nullptr, false);
  const Status wrong = DataLoss("the store gave an answer that is none");
  ledger::BackupPlan plan;
  // Our own server's answer: one look at its shape.
  try {
    plan.checkpoint.size = TreeSize{answer.at("size").get<uint64_t>()};
    plan.checkpoint.note = answer.at("checkpoint").get<std::string>();
    plan.vkeys = answer.at("vkeys").get<std::vector<std::string>>();
    for (const json& file : answer.at("files"))
      plan.files.push_back({file.at("path").get<std::string>(), file.at("bytes").get<uint64_t>()});
    const auto root = Base64Decode(answer.at("root").get<std::string>());
    if (!root.ok() || root->size() != plan.checkpoint.root.size() || plan.vkeys.empty())
      return wrong;
    std::copy(root->begin(), root->end(), plan.checkpoint.root.begin());
  } catch (const json::exception&) {
    return wrong;
  }
  return plan;
}

// NotFound where another key took over since the plan was made.
Result<std::string> ReadKey(const env::Env& env, const std::string& data_dir,
                            const ledger::BackupPlan& plan) {
  const std::string path = env::JoinPath(data_dir, "keys/log.key");
  const auto read = env::ReadFile(env.files, path, kNoteBytesMax);
  if (read.status().code() == StatusCode::kNotFound) {
    return FailedPrecondition(
        "{} is not there: the key is held by a command, and is not ours to copy; leave out "
        "--with-key",
        path);
  }
  SEAL_ASSIGN_OR_RETURN(const Bytes bytes, read);
  const auto signer = tlog::Signer::FromText(AsText(bytes));
  if (!signer.ok()) return signer.status().Annotate(path);
  if (signer->verifier().vkey() != plan.vkeys.back())
    return NotFound("{}: it is not the key of the backup's checkpoint", path);
  return std::string(AsText(bytes));
}

struct Taken {
  ledger::BackupPlan plan;
  ledger::BackupResult result;
};

Result<Taken> Copy(const env::Env& env, const BackupArgs& args, ledger::BackupPlan plan,
                   ledger::BackupFolder& folder) {
  if (args.with_key) {
    SEAL_ASSIGN_OR_RETURN(plan.key, ReadKey(env, args.data_dir, plan));
  }
  SEAL_ASSIGN_OR_RETURN(ledger::BackupResult result, folder.Take(args.data_dir, plan, args.check));
  return Taken{.plan = std::move(plan), .result = std::move(result)};
}

// Copies while the store runs: what it says is a backup stays one, unless its log is sealed before we open it.
Result<Taken> TakeRunning(const env::Env& env, const BackupArgs& args, std::string answer,
                          StoreClient& client, ledger::BackupFolder& folder) {
  for (int i = 1;; ++i) {
    SEAL_ASSIGN_OR_RETURN(ledger::BackupPlan plan, ParsePlan(answer));
    auto taken = Copy(env, args, std::move(plan), folder);
    if (taken.status().code() != StatusCode::kNotFound || i == kTriesMax) return taken;
    SEAL_ASSIGN_OR_RETURN(answer, client.FetchText("POST", "/api/v1/backup", kPlanBytesMax, {},
                                                   BodyOf(args, folder.newest())));
  }
}

// The store ran for this command alone: its stop is the last thing that is signed, and the backup holds it.
Result<Taken> TakeStopped(const env::Env& env, const BackupArgs& args,
                          ledger::BackupFolder& folder) {
  const auto lock = env.files.Lock(ledger::TrailPaths(args.data_dir).lock);
  const bool read_only = lock.status().code() == StatusCode::kFailedPrecondition;
  if (!lock.ok() && !read_only) return lock.status();
  SEAL_ASSIGN_OR_RETURN(ledger::BackupPlan plan, ledger::PlanFolder(env, args.data_dir));
  return Copy(env, args, std::move(plan), folder);
}

Result<Taken> Take(const env::Env& env, const BackupArgs& args) {
  SEAL_RETURN_IF_ERROR(CheckApart(env.files, args.data_dir, args.target_dir));
  const auto note =
      env::ReadFile(env.files, ledger::TrailPaths(args.data_dir).trail, kNoteBytesMax);
  if (note.status().code() == StatusCode::kNotFound)
    return FailedPrecondition("{} holds no trail", args.data_dir);
  if (!note.ok()) return note.status();
  SEAL_ASSIGN_OR_RETURN(
      ledger::BackupFolder folder,
      ledger::BackupFolder::Open(env, args.target_dir, std::string(AsText(*note))));
  SEAL_ASSIGN_OR_RETURN(auto client, StoreClient::OpenFolder(env, args.data_dir));
  auto answer =
      client->FetchText("POST", "/api/v1/backup", kPlanBytesMax, {}, BodyOf(args, folder.newest()));
  const bool stopped = client->runs_store();
  if (answer.ok() && !stopped) return TakeRunning(env, args, *std::move(answer), *client, folder);
  const Status closed = client->Close();
  SEAL_RETURN_IF_ERROR(answer.status());
  SEAL_RETURN_IF_ERROR(closed);
  client.reset();  // and its lock
  return TakeStopped(env, args, folder);
}

std::string Text(const BackupArgs& args, const Taken& taken) {
  const auto& [plan, result] = taken;
  if (args.json) {
    return json({{"size", Value(plan.checkpoint.size)},
                 {"root", Base64Encode(plan.checkpoint.root)},
                 {"epoch", plan.vkeys.size() - 1},
                 {"vkey", plan.vkeys.back()},
                 {"with_key", !plan.key.empty()},
                 {"files", result.files},
                 {"copied", result.copied},
                 {"copied_bytes", result.copied_bytes},
                 {"differed", result.differed},
                 {"damaged", result.damaged}})
               .dump() +
           "\n";
  }
  std::string text = fmt::format(
      "{} holds {} records, root {}: {} files, of which {} ({} bytes) were copied now\n",
      args.target_dir, Value(plan.checkpoint.size), Base64Encode(plan.checkpoint.root),
      result.files, result.copied, result.copied_bytes);
  for (const std::string& path : result.differed)
    text += fmt::format("{} was there with other bytes, and was copied anew\n", path);
  for (const std::string& path : result.damaged)
    text += fmt::format(
        "{} is not what its manifest says, and was copied as it is; `sealtrail verify {}` says "
        "more\n",
        path, args.data_dir);
  return text;
}

}  // namespace

int Backup(const env::Env& env, const BackupArgs& args) {
  const auto taken = Take(env, args);
  if (!taken.ok()) return Complain(taken.status().message());
  const std::string text = Text(args, *taken);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return Complain("standard output cannot be written");
  return taken->result.damaged.empty() ? 0 : 1;
}

}  // namespace sealtrail::cli
