// TLS of a gRPC server whose certificates may change while it runs, which gRPC's C++ API has no way for.
#pragma once

#include <memory>

#include <grpcpp/security/server_credentials.h>

#include "net/tls_certificates.h"

namespace sealtrail::net {

// Credentials that ask `certificates` before each handshake. Both outlive the server. Protocol versions are those of
// MakeTlsContext(); the ciphers are gRPC's own, which are among those.
std::shared_ptr<grpc::ServerCredentials> GrpcTlsCredentials(const TlsCertificates& certificates);

}  // namespace sealtrail::net
