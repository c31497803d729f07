// How a command reaches a store, wherever it is: through the socket of a running one, through a server of its own
// for a stopped one, or over the network.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "env/env.h"
#include "net/http_client.h"
#include "server/server.h"

namespace sealtrail::cli {

class StoreClient {
 public:
  // The store in `data_dir`. If nobody runs it, takes its lock and runs it until Close(). Where the folder cannot be
  // written, answers without recording. Another command that runs it at this moment is waited for, some seconds.
  static Result<std::unique_ptr<StoreClient>> OpenFolder(const env::Env& env,
                                                         const std::string& data_dir);

  // A running store at "http://host:port".
  static Result<std::unique_ptr<StoreClient>> OpenUrl(const env::Env& env, const std::string& url,
                                                      const std::string& token);

  // Sends a request and passes the body of a good answer to `sink`. An answer that is none comes back as an error
  // with its detail.
  Result<net::HttpClientResponse> Fetch(const std::string& method, const std::string& target,
                                        const std::string& body,
                                        const std::function<Status(std::string_view)>& sink,
                                        const net::HttpHeaders& headers = {});

  // The same for an answer of at most `bytes_max` bytes, whole. Says on standard error where it could not be recorded.
  Result<std::string> FetchText(const std::string& method, const std::string& target,
                                size_t bytes_max, const net::HttpHeaders& headers = {},
                                const std::string& body = "");

  // Whether OpenFolder started the store itself: nobody else does anything with the folder.
  bool runs_store() const { return own_ != nullptr; }

  // Stops the store that OpenFolder started, if it did.
  Status Close();

 private:
  explicit StoreClient(const env::Env& env) : env_(env) {}

  // Finds the socket of whoever runs the folder, or runs it. Unavailable: somebody is about to start or to end.
  Status Reach();

  const env::Env env_;
  std::string data_dir_;         // empty: over the network
  net::HttpClientRequest base_;  // address or socket, and headers
  std::unique_ptr<server::Server> own_;
};

// The value of a header, its name in lower case; empty if it is absent.
std::string HeaderOf(const net::HttpClientResponse& response, std::string_view name);

// Where an act could not be recorded (a folder that is only read), says so on standard error.
void TellUnrecorded(const net::HttpClientResponse& response);

}  // namespace sealtrail::cli
