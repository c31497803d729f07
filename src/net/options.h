// What the configuration says of the transports.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"

namespace sealtrail::net {

// TLS of one listener. All files are PEM, and may be replaced while the server runs.
struct TlsOptions {
  std::string cert_file;       // the server's certificate, then those between it and its authority
  std::string key_file;        // its private key, without a passphrase
  std::string client_ca_file;  // set: only clients with a certificate of one of these authorities
  int64_t reload_interval_ns =
      60 * kNanosPerSecond;  // how often the files are looked at; 0: never again

  bool operator==(const TlsOptions&) const = default;
};

}  // namespace sealtrail::net
