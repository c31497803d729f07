// A time stamp authority in memory, for tests: its own CA, a certificate that may stamp, and a clock
// that is told the time. The keys are new each time; nothing else is random.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"

namespace sealtrail::crypto::testing {

class TimestampAuthority {
 public:
  struct Options {
    std::string name = "Test TSA";
    std::string policy = "1.2.3.4.1";
    // The certificates are valid from 2020-01-01 to the end of 2030.
    bool names_itself = true;  // in the token
    bool expired = false;      // the stamping certificate was valid in 2020 only
  };

  TimestampAuthority() : TimestampAuthority(Options{}) {}
  explicit TimestampAuthority(Options options);
  ~TimestampAuthority();

  // The CA's certificate, which TimestampAuthorities::FromPem() trusts.
  const std::string& ca_pem() const { return ca_pem_; }

  // The reply (DER) to a query, stamped with `time` to the microsecond; a refusal to what is no query
  // for SHA-256. Serial numbers count from 1.
  Bytes Reply(ByteView query, UnixNanos time);

 private:
  struct Keys;
  Options options_;
  std::string ca_pem_;
  std::unique_ptr<Keys> keys_;
  long serial_ = 0;
};

}  // namespace sealtrail::crypto::testing
