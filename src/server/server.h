// A running store: the ledger, the pipeline before it, the index behind it, and the listeners. The wiring, and
// nothing else: what it does is done by the parts.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "env/env.h"

namespace sealtrail::server {

// Where it can be reached, and who it is.
struct ReadyInfo {
  std::string otlp_grpc;
  std::string otlp_http;
  std::string api;
  std::string socket;  // path of the socket in the folder
  std::string origin;
  std::string vkey;
};

// Threads  One owner, which calls Start's result and Stop.
class Server {
 public:
  // Opens the folder and starts to listen. `on_failure` is called from another thread when the data disk has failed
  // and the server only refuses from then on; the owner then stops it after a while.
  // Errors of Ledger::Open; FailedPrecondition where a port cannot be had.
  static Result<std::unique_ptr<Server>> Start(const env::Env& env, const std::string& data_dir,
                                               const config::Config& config,
                                               std::function<void(const Status&)> on_failure);
  // The same for one command on a folder that nobody runs: it listens on a socket alone. It asks the witnesses of the
  // policy that the last Start() kept what they have seen, and for nothing else. A folder that cannot be
  // written is read as it stands, and nothing is recorded.
  static Result<std::unique_ptr<Server>> StartLocal(const env::Env& env,
                                                    const std::string& data_dir);

  ~Server();

  const ReadyInfo& ready() const;

  // Answers what is under way, records the tallies and the stop, signs a last checkpoint, closes. An error says what
  // could not be made durable.
  Status Stop();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealtrail::server
