#include <cstdio>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/store_client.h"

namespace sealtrail::cli {
namespace {

// One line a key: its epoch, the key, and which one signs now, from where.
std::string KeysText(const nlohmann::json& answer) {
  std::string text;
  for (const auto& key : answer["keys"]) {
    text += fmt::format("{:>5}  {}{}\n", key["epoch"].get<int>(), key["vkey"].get<std::string>(),
                        !key["current"].get<bool>()       ? ""
                        : key.value("held", "") == "file" ? "  (signs now, a file)"
                                                          : "  (signs now, held by a command)");
  }
  return text;
}

}  // namespace

int Keys(const env::Env& env, const KeysArgs& args) {
  auto client = StoreClient::OpenFolder(env, args.data_dir);
  if (!client.ok()) return Complain(client.status().message());
  std::string body;
  const auto response = (*client)->Fetch(args.rotate ? "POST" : "GET",
                                         args.rotate ? "/api/v1/keys/rotate" : "/api/v1/keys",
                                         !args.rotate   ? ""
                                         : args.to_file ? R"({"to_file":true})"
                                                        : "{}",
                                         [&](std::string_view piece) {
                                           body += piece;
                                           return OkStatus();
                                         });
  const Status closed = (*client)->Close();
  if (!response.ok()) return Complain(response.status().message());
  if (!closed.ok()) return Complain(closed.message());
  const auto answer = nlohmann::json::parse(body, nullptr, false);
  if (!answer.is_object() || !answer.contains("keys"))
    return Complain("the store gave an answer that is none");
  const std::string text = args.json ? body : KeysText(answer);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return Complain("standard output cannot be written");
  }
  return 0;
}

}  // namespace sealtrail::cli
