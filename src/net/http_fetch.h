// An HTTP(S) client for other people's services (witnesses, time-stamp authorities), by libcurl:
// one blocking request with an end in sight, whatever the other side does. Our own store's commands
// use http_client.h.
//
// What it never does: follow a redirect to another scheme, host or port; undo a content coding;
// speak anything but HTTP and HTTPS; read proxies or credentials from the environment or the user's
// files; hold more than `answer_bytes_max` of an answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"
#include "net/http_message.h"

namespace sealtrail::net {

struct FetchRequest {
  std::string url;  // http:// or https://; credentials in it are refused
  std::string method = "GET";
  HttpHeaders headers;  // names and values without line breaks
  std::string body;     // sent unless the method is GET
};

struct FetchOptions {
  int64_t connect_timeout_ns = 5 * kNanosPerSecond;  // name, TCP and TLS
  int64_t total_timeout_ns = 20 * kNanosPerSecond;   // all of it, redirects included
  size_t answer_bytes_max = 1 * kMiB;                // of the body
  std::string ca_file;  // PEM: who may vouch for the server, instead of the system's authorities
  std::string proxy;    // "http://host:port"; empty: none
  // Once true, the request ends within a second. Borrowed; may be null.
  const std::atomic<bool>* cancelled = nullptr;
};

struct FetchResponse {
  int status = 0;       // 3xx where the redirect leads elsewhere, or further than three steps
  HttpHeaders headers;  // of the last answer; names in lower case
  std::string body;     // of any status

  // The first header of this name (in lower case), or empty text.
  std::string_view Header(std::string_view name) const;
};

// Sends the request and waits for the whole answer, whatever its status. Redirects within scheme,
// host and port are followed where that repeats the request as it is: any for GET, 307 and 308 for
// others.
//
// InvalidArgument      the URL or a header is none
// Unavailable          no connection, it broke, or a time ran out
// ResourceExhausted    the answer is too long
// FailedPrecondition   the server's certificate is not believed, or `ca_file` cannot be read
// Cancelled            `cancelled` was set
//
// Threads  Safe. The process must ignore SIGPIPE (env::BlockSignals).
Result<FetchResponse> Fetch(const FetchRequest& request, const FetchOptions& options = {});

}  // namespace sealtrail::net
