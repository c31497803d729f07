#include <cstdio>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/store_client.h"
#include "ledger/trail_paths.h"

namespace sealtrail::cli {
namespace {

using nlohmann::json;

std::string TextOr(const json& value, const std::string& otherwise) {
  return value.is_string() ? value.get<std::string>() : otherwise;
}

// One line a kind of anchor, one a witness, one an authority.
std::string AnchorsText(const json& answer) {
  std::string text;
  for (const json& kind : answer["kinds"]) {
    text += fmt::format("{}: {}, {} records, last {}, {} s old\n", TextOr(kind["kind"], ""),
                        kind["failing"].get<bool>() ? "late" : "good", kind["size"].get<uint64_t>(),
                        TextOr(kind["last"], "never"), kind["age_seconds"].get<int64_t>());
  }
  for (const json& witness : answer["witnesses"]) {
    const std::string alarm = TextOr(witness["alarm"], "");
    const std::string error = TextOr(witness["error"], "");
    text += fmt::format("witness {} {}: {} records, last {}{}\n", TextOr(witness["name"], ""),
                        TextOr(witness["url"], ""), witness["size"].get<uint64_t>(),
                        TextOr(witness["last"], "never"),
                        !alarm.empty()   ? "; ALARM, not asked until it is cleared: " + alarm
                        : !error.empty() ? "; " + error
                                         : "");
  }
  for (const json& authority : answer["authorities"]) {
    const std::string error = TextOr(authority["error"], "");
    text += fmt::format("authority {}{}\n", TextOr(authority["url"], ""),
                        error.empty() ? "" : "; " + error);
  }
  return text.empty() ? "no witnesses and no time-stamp authorities are configured\n" : text;
}

Result<std::string> Ask(const env::Env& env, const AnchorsArgs& args) {
  if (!env.files.IsLocked(ledger::TrailPaths(args.data_dir).lock)) {
    return FailedPrecondition(
        "nobody runs {}: witnesses are asked by the server alone; start it with its configuration, "
        "then give this command again",
        args.data_dir);
  }
  SEAL_ASSIGN_OR_RETURN(const auto client, StoreClient::OpenFolder(env, args.data_dir));
  constexpr size_t kAnswerBytesMax = kMiB;
  auto answer = args.clear.empty()
                    ? client->FetchText("GET", "/api/v1/anchors", kAnswerBytesMax)
                    : client->FetchText("POST", "/api/v1/anchors/clear-alarm", kAnswerBytesMax, {},
                                        json({{"witness", args.clear}})
                                            .dump(-1, ' ', false, json::error_handler_t::replace));
  SEAL_RETURN_IF_ERROR(client->Close());
  return answer;
}

}  // namespace

int Anchors(const env::Env& env, const AnchorsArgs& args) {
  const auto body = Ask(env, args);
  if (!body.ok()) return Complain(body.status().message());
  const json answer = json::parse(*body, nullptr, false);
  if (!answer.is_object() || !answer.contains("kinds") || !answer.contains("witnesses") ||
      !answer.contains("authorities"))
    return Complain("the store gave an answer that is none");
  const std::string text = args.json ? *body : AnchorsText(answer);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return Complain("standard output cannot be written");
  }
  return 0;
}

}  // namespace sealtrail::cli
