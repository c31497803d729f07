#include "net/grpc_tls.h"

#include <deque>
#include <string>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/check.h"
#include "base/mutex.h"

namespace sealtrail::net {
namespace {

// Core asks it before each handshake, and may do so once more after the server is gone, for a connection that was just
// accepted; nothing tells when that is over. So sources are never freed, only cut off.
class Source {
 public:
  static Source& Make(const TlsCertificates& certificates) {
    static Mutex mutex;
    static auto& all = *new std::deque<Source>();
    MutexLock lock(mutex);
    return all.emplace_back(certificates);
  }

  explicit Source(const TlsCertificates& certificates) : certificates_(&certificates) {}

  void CutOff() {
    MutexLock lock(mutex_);
    certificates_ = nullptr;
  }

  // What core is given once it keeps until it is given something else.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<Source*>(self)->FetchInto(config);
  }

 private:
  grpc_ssl_certificate_config_reload_status FetchInto(grpc_ssl_server_certificate_config** config) {
    MutexLock lock(mutex_);
    if (certificates_ == nullptr) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
    const std::shared_ptr<const TlsState> state = certificates_->current();
    if (state->generation == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{state->pem.key.c_str(), state->pem.certificates.c_str()};
    // Core insists on authorities even where nobody is asked for a certificate; then the server's own stands in.
    const std::string& authorities =
        state->pem.client_ca.empty() ? state->pem.certificates : state->pem.client_ca;
    *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    given_ = state->generation;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  Mutex mutex_;
  const TlsCertificates* certificates_ SEAL_GUARDED_BY(mutex_);
  uint64_t given_ SEAL_GUARDED_BY(mutex_) = 0;
};

class ReloadingCredentials : public grpc::ServerCredentials {
 public:
  explicit ReloadingCredentials(const TlsCertificates& certificates)
      : asks_clients_(!certificates.current()->pem.client_ca.empty()),
        source_(Source::Make(certificates)) {}
  ~ReloadingCredentials() override { source_.CutOff(); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    SEAL_UNREACHABLE();  // we do not use it
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    grpc_ssl_server_credentials_options* options =
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            asks_clients_ ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                          : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            &Source::Fetch, &source_);
    grpc_server_credentials* credentials = grpc_ssl_server_credentials_create_with_options(options);
    const int port = grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);
    return port;
  }

  const bool asks_clients_;
  Source& source_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> GrpcTlsCredentials(const TlsCertificates& certificates) {
  return std::make_shared<ReloadingCredentials>(certificates);
}

}  // namespace sealtrail::net
