// A TLS client that says exactly what it is told to, for tests of servers.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/testing/test_authority.h"

namespace sealtrail::net::testing {

struct TlsClientOptions {
  std::string authority_pem;    // whom it believes
  TestCertificate certificate;  // what it shows; empty: nothing
  int version_max = 0;          // of the protocol, as TLS1_1_VERSION; 0: any
  std::string ciphers;          // of TLS 1.2, in OpenSSL's words; empty: its own
};

// Blocking; gives up after 20 s without a byte.
class TlsClient {
 public:
  // Connects and shakes hands. With TLS 1.3 a server refuses the client's certificate only afterwards: then ok() is
  // true, and the first Read() brings nothing.
  TlsClient(const std::string& address, const TlsClientOptions& options);
  ~TlsClient();

  bool ok() const;
  // OpenSSL's reason for the last failure: "tlsv1 alert protocol version".
  const std::string& error() const;
  std::string version() const;       // "TLSv1.3"
  std::string peer_subject() const;  // "CN=server,O=Example"
  bool resumable() const;            // whether the server gave something to resume with

  void Send(std::string_view bytes);
  // Until the server ends the connection, or `bytes` have come.
  std::string Read(size_t bytes = SIZE_MAX);
  // Whether the end that Read() came to was the server's own (close_notify), not that of TCP.
  bool ended_orderly() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealtrail::net::testing
