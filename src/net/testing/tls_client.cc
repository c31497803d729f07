#include "net/testing/tls_client.h"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/check.h"
#include "net/listen.h"
#include "net/tls_context.h"

namespace sealtrail::net::testing {
namespace {

int Connect(const std::string& address) {
  const HostPort parsed = ParseHostPort(address).value();
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(parsed.port);
  SEAL_CHECK(::inet_pton(AF_INET, parsed.host.c_str(), &to.sin_addr) == 1);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  SEAL_CHECK(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  return fd;
}

X509* ParseCertificate(const std::string& pem) {
  BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* out = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  SEAL_CHECK(out != nullptr);
  return out;
}

SSL_CTX* MakeContext(const TlsClientOptions& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);  // what is refused, the server shall refuse
  SSL_CTX_set_min_proto_version(context, 0);
  SSL_CTX_set_max_proto_version(context, options.version_max);
  if (!options.ciphers.empty()) {
    SEAL_CHECK(SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) == 1);
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  X509* authority = ParseCertificate(options.authority_pem);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
  X509_free(authority);
  if (!options.certificate.key_pem.empty()) {
    X509* own = ParseCertificate(options.certificate.certificate_pem);
    SSL_CTX_use_certificate(context, own);
    X509_free(own);
    const std::string& pem = options.certificate.key_pem;
    BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    BIO_free(in);
    SEAL_CHECK(SSL_CTX_use_PrivateKey(context, key) == 1);
    EVP_PKEY_free(key);
  }
  return context;
}

}  // namespace

struct TlsClient::Impl {
  int fd;
  SSL_CTX* context;
  SSL* ssl;
  bool ok = false;
  bool ended_orderly = false;
  std::string error;

  void Fail() {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    error = reason == nullptr ? "" : reason;
    ERR_clear_error();
  }
};

TlsClient::TlsClient(const std::string& address, const TlsClientOptions& options)
    : impl_(std::make_unique<Impl>()) {
  impl_->fd = Connect(address);
  impl_->context = MakeContext(options);
  impl_->ssl = SSL_new(impl_->context);
  SSL_set_fd(impl_->ssl, impl_->fd);
  ERR_clear_error();
  impl_->ok = SSL_connect(impl_->ssl) == 1;
  if (!impl_->ok) impl_->Fail();
}

TlsClient::~TlsClient() {
  SSL_free(impl_->ssl);
  SSL_CTX_free(impl_->context);
  ::close(impl_->fd);
}

bool TlsClient::ok() const {
  return impl_->ok;
}
const std::string& TlsClient::error() const {
  return impl_->error;
}
std::string TlsClient::version() const {
  return SSL_get_version(impl_->ssl);
}
std::string TlsClient::peer_subject() const {
  return VerifiedSubject(impl_->ssl);
}
bool TlsClient::resumable() const {
  return SSL_SESSION_is_resumable(SSL_get0_session(impl_->ssl)) == 1;
}
bool TlsClient::ended_orderly() const {
  return impl_->ended_orderly;
}

void TlsClient::Send(std::string_view bytes) {
  ERR_clear_error();
  if (SSL_write(impl_->ssl, bytes.data(), static_cast<int>(bytes.size())) <= 0) impl_->Fail();
}

std::string TlsClient::Read(size_t bytes) {
  std::string out;
  char buffer[4096];
  ERR_clear_error();
  while (out.size() < bytes) {
    const size_t want = std::min(sizeof buffer, bytes - out.size());
    const int got = SSL_read(impl_->ssl, buffer, static_cast<int>(want));
    if (got <= 0) {
      impl_->ended_orderly = SSL_get_error(impl_->ssl, got) == SSL_ERROR_ZERO_RETURN;
      impl_->Fail();
      break;
    }
    out.append(buffer, static_cast<size_t>(got));
  }
  return out;
}

}  // namespace sealtrail::net::testing
