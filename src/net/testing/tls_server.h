// A TLS server with a certificate of its own making, for tests of clients.
#pragma once

#include <memory>
#include <string>

namespace sealtrail::net::testing {

// Answers every request, one a connection, with 200 and the text "over tls". Listens on 127.0.0.1.
class TlsServer {
 public:
  // The certificate is made out to `name`: an IP address.
  explicit TlsServer(const std::string& name = "127.0.0.1");
  ~TlsServer();

  std::string url() const;
  // The certificate as PEM, which vouches for itself.
  const std::string& certificate_pem() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealtrail::net::testing
