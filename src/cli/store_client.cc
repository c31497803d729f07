#include "cli/store_client.h"

#include <nlohmann/json.hpp>

#include "ledger/trail.h"

namespace sealtrail::cli {
namespace {

// The detail of problem JSON, or the body as it is.
std::string DetailOf(const net::HttpClientResponse& response) {
  const auto problem = nlohmann::json::parse(response.error_body, nullptr, false);
  if (problem.is_object() && problem.contains("detail") && problem["detail"].is_string()) {
    return problem["detail"].get<std::string>();
  }
  return fmt::format("HTTP status {}", response.status);
}

StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 400:
    case 413:
      return StatusCode::kInvalidArgument;
    case 401:
      return StatusCode::kUnauthenticated;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
      return StatusCode::kNotFound;
    default:
      return StatusCode::kUnavailable;
  }
}

}  // namespace

Result<std::unique_ptr<StoreClient>> StoreClient::OpenFolder(const env::Env& env,
                                                             const std::string& data_dir) {
  std::unique_ptr<StoreClient> client(new StoreClient);
  const ledger::TrailPaths paths(data_dir);
  if (!env.files.Stat(paths.trail).ok()) return FailedPrecondition("{} holds no trail", data_dir);
  client->base_.unix_path = env::JoinPath(data_dir, "api.sock");
  if (env.files.IsLocked(paths.lock)) return client;
  SEAL_ASSIGN_OR_RETURN(client->own_, server::Server::StartLocal(env, data_dir));
  client->base_.unix_path = client->own_->ready().socket;
  return client;
}

Result<std::unique_ptr<StoreClient>> StoreClient::OpenUrl(const std::string& url,
                                                          const std::string& token) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme))
    return InvalidArgument("--server {}: expected http://host:port", url);
  std::unique_ptr<StoreClient> client(new StoreClient);
  std::string address = url.substr(kScheme.size());
  while (address.ends_with('/')) address.pop_back();
  client->base_.address = std::move(address);
  if (!token.empty()) client->base_.headers.emplace_back("Authorization", "Bearer " + token);
  return client;
}

Result<net::HttpClientResponse> StoreClient::Fetch(
    const std::string& method, const std::string& target, const std::string& body,
    const std::function<Status(std::string_view)>& sink) {
  net::HttpClientRequest request = base_;
  request.method = method;
  request.target = target;
  request.body = body;
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  SEAL_ASSIGN_OR_RETURN(net::HttpClientResponse response, net::FetchHttp(request, sink));
  if (response.status < 200 || response.status >= 300)
    return Status(CodeOf(response.status), DetailOf(response));
  return response;
}

Status StoreClient::Close() {
  return own_ ? own_->Stop() : OkStatus();
}

}  // namespace sealtrail::cli
