// A gRPC client for any method with raw messages, for tests of servers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/testing/test_authority.h"

namespace sealtrail::net::testing {

struct GrpcReply {
  int code = -1;
  std::string message;  // the answer of a call that succeeded
  std::string error;    // grpc-message
  std::string details;  // grpc-status-details-bin
  std::map<std::string, std::string> trailers;
};

struct GrpcClientOptions {
  bool gzip = false;
  bool deflate = false;
  std::string user_agent;
  int ping_ms = 0;              // how often it pings, calls or not; 0: never
  std::string authority_pem;    // set: TLS, with a server that this authority vouches for
  TestCertificate certificate;  // what it shows over TLS; empty: nothing
};

// Blocking; gives up a call after 20 s.
// Threads  Safe.
class GrpcClient {
 public:
  explicit GrpcClient(const std::string& address, GrpcClientOptions options = {});
  ~GrpcClient();

  GrpcReply Call(const std::string& method, std::string_view message,
                 const std::vector<std::pair<std::string, std::string>>& metadata = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealtrail::net::testing
