// What a TLS server shows and whom it believes, read from files that may be replaced while it runs.
//
// The files are looked at again and again. New ones count as soon as they fit together, for connections from then on;
// as long as they do not (a key without its certificate, half a file, none), those before stay in use, and that is
// logged and counted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/status.h"
#include "env/env.h"
#include "net/options.h"
#include "net/tls_context.h"

namespace sealtrail::net {

constexpr size_t kTlsFileBytesMax = 1 << 20;

// One state of the files. Immutable.
struct TlsState {
  uint64_t generation;  // from 1, one more with each reload
  TlsPem pem;
  std::shared_ptr<boost::asio::ssl::context> context;
};

// Threads  Safe, but for Reload().
class TlsCertificates {
 public:
  // Reads the files, and starts to look at them. `listener` stands in metrics and log lines. FailedPrecondition,
  // InvalidArgument, NotFound: a file that cannot be read, or that is none, and which.
  static Result<std::unique_ptr<TlsCertificates>> Load(TlsOptions options, std::string listener,
                                                       const env::Env& env, MetricSet& metrics);
  ~TlsCertificates();

  std::shared_ptr<const TlsState> current() const;

  // Looks at the files now. An error says why those before stay in use. One caller at a time: where
  // reload_interval_ns is not 0, it is the worker.
  Status Reload();

 private:
  TlsCertificates(TlsOptions options, std::string listener, const env::Env& env,
                  MetricSet& metrics);
  Result<TlsPem> Read() const;
  Status Adopt(TlsPem pem);
  void ReloadLater();

  const TlsOptions options_;
  const std::string listener_;
  const env::Env env_;
  Counter* const failures_;
  Gauge* const end_;
  std::string last_failure_;
  std::unique_ptr<env::Worker> worker_;

  mutable Mutex mutex_;
  std::shared_ptr<const TlsState> current_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail::net
