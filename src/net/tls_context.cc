#include "net/tls_context.h"

#include <ctime>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>

#include "base/check.h"

namespace sealtrail::net {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

// wiki.mozilla.org, Security/Server_Side_TLS, "intermediate", for TLS 1.2; those of 1.3 are OpenSSL's own.
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kGroups[] = "X25519:P-256:P-384";

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;
using CertificatePtr = std::unique_ptr<X509, FreeCertificate>;

// What OpenSSL had to say last, and nothing left behind for the next.
std::string TakeError() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "not PEM" : reason;
}

void SetProtocol(SSL_CTX* context) {
  SEAL_CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  SEAL_CHECK(SSL_CTX_set_cipher_list(context, kCiphers) == 1);
  SEAL_CHECK(SSL_CTX_set1_groups_list(context, kGroups) == 1);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_SINGLE_ECDH_USE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SEAL_CHECK(SSL_CTX_set_num_tickets(context, 0) == 1);
}

Status UseCertificate(asio::ssl::context& context, const TlsPem& pem) {
  ErrorCode error;
  context.use_certificate_chain(asio::buffer(pem.certificates), error);
  if (error) return InvalidArgument("certificate: {}", TakeError());
  // Without it OpenSSL would ask on the terminal.
  context.set_password_callback(
      [](size_t, asio::ssl::context::password_purpose) { return std::string(); });
  context.use_private_key(asio::buffer(pem.key), asio::ssl::context::pem, error);
  if (error) return InvalidArgument("key: {}", TakeError());
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return InvalidArgument("key: {}", TakeError());
  }
  return OkStatus();
}

// Each certificate of the file may vouch for clients, and is named to them as one that may.
Status AskClients(SSL_CTX* context, std::string_view pem) {
  const BioPtr file(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  SEAL_CHECK(file != nullptr);
  size_t count = 0;
  while (CertificatePtr authority{PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return InvalidArgument("client_ca: {}", TakeError());
    }
    ++count;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = TakeError();
  if (count == 0 || !at_end) return InvalidArgument("client_ca: {}", why);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return OkStatus();
}

std::string SubjectOf(const X509* certificate) {
  constexpr unsigned long kUtf8 =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  const BioPtr text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, kUtf8);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace

Result<std::shared_ptr<asio::ssl::context>> MakeTlsContext(const TlsPem& pem) {
  ERR_clear_error();
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SetProtocol(context->native_handle());
  SEAL_RETURN_IF_ERROR(UseCertificate(*context, pem));
  if (!pem.client_ca.empty()) {
    SEAL_RETURN_IF_ERROR(AskClients(context->native_handle(), pem.client_ca));
  }
  return context;
}

UnixNanos CertificateEnd(asio::ssl::context& context) {
  const X509* certificate = SSL_CTX_get0_certificate(context.native_handle());
  std::tm end{};
  SEAL_CHECK(certificate != nullptr);
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return UnixNanos{0};
  return UnixNanos{int64_t{::timegm(&end)} * kNanosPerSecond};
}

std::string VerifiedSubject(void* connection) {
  auto* ssl = static_cast<SSL*>(connection);
  const CertificatePtr certificate(SSL_get1_peer_certificate(ssl));
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return "";
  return SubjectOf(certificate.get());
}

std::string SubjectOfPem(const std::string& certificate) {
  const BioPtr in(BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())));
  const CertificatePtr parsed(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return parsed == nullptr ? std::string() : SubjectOf(parsed.get());
}

}  // namespace sealtrail::net
