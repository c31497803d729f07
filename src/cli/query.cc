#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/store_client.h"
#include "query/format.h"

namespace sealtrail::cli {
namespace {

// Says so where the answer does not reach the end of the trail, as its statement tells. Returns whether it does.
bool ReachesEnd(std::string_view answer) {
  const size_t at = answer.rfind("],\"statement\":");
  if (at == answer.npos) return true;
  const auto end =
      nlohmann::json::parse(fmt::format("{{{}", answer.substr(at + 2)), nullptr, false);
  if (!end.is_object() || !end.contains("statement")) return true;
  const auto& statement = end["statement"];
  const uint64_t covers = statement.value("covers", uint64_t{0});
  const uint64_t size = statement.value("tree_size", uint64_t{0});
  if (covers >= size) return true;
  std::fprintf(
      stderr,
      "sealtrail: the answer is of the first %llu records of %llu: the index has not reached "
      "the others; it is being made, or what it reads cannot be read\n",
      static_cast<unsigned long long>(covers), static_cast<unsigned long long>(size));
  return false;
}

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
  return ReachesEnd(answer) ? 0 : 2;
}

}  // namespace sealtrail::cli
