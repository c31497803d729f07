// One time-stamp authority, asked over HTTP (RFC 3161 §3.4). A reply is verified before it counts.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "anchor/options.h"
#include "anchor/retry_pause.h"
#include "anchor/transport.h"
#include "base/mutex.h"
#include "crypto/rfc3161.h"
#include "env/env.h"

namespace sealtrail::anchor {

// An authority as it is shown to people.
struct AuthorityReport {
  std::string url;
  std::optional<crypto::Timestamp> last;  // in this process
  std::string error;                      // of the last attempt; empty after a good one
};

// Threads  report() is for anybody, the rest for one caller at a time.
class TimeStamper {
 public:
  // Reads the certificates. InvalidArgument, or what reading the file gave, where they are none.
  static Result<std::unique_ptr<TimeStamper>> Open(const env::Env& env,
                                                   const TimeStampAuthority& authority,
                                                   Transport& transport);

  // False while it is to be left alone after a failure.
  bool Due(MonotonicNanos now) const { return pause_.Due(now); }

  struct Stamp {
    Bytes reply;  // DER, whole
    crypto::Timestamp stamp;
  };
  // Has `data` stamped. Nothing where that failed; report() then says why.
  std::optional<Stamp> Ask(ByteView data);

  // What a reply that was kept says, if it is good for `data`.
  Result<crypto::Timestamp> Check(ByteView reply, ByteView data) const {
    return certificates_.CheckReply(reply, data);
  }

  AuthorityReport report() const;

 private:
  TimeStamper(const env::Env& env, std::string url, crypto::TimestampAuthorities certificates,
              Transport& transport);
  void Fail(std::string why, int64_t wait_ns);

  const env::Env env_;
  const std::string url_;
  const crypto::TimestampAuthorities certificates_;
  Transport& transport_;
  RetryPause pause_;

  mutable Mutex mutex_;
  AuthorityReport report_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail::anchor
