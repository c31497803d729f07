// Our own witness for other people's logs: C2SP tlog-witness v1.0.0 with an Ed25519 cosigner
// (type 0x04). docs/witness.md is for who runs it, and lists its files.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "anchor/options.h"
#include "anchor/watched_log.h"
#include "base/limits.h"
#include "base/status.h"
#include "env/env.h"
#include "net/http_message.h"

namespace sealtrail::anchor {

constexpr size_t kWitnessRequestBytesMax = 16 * kKiB;
constexpr int kWitnessRequestsWaitingMax = 256;

// What answers requests, without a transport. Each log has one worker that alone touches it.
//
// Threads  Handle() is safe; `done` is called once, on a worker or before it returns.
class WitnessService {
 public:
  // Locks the folder, makes it and the key at first start, and reads the state of each log.
  // `on_failure` is called, once and from a worker, when a write has failed; from then on every
  // add-checkpoint is answered 503. Errors: Unavailable where another process has the folder;
  // FailedPrecondition where its key is of another name, or lost; DataLoss where stored bytes
  // contradict themselves; InvalidArgument for the options.
  static Result<std::unique_ptr<WitnessService>> Open(
      const env::Env& env, const WitnessOptions& options,
      std::function<void(const Status&)> on_failure);
  ~WitnessService();

  std::string vkey() const;

  void Handle(const net::HttpRequest& request, std::function<void(net::HttpResponse)> done);

 private:
  struct Owned {
    std::unique_ptr<WatchedLog> log;
    env::Worker* worker;
  };

  WitnessService(const env::Env& env, std::function<void(const Status&)> on_failure);
  Status OpenLogs(const WitnessOptions& options);
  const Owned* Find(std::string_view hex) const;
  void AddCheckpoint(const net::HttpRequest& request, std::function<void(net::HttpResponse)> done);
  net::HttpResponse Checkpoint(std::string_view hex) const;
  net::HttpResponse ToResponse(const WatchedLog& log, Result<WitnessReply> reply);

  const env::Env env_;
  const std::function<void(const Status&)> on_failure_;
  std::unique_ptr<env::FileLock> lock_;
  std::unique_ptr<tlog::Cosigner> cosigner_;
  std::map<std::string, Owned, std::less<>> logs_;  // by HexOf(origin)
  std::vector<std::unique_ptr<env::Worker>> workers_;
  std::atomic<int> waiting_ = 0;
  std::atomic<bool> failed_ = false;
};

// Where a witness can be reached, and who it is.
struct WitnessReady {
  std::string address;  // "host:port"
  std::string vkey;
};

// Serves until SIGTERM or SIGINT; `on_ready` is called when requests are taken. For a command: it
// blocks this process's signals. Errors of Open(), FailedPrecondition where it cannot listen, and
// the first failed write.
Status RunWitness(const env::Env& env, const WitnessOptions& options,
                  const std::function<void(const WitnessReady&)>& on_ready);

// The same in parts, for who has other things to do.
class WitnessServer {
 public:
  static Result<std::unique_ptr<WitnessServer>> Start(
      const env::Env& env, const WitnessOptions& options,
      std::function<void(const Status&)> on_failure);
  ~WitnessServer();  // Stop()

  const WitnessReady& ready() const;

  // Answers what is under way, for at most 5 s.
  void Stop();

 private:
  class Impl;
  explicit WitnessServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealtrail::anchor
