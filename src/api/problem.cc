#include "api/problem.h"

#include <nlohmann/json.hpp>

namespace sealtrail::api {
namespace {

int HttpStatusOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return 200;
    case StatusCode::kInvalidArgument:
      return 400;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kAlreadyExists:
      return 409;
    case StatusCode::kResourceExhausted:
      return 413;
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
    case StatusCode::kFailedPrecondition:
      return 503;
    case StatusCode::kPermissionDenied:
      return 403;
    case StatusCode::kUnauthenticated:
      return 401;
    case StatusCode::kUnimplemented:
      return 501;
    case StatusCode::kDataLoss:
      return 500;
  }
  return 500;
}

}  // namespace

net::HttpResponse Problem(int status, const std::string& detail) {
  const nlohmann::json body = {
      {"title", net::HttpReason(status)}, {"status", status}, {"detail", detail}};
  net::HttpResponse response{.status = status, .content_type = "application/problem+json"};
  response.body = SharedBytes::FromText(
      body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  if (status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

net::HttpResponse ProblemFrom(const Status& status) {
  return Problem(HttpStatusOf(status.code()), status.message());
}

}  // namespace sealtrail::api
