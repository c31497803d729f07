#include "cli/store_client.h"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "env/pause.h"
#include "ledger/trail.h"

namespace sealtrail::cli {
namespace {

constexpr int64_t kWaitNanos = 30 * kNanosPerSecond;  // for another command to end or to be ready
constexpr int64_t kPauseNanos = 50 * kNanosPerMilli;

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
  const auto trail = env.files.Stat(ledger::TrailPaths(data_dir).trail);
  if (trail.status().code() == StatusCode::kNotFound)
    return FailedPrecondition("{} holds no trail", data_dir);
  if (!trail.ok()) return trail.status();
  std::unique_ptr<StoreClient> client(new StoreClient(env));
  client->data_dir_ = data_dir;
  const MonotonicNanos give_up = env.clock.Monotonic() + kWaitNanos;
  for (;;) {
    const Status reached = client->Reach();
    if (reached.ok()) return client;
    if (reached.code() != StatusCode::kUnavailable || env.clock.Monotonic() > give_up)
      return reached;
    env::Pause(kPauseNanos);
  }
}

Status StoreClient::Reach() {
  const std::string socket = env::JoinPath(data_dir_, "api.sock");
  base_.unix_path = socket;
  if (env_.files.IsLocked(ledger::TrailPaths(data_dir_).lock)) {
    if (env_.files.Stat(socket).ok()) return OkStatus();
    return Unavailable("{} is in use, and its socket is not there", data_dir_);
  }
  SEAL_ASSIGN_OR_RETURN(own_, server::Server::StartLocal(env_, data_dir_));
  base_.unix_path = own_->ready().socket;
  return OkStatus();
}

Result<std::unique_ptr<StoreClient>> StoreClient::OpenUrl(const env::Env& env,
                                                          const std::string& url,
                                                          const std::string& token) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme))
    return InvalidArgument("--server {}: expected http://host:port", url);
  constexpr size_t kTokenBytesMax = 4096;
  if (token.size() > kTokenBytesMax)
    return InvalidArgument("--token: over {} bytes", kTokenBytesMax);
  std::unique_ptr<StoreClient> client(new StoreClient(env));
  std::string address = url.substr(kScheme.size());
  while (address.ends_with('/')) address.pop_back();
  client->base_.address = std::move(address);
  if (!token.empty()) client->base_.headers.emplace_back("Authorization", "Bearer " + token);
  return client;
}

Result<net::HttpClientResponse> StoreClient::Fetch(
    const std::string& method, const std::string& target, const std::string& body,
    const std::function<Status(std::string_view)>& sink, const net::HttpHeaders& headers) {
  net::HttpClientRequest request = base_;
  request.headers.insert(request.headers.end(), headers.begin(), headers.end());
  request.method = method;
  request.target = target;
  request.body = body;
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  bool delivered = false;
  const auto watched = [&](std::string_view piece) {
    delivered = true;
    return sink(piece);
  };
  const MonotonicNanos give_up = env_.clock.Monotonic() + kWaitNanos;
  auto fetched = net::FetchHttp(request, watched);
  // A command that ran the folder when we looked may have ended since, or be about to.
  const auto gone = [&] {
    return fetched.ok() ? fetched->status == 503
                        : fetched.status().code() == StatusCode::kUnavailable;
  };
  while (gone() && !delivered && !data_dir_.empty() && own_ == nullptr &&
         env_.clock.Monotonic() < give_up) {
    env::Pause(kPauseNanos);
    if (!Reach().ok()) continue;
    request.unix_path = base_.unix_path;
    fetched = net::FetchHttp(request, watched);
  }
  if (!fetched.ok()) return fetched.status();
  net::HttpClientResponse response = std::move(*fetched);
  if (response.status < 200 || response.status >= 300)
    return Status(CodeOf(response.status), DetailOf(response));
  return response;
}

Result<std::string> StoreClient::FetchText(const std::string& method, const std::string& target,
                                           size_t bytes_max, const net::HttpHeaders& headers,
                                           const std::string& body) {
  std::string text;
  const auto take = [&](std::string_view piece) {
    text += piece;
    return text.size() <= bytes_max
               ? OkStatus()
               : ResourceExhausted("{}: an answer of over {} bytes", target, bytes_max);
  };
  SEAL_ASSIGN_OR_RETURN(const auto response, Fetch(method, target, body, take, headers));
  TellUnrecorded(response);
  return text;
}

Status StoreClient::Close() {
  return own_ ? own_->Stop() : OkStatus();
}

std::string HeaderOf(const net::HttpClientResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

void TellUnrecorded(const net::HttpClientResponse& response) {
  if (HeaderOf(response, "x-sealtrail-recorded") == "false")
    std::fprintf(stderr, "sealtrail: recorded: false; the folder cannot be written\n");
}

}  // namespace sealtrail::cli
