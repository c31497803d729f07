#include "crypto/testing/timestamp_authority.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "crypto/openssl_owned.h"

namespace sealtrail::crypto::testing {
namespace {

using Key = OpensslOwned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = OpensslOwned<X509, X509_free>;

void AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const OpensslOwned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  SEAL_CHECK(extension != nullptr);
  SEAL_CHECK(X509_add_ext(certificate, extension.get(), -1) == 1);
}

// Valid from the beginning of 2020 to the end of `last_year`; signed by `issuer_key`.
Certificate Issue(const std::string& name, long serial, EVP_PKEY* key, const char* last_year,
                  X509* issuer, EVP_PKEY* issuer_key, int usage, const char* usage_value) {
  Certificate certificate(X509_new());
  X509* const c = certificate.get();
  SEAL_CHECK(X509_set_version(c, X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(c), serial);
  ASN1_TIME_set_string_X509(X509_getm_notBefore(c), "20200101000000Z");
  ASN1_TIME_set_string_X509(X509_getm_notAfter(c),
                            (std::string(last_year) + "1231235959Z").c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* const by = issuer != nullptr ? issuer : c;
  X509_set_issuer_name(c, X509_get_subject_name(by));
  X509_set_pubkey(c, key);
  AddExtension(c, by, NID_subject_key_identifier, "hash");
  AddExtension(c, by, NID_authority_key_identifier, "keyid:always");
  AddExtension(c, by, usage, usage_value);
  SEAL_CHECK(X509_sign(c, issuer_key, EVP_sha256()) > 0);
  return certificate;
}

ASN1_INTEGER* NextSerial(TS_RESP_CTX*, void* serial) {
  ASN1_INTEGER* const number = ASN1_INTEGER_new();
  ASN1_INTEGER_set(number, ++*static_cast<long*>(serial));
  return number;
}

int TellTime(TS_RESP_CTX*, void* time, long* seconds, long* micros) {
  const int64_t nanos = Value(*static_cast<UnixNanos*>(time));
  *seconds = nanos / kNanosPerSecond;
  *micros = nanos % kNanosPerSecond / 1000;
  return 1;
}

}  // namespace

struct TimestampAuthority::Keys {
  Key ca_key{EVP_EC_gen("P-256")};
  Key tsa_key{EVP_EC_gen("P-256")};
  Certificate ca;
  Certificate tsa;
};

TimestampAuthority::TimestampAuthority(Options options)
    : options_(std::move(options)), keys_(std::make_unique<Keys>()) {
  Keys& k = *keys_;
  k.ca = Issue("Test CA", 1, k.ca_key.get(), "2030", nullptr, k.ca_key.get(), NID_basic_constraints,
               "critical,CA:TRUE");
  k.tsa = Issue(options_.name, 2, k.tsa_key.get(), options_.expired ? "2020" : "2030", k.ca.get(),
                k.ca_key.get(), NID_ext_key_usage, "critical,timeStamping");
  const OpensslOwned<BIO, BIO_free> out(BIO_new(BIO_s_mem()));
  SEAL_CHECK(PEM_write_bio_X509(out.get(), k.ca.get()) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  ca_pem_.assign(bytes, static_cast<size_t>(size));
}

TimestampAuthority::~TimestampAuthority() = default;

Bytes TimestampAuthority::Reply(ByteView query, UnixNanos time) {
  const OpensslOwned<TS_RESP_CTX, TS_RESP_CTX_free> context(TS_RESP_CTX_new());
  TS_RESP_CTX* const c = context.get();
  const OpensslOwned<ASN1_OBJECT, ASN1_OBJECT_free> policy(OBJ_txt2obj(options_.policy.c_str(), 1));
  SEAL_CHECK(TS_RESP_CTX_set_signer_cert(c, keys_->tsa.get()) == 1);
  SEAL_CHECK(TS_RESP_CTX_set_signer_key(c, keys_->tsa_key.get()) == 1);
  SEAL_CHECK(TS_RESP_CTX_set_signer_digest(c, EVP_sha256()) == 1);
  SEAL_CHECK(TS_RESP_CTX_set_ess_cert_id_digest(c, EVP_sha256()) == 1);
  SEAL_CHECK(TS_RESP_CTX_set_def_policy(c, policy.get()) == 1);
  SEAL_CHECK(TS_RESP_CTX_add_md(c, EVP_sha256()) == 1);
  SEAL_CHECK(TS_RESP_CTX_set_clock_precision_digits(c, 6) == 1);
  if (options_.names_itself) TS_RESP_CTX_add_flags(c, TS_TSA_NAME);
  TS_RESP_CTX_set_serial_cb(c, NextSerial, &serial_);
  TS_RESP_CTX_set_time_cb(c, TellTime, &time);

  const OpensslOwned<BIO, BIO_free> in(
      BIO_new_mem_buf(query.data(), static_cast<int>(query.size())));
  const OpensslOwned<TS_RESP, TS_RESP_free> reply(TS_RESP_create_response(c, in.get()));
  SEAL_CHECK(reply != nullptr);
  ERR_clear_error();
  Bytes der(static_cast<size_t>(i2d_TS_RESP(reply.get(), nullptr)));
  unsigned char* at = der.data();
  i2d_TS_RESP(reply.get(), &at);
  return der;
}

}  // namespace sealtrail::crypto::testing
