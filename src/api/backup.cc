// Which files are a backup of the trail at this moment. Whoever asks copies them out of the folder: docs/backup.md.
#include <nlohmann/json.hpp>

#include "api/answers.h"
#include "api/api.h"
#include "api/call.h"
#include "api/problem.h"
#include "base/encoding.h"

namespace sealtrail::api {
namespace {

using nlohmann::json;

struct Wanted {
  bool with_key = false;
  std::string target;  // how the caller names the place
  TreeSize newest{0};  // of the backup that is there already
  crypto::Hash newest_root{};
};

Result<Wanted> ParseWanted(std::string_view text) {
  const Status shape = InvalidArgument(
      R"(expected a JSON object {{"with_key":BOOL,"target":"PLACE","newest":{{"size":N,"root":"BASE64"}}}}, all optional)");
  const json body = text.empty() ? json::object() : json::parse(text, nullptr, false);
  if (!body.is_object()) return shape;
  Wanted wanted;
  const json with_key = body.value("with_key", json(false));
  const json target = body.value("target", json(""));
  if (!with_key.is_boolean() || !target.is_string()) return shape;
  wanted.with_key = with_key.get<bool>();
  wanted.target = target.get<std::string>();
  if (!body.contains("newest")) return wanted;
  const json& newest = body["newest"];
  if (!newest.is_object() || !newest.contains("size") || !newest["size"].is_number_unsigned() ||
      !newest.contains("root") || !newest["root"].is_string()) {
    return shape;
  }
  wanted.newest = TreeSize{newest["size"].get<uint64_t>()};
  const auto root = Base64Decode(newest["root"].get<std::string>());
  if (!root.ok() || root->size() != wanted.newest_root.size()) return shape;
  std::copy(root->begin(), root->end(), wanted.newest_root.begin());
  return wanted;
}

json PlanJson(const ledger::BackupPlan& plan, bool with_key) {
  json files = json::array();
  for (const ledger::BackupFile& file : plan.files)
    files.push_back({{"path", file.path}, {"bytes", file.bytes}});
  return {{"size", Value(plan.checkpoint.size)},
          {"root", Base64Encode(plan.checkpoint.root)},
          {"checkpoint", plan.checkpoint.note},
          {"vkeys", plan.vkeys},
          {"with_key", with_key},
          {"files", std::move(files)}};
}

}  // namespace

// A backup that holds what this trail never had is of another history: it is not to be overwritten with this one.
void Api::Backup(const Call& call) {
  const auto wanted = ParseWanted(AsText(call.request.body.view()));
  if (!wanted.ok()) return call.responder.Send(ProblemFrom(wanted.status()));
  const TreeSize durable = services_.reader.heights().durable;
  if (wanted->newest > durable) {
    return call.responder.Send(Problem(
        409, fmt::format("the backup there has {} records, and this trail has {}: it holds what is "
                         "lost here; take this one to another place",
                         Value(wanted->newest), Value(durable))));
  }
  if (Value(wanted->newest) == 0) return PlanBackup(call, wanted->with_key, wanted->target);
  WithCheckpoint(call, wanted->newest, [this, call, wanted](const ledger::CheckpointInfo& head) {
    const auto known = prover_.ProveConsistency(wanted->newest, head.size, head);
    if (!known.ok()) return call.responder.Send(ProblemFrom(known.status()));
    if (known->old_root == wanted->newest_root)
      return PlanBackup(call, wanted->with_key, wanted->target);
    call.responder.Send(Problem(
        409, fmt::format("the backup there has another root for its {} records: it is of another "
                         "history; take this one to another place",
                         Value(wanted->newest))));
  });
}

// The record comes first, so that the backup holds it.
void Api::PlanBackup(const Call& call, bool with_key, const std::string& target) {
  RecordThen(call,
             {.action = "sealtrail.backup.run",
              .actor = call.principal,
              .target = target,
              .details = {{"sealtrail.backup.with_key", with_key ? "true" : "false"}}},
             [this, call, with_key] {
               services_.plan_backup([this, call, with_key](Result<ledger::BackupPlan> plan) {
                 if (!plan.ok()) return call.responder.Send(ProblemFrom(plan.status()));
                 Finish(call, JsonAnswer(200, PlanJson(*plan, with_key)));
               });
             });
}

}  // namespace sealtrail::api
