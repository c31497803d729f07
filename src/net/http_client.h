// A blocking HTTP/1.1 client for the command line: one request, one connection, TCP or a Unix socket.
#pragma once

#include <functional>
#include <string>

#include "base/status.h"
#include "net/http_message.h"

namespace sealtrail::net {

struct HttpClientRequest {
  std::string address;    // "host:port"; empty where unix_path is set
  std::string unix_path;  // a socket file
  std::string method = "GET";
  std::string target = "/";
  HttpHeaders headers;
  std::string body;
};

struct HttpClientResponse {
  int status = 0;
  HttpHeaders headers;     // names in lower case
  std::string error_body;  // of an answer that is not 2xx: its first 64 KiB
};

// Sends the request and passes the body of a 2xx answer piece by piece to `sink`. Unavailable: no connection, or it
// broke before the answer was whole. An error from `sink` ends it.
Result<HttpClientResponse> FetchHttp(const HttpClientRequest& request,
                                     const std::function<Status(std::string_view)>& sink);

}  // namespace sealtrail::net
