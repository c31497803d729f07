#include <cstdio>

#include "cli/commands.h"
#include "cli/store_client.h"

namespace sealtrail::cli {
namespace {

Status WriteOut(std::string_view piece) {
  if (std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size()) return OkStatus();
  return Unavailable("standard output cannot be written");
}

}  // namespace

int Export(const env::Env& env, const ExportArgs& args) {
  auto client = StoreClient::OpenFolder(env, args.data_dir);
  if (!client.ok()) return Complain(client.status().message());
  std::string target = "/api/v1/leaves?";
  if (args.from) target += fmt::format("from={}&", *args.from);
  if (args.to) target += fmt::format("to={}", *args.to);
  const auto response = (*client)->Fetch("GET", target, "", WriteOut);
  const bool flushed = std::fflush(stdout) == 0;
  const Status closed = (*client)->Close();
  if (!response.ok()) return Complain(response.status().message());
  if (!flushed) return Complain("standard output cannot be written");
  if (!closed.ok()) return Complain(closed.message());
  TellUnrecorded(*response);
  std::fprintf(stderr, "size %s\nroot %s\n", HeaderOf(*response, "x-sealtrail-size").c_str(),
               HeaderOf(*response, "x-sealtrail-root").c_str());
  return 0;
}

}  // namespace sealtrail::cli
