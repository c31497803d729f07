// Requests and responses of HTTP/1.1 (RFC 9110, RFC 9112) as plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"
#include "base/status.h"

namespace sealtrail::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// All of it is as the client sent it: nothing is decoded, and text need not be UTF-8.
struct HttpRequest {
  std::string method;   // "POST"
  std::string path;     // "/v1/traces"
  std::string query;    // what stands behind '?', without it
  HttpHeaders headers;  // in the order received; names in lower case
  SharedBytes body;
  std::string peer;                  // "127.0.0.1:50412", "[::1]:50412", or "unix"
  std::optional<uint32_t> peer_uid;  // who connected to the Unix socket
  std::string tls_subject;  // of the client's verified certificate (tls_context.h), or empty

  // The first header of this name (in lower case), or null.
  const std::string* FindHeader(std::string_view name) const;
  // The same, with an absent one as empty text.
  std::string_view Header(std::string_view name) const;
};

// A body made while it is sent, piece by piece.
class HttpBodySource {
 public:
  virtual ~HttpBodySource() = default;

  // Calls `done` once, from any thread, maybe before it returns: with the next piece, with no bytes
  // at the end, or with an error, which breaks the connection so that the client sees that
  // something is missing. The next call comes when the piece has been sent, so a slow reader slows
  // the source.
  virtual void Next(std::function<void(Result<Bytes>)> done) = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;  // empty: no such header
  HttpHeaders headers;       // further ones; line breaks in values are sent as spaces
  SharedBytes body;
  std::unique_ptr<HttpBodySource> source;  // set: instead of `body`, sent chunked
};

// What ends a body.
enum class HttpFraming {
  kLength,   // Content-Length: of `body`
  kChunked,  // Transfer-Encoding: chunked
  kNone,     // the end of the connection (a source to a client of HTTP/1.0), or there is no body
};

// The status line and headers of `response`, with the empty line. `date` is the content of Date.
std::string FormatHttpHead(const HttpResponse& response, HttpFraming framing, bool keep_alive,
                           std::string_view date);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
std::string HttpDate(int64_t unix_seconds);

// "Not Found"
std::string_view HttpReason(int status);

}  // namespace sealtrail::net
