#include "net/testing/test_authority.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"

namespace sealtrail::net::testing {
namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
using CertificatePtr = std::unique_ptr<X509, FreeCertificate>;

void AddName(X509_NAME* name, const char* field, const std::string& text) {
  SEAL_CHECK(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                        reinterpret_cast<const unsigned char*>(text.c_str()), -1,
                                        -1, 0) == 1);
}

void AddExtension(X509* certificate, int kind, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
  SEAL_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

CertificatePtr Unsigned(EVP_PKEY* key, const std::string& name, const std::string& organization,
                        long seconds) {
  static long serial = 1;
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), seconds);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  if (!organization.empty()) AddName(subject, "O", organization);
  AddName(subject, "CN", name);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

template <typename Write>
std::string Pem(Write write) {
  BIO* memory = BIO_new(BIO_s_mem());
  SEAL_CHECK(write(memory) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(memory);
  return text;
}

std::string CertificatePem(X509* certificate) {
  return Pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

}  // namespace

struct TestAuthority::Impl {
  KeyPtr key{EVP_EC_gen("P-256")};
  CertificatePtr certificate;
  std::string pem;
};

TestAuthority::TestAuthority(const std::string& name) : impl_(std::make_unique<Impl>()) {
  impl_->certificate = Unsigned(impl_->key.get(), name, "", 3600);
  X509* own = impl_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  AddExtension(own, NID_basic_constraints, "critical,CA:TRUE");
  SEAL_CHECK(X509_sign(own, impl_->key.get(), EVP_sha256()) != 0);
  impl_->pem = CertificatePem(own);
}

TestAuthority::~TestAuthority() = default;

const std::string& TestAuthority::pem() const {
  return impl_->pem;
}

TestCertificate TestAuthority::Issue(const std::string& name, const std::string& organization,
                                     long seconds) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate = Unsigned(key.get(), name, organization, seconds);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(impl_->certificate.get()));
  AddExtension(certificate.get(), NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  SEAL_CHECK(X509_sign(certificate.get(), impl_->key.get(), EVP_sha256()) != 0);
  return {CertificatePem(certificate.get()), Pem([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace sealtrail::net::testing
