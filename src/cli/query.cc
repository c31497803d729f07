#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/store_client.h"
#include "query/format.h"

namespace sealtrail::cli {
namespace {

Result<std::string> SqlFrom(const std::string& argument) {
  if (argument != "-") return argument;
  std::string sql;
  char piece[4096];
  while (const size_t got = std::fread(piece, 1, sizeof(piece), stdin)) {
    sql.append(piece, got);
    if (sql.size() > kSqlBytesMax)
      return InvalidArgument("over {} KiB of SQL", kSqlBytesMax / kKiB);
  }
  return sql;
}

}  // namespace

int Query(const env::Env& env, const QueryArgs& args) {
  if (args.data_dir.empty() && args.server.empty())
    return Complain("query needs --data or --server");
  const auto sql = SqlFrom(args.sql);
  if (!sql.ok()) return Complain(sql.status().message());
  auto client = args.server.empty() ? StoreClient::OpenFolder(env, args.data_dir)
                                    : StoreClient::OpenUrl(env, args.server, args.token);
  if (!client.ok()) return Complain(client.status().message());

  const nlohmann::json request = {{"sql", *sql}};
  std::string answer;
  const auto response =
      (*client)->Fetch("POST", "/api/v1/query",
                       request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                       [&](std::string_view piece) {
                         answer += piece;
                         return OkStatus();
                       });
  const Status closed = (*client)->Close();
  if (!response.ok()) return Complain(response.status().message());
  if (!closed.ok()) return Complain(closed.message());
  if (answer.ends_with("\"recorded\":false}\n")) {
    std::fprintf(stderr, "sealtrail: recorded: false; the folder cannot be written\n");
  }
  const auto text = query::FormatAnswer(answer, args.format);
  if (!text.ok()) return Complain(text.status().message());
  if (std::fwrite(text->data(), 1, text->size(), stdout) != text->size() ||
      std::fflush(stdout) != 0) {
    return Complain("standard output cannot be written");
  }
  return 0;
}

}  // namespace sealtrail::cli
