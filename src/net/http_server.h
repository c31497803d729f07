// An HTTP/1.1 server (RFC 9112) on TCP and on a Unix socket: keep-alive, pipelining, chunked bodies
// in both directions, Expect: 100-continue. TLS where it is configured (tls_context.h), never on the
// Unix socket. HTTP/2 is not spoken.
//
// Nobody can make it hold more than its limits: header, body, bytes of all bodies together,
// connections, and time for each step. A client that stalls loses its connection and costs nobody
// else anything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"
#include "env/env.h"
#include "net/byte_budget.h"
#include "net/http_message.h"

namespace sealtrail::net {

class TlsCertificates;

struct HttpTimeouts {
  int64_t header_ns =
      10 *
      kNanosPerSecond;  // from accept to the first byte, a TLS handshake included; from there to the end of the header
  int64_t body_idle_ns = 30 * kNanosPerSecond;    // for each 16 KiB of a body, or its rest
  int64_t keep_alive_ns = 120 * kNanosPerSecond;  // between an answer and the next request
  int64_t write_ns = 30 * kNanosPerSecond;        // for each MiB of an answer, or its rest
  int64_t linger_ns = 2 * kNanosPerSecond;  // for reading on after a refusal, so that it arrives
};

// What the server itself answers when there is nothing for the handler: `status` is 400, 413, 417,
// 431, 501, 503 or 505, `message` is for people. `head` holds what was understood of the request,
// maybe nothing, and no body. A 503 without Retry-After gets one of a second.
using HttpErrorAnswer =
    std::function<HttpResponse(const HttpRequest& head, int status, const std::string& message)>;
HttpResponse PlainHttpError(const HttpRequest& head, int status, const std::string& message);

struct HttpServerOptions {
  std::string address;             // "host:port", port 0 picks a free one; empty: no TCP
  TlsCertificates* tls = nullptr;  // set: TCP speaks TLS alone; outlives the server
  std::string unix_path;           // a socket file, mode 0600, removed at the end; empty: none
  int threads = 2;
  size_t body_bytes_max = kRequestBytesMax;
  size_t connections_max = 1024;  // further ones get 503 and are closed
  HttpTimeouts timeouts = {};
  HttpErrorAnswer error_answer = PlainHttpError;
};

// Where the answer to one request goes.
//
// Threads  Safe; copies stand for the same request. May be used long after the handler returned.
class HttpResponder {
 public:
  // Exactly once; a second time is a bug. If all copies go without it, the client gets 503.
  void Send(HttpResponse response) const;

 private:
  friend class HttpConnection;
  struct State;
  explicit HttpResponder(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

// Called on a thread of the server, which serves others too: it must be quick and must not block.
using HttpHandler = std::function<void(HttpRequest, HttpResponder)>;

// Threads  Safe, but for Stop(), which has one caller.
class HttpServer {
 public:
  // Listens and serves until stopped. Bodies in memory are taken from `budget`: where it has no
  // room for a request, the answer is 503 before its body is read. `env` and `budget` outlive the
  // server. InvalidArgument, FailedPrecondition: cannot listen, and why.
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options, env::Env env,
                                                   ByteBudget& budget, HttpHandler handler);

  ~HttpServer();  // Stop(0)

  // The TCP address it listens on, with the port that was picked.
  const std::string& address() const;

  // Accepts no more, closes what is idle, and lets requests that have begun end; what is not read
  // or written after `drain_ns` is cut. Returns when the last responder has answered and no thread
  // of the server runs. Not to be called from a handler. Calls after the first do nothing.
  void Stop(int64_t drain_ns);

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;

  friend class HttpConnection;
};

}  // namespace sealtrail::net
