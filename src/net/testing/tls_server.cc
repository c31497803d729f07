#include "net/testing/tls_server.h"

#include <atomic>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"

namespace sealtrail::net::testing {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
using CertificatePtr = std::unique_ptr<X509, FreeCertificate>;

CertificatePtr SelfSigned(EVP_PKEY* key, const std::string& ip) {
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("IP:" + ip).c_str());
  SEAL_CHECK(names != nullptr);
  X509_add_ext(certificate.get(), names, -1);
  X509_EXTENSION_free(names);
  SEAL_CHECK(X509_sign(certificate.get(), key, EVP_sha256()) != 0);
  return certificate;
}

std::string Pem(X509* certificate) {
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(memory);
  return text;
}

}  // namespace

class TlsServer::Impl {
 public:
  explicit Impl(const std::string& name)
      : key_(EVP_EC_gen("P-256")),
        certificate_(SelfSigned(key_.get(), name)),
        pem_(Pem(certificate_.get())),
        acceptor_(io_, asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)) {
    SEAL_CHECK(SSL_CTX_use_certificate(tls_.native_handle(), certificate_.get()) == 1);
    SEAL_CHECK(SSL_CTX_use_PrivateKey(tls_.native_handle(), key_.get()) == 1);
    thread_ = std::thread([this] { Run(); });
  }

  ~Impl() {
    stopping_ = true;
    asio::ip::tcp::socket wake(io_);
    error_code error;
    wake.connect(acceptor_.local_endpoint(), error);
    thread_.join();
  }

  std::string url() const {
    return fmt::format("https://127.0.0.1:{}/x", acceptor_.local_endpoint().port());
  }
  const std::string& pem() const { return pem_; }

 private:
  void Run() {
    while (!stopping_) {
      asio::ip::tcp::socket socket(io_);
      error_code error;
      acceptor_.accept(socket, error);
      if (!error && !stopping_) Serve(std::move(socket));
    }
  }

  void Serve(asio::ip::tcp::socket socket) {
    asio::ssl::stream<asio::ip::tcp::socket> stream(std::move(socket), tls_);
    error_code error;
    stream.handshake(asio::ssl::stream_base::server, error);
    if (error) return;
    asio::streambuf request;
    asio::read_until(stream, request, "\r\n\r\n", error);
    const std::string_view answer =
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nover tls";
    asio::write(stream, asio::buffer(answer), error);
    stream.shutdown(error);
  }

  KeyPtr key_;
  CertificatePtr certificate_;
  std::string pem_;
  asio::io_context io_;
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

TlsServer::TlsServer(const std::string& name) : impl_(std::make_unique<Impl>(name)) {}
TlsServer::~TlsServer() = default;
std::string TlsServer::url() const {
  return impl_->url();
}
const std::string& TlsServer::certificate_pem() const {
  return impl_->pem();
}

}  // namespace sealtrail::net::testing
