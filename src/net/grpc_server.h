// A gRPC server for unary calls with raw messages: it knows paths and bytes, no service and no protobuf.
//
// Compression  Core's own is off, for it inflates without bound; a compressed message arrives as it was sent, without
//              a word about its coding (content_decoder.h tells it by magic). deflate, which core would announce, has
//              no magic and is refused by name (UNIMPLEMENTED).
// Failures     Go out as Trailers-Only (one HEADERS frame that ends the stream): some clients find the status nowhere
//              else.
// Limits       Message size, calls at once, time to read a message, and bytes of all messages that have been read.
//              (Their size is known no earlier: what core holds of those on their way is bounded by the calls.)
//              A connection that is silent for a minute is pinged, and closed 20 s later if it does not answer.
//              Clients may ping, also between calls, but not more often than they need to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/limits.h"
#include "base/shared_bytes.h"
#include "base/status.h"
#include "env/env.h"
#include "net/byte_budget.h"

namespace sealtrail::net {

class TlsCertificates;

struct GrpcCall {
  std::string method;  // "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
  std::vector<std::pair<std::string, std::string>> metadata;  // as received; keys are in lower case
  std::string peer;                                           // "127.0.0.1:50412"
  std::string tls_subject;  // of the client's verified certificate (tls_context.h), or empty
  SharedBytes message;

  // The first value of `key`, or empty text.
  std::string_view Metadata(std::string_view key) const;
};

struct GrpcFailure {
  int code;             // google.rpc.Code, not 0
  std::string message;  // grpc-message
  std::string details;  // grpc-status-details-bin, a google.rpc.Status in protobuf; empty: none
  std::vector<std::pair<std::string, std::string>>
      trailers;  // further ones; keys that end in -bin take any bytes
};

// What the server itself answers when there is nothing for the handler: Unimplemented (no such method),
// ResourceExhausted (message too large, or none), Unavailable (too many calls or bytes). `head` has no message.
using GrpcFailureMaker = std::function<GrpcFailure(const GrpcCall& head, const Status&)>;
GrpcFailure PlainGrpcFailure(const GrpcCall& head, const Status& status);

struct GrpcServerOptions {
  std::string address;               // "host:port", port 0 picks a free one
  TlsCertificates* tls = nullptr;    // set: TLS alone is spoken; outlives the server
  std::vector<std::string> methods;  // that the handler knows, as in GrpcCall::method
  size_t message_bytes_max = kRequestBytesMax;
  size_t calls_max = 1024;
  int64_t handshake_timeout_ns =
      10 * kNanosPerSecond;  // from accept to the first settings of HTTP/2
  int64_t read_timeout_ns =
      60 * kNanosPerSecond;  // from the header of a call to the end of its message
  // A client whose pings come faster, three times between two answers, is sent away (GOAWAY, too_many_pings). Half of
  // the 10 s that clients take at least, for what is sent every 10 s does not arrive every 10 s.
  int64_t ping_interval_min_ns = 5 * kNanosPerSecond;
  GrpcFailureMaker make_failure = PlainGrpcFailure;
};

// Where the answer to one call goes.
//
// Threads  Safe; copies stand for the same call. May be used long after the handler returned.
class GrpcResponder {
 public:
  // One of both, exactly once; a second time is a bug. If all copies go without it, the client gets UNAVAILABLE.
  void Ok(ByteView message) const;
  void Fail(GrpcFailure failure) const;

 private:
  friend class GrpcReactor;
  struct State;
  explicit GrpcResponder(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

// Called on a thread of the server, which serves others too: it must be quick and must not block.
using GrpcHandler = std::function<void(GrpcCall, GrpcResponder)>;

// Threads  Safe, but for Stop(), which has one caller.
class GrpcServer {
 public:
  // Listens and serves until stopped. Messages in memory are taken from `budget`; `env` and `budget` outlive the
  // server. From here on, the process's log lines of gRPC core go to LogLine, errors only, at most one a second.
  // InvalidArgument, FailedPrecondition: cannot listen, and why.
  static Result<std::unique_ptr<GrpcServer>> Start(GrpcServerOptions options, env::Env env,
                                                   ByteBudget& budget, GrpcHandler handler);

  ~GrpcServer();  // Stop(0)

  // What it listens on, with the port that was picked.
  const std::string& address() const;

  // Takes no more calls, lets those that have begun end, cancels what is still unread after `drain_ns`. Returns when
  // the last responder has answered. Not to be called from a handler. Calls after the first do nothing.
  void Stop(int64_t drain_ns);

 private:
  class Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;

  friend class GrpcReactor;
};

}  // namespace sealtrail::net
