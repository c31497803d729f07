// TLS as our servers speak it: 1.2 and 1.3, the ciphers and groups of Mozilla's "intermediate" profile (without DHE),
// forward secrecy always, no tickets and no resumption, so that a reloaded authority holds for the next connection.
// Specifications: RFC 8446, RFC 5246, BCP 195 (RFC 9325).
#pragma once

#include <memory>
#include <string>

#include "base/ids.h"
#include "base/status.h"

namespace boost::asio::ssl {
class context;
}

namespace sealtrail::net {

// The content of the files that TlsOptions names.
struct TlsPem {
  std::string certificates;
  std::string key;
  std::string client_ca;  // empty: clients are not asked for a certificate

  bool operator==(const TlsPem&) const = default;
};

// InvalidArgument, saying which of the three is wrong: not PEM, key and certificate of two pairs, a key with a
// passphrase, no certificate.
Result<std::shared_ptr<boost::asio::ssl::context>> MakeTlsContext(const TlsPem& pem);

// When the certificate of `context` (the server's own) ends.
UnixNanos CertificateEnd(boost::asio::ssl::context& context);

// The subject of the client's certificate where one was asked for and verified; else empty. "CN=collector,O=Example": the
// form of RFC 2253, in UTF-8. `connection` is an SSL*.
std::string VerifiedSubject(void* connection);

// The same of a certificate in PEM, which somebody else has verified; empty if it is none.
std::string SubjectOfPem(const std::string& certificate);

}  // namespace sealtrail::net
