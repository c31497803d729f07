#include "crypto/rfc3161.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

#include "base/utf8.h"
#include "crypto/openssl_owned.h"
#include "crypto/sha256.h"

namespace sealtrail::crypto {
namespace {

using Bio = OpensslOwned<BIO, BIO_free>;
using Certificate = OpensslOwned<X509, X509_free>;
using Integer = OpensslOwned<ASN1_INTEGER, ASN1_INTEGER_free>;
using Time = OpensslOwned<ASN1_TIME, ASN1_TIME_free>;
using Query = OpensslOwned<TS_REQ, TS_REQ_free>;
using Reply = OpensslOwned<TS_RESP, TS_RESP_free>;
using Token = OpensslOwned<PKCS7, PKCS7_free>;
using TokenInfo = OpensslOwned<TS_TST_INFO, TS_TST_INFO_free>;

// What fails in here is memory or our own use of the library, never a stranger's bytes.
Query QueryFor(ByteView data, std::optional<uint64_t> nonce) {
  Hash hash = Sha256(data);
  OpensslOwned<TS_MSG_IMPRINT, TS_MSG_IMPRINT_free> imprint(TS_MSG_IMPRINT_new());
  OpensslOwned<X509_ALGOR, X509_ALGOR_free> algorithm(X509_ALGOR_new());
  SEAL_CHECK(X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(NID_sha256), V_ASN1_NULL, nullptr) == 1);
  SEAL_CHECK(TS_MSG_IMPRINT_set_algo(imprint.get(), algorithm.get()) == 1);
  SEAL_CHECK(TS_MSG_IMPRINT_set_msg(imprint.get(), hash.data(), static_cast<int>(hash.size())) ==
             1);

  Query query(TS_REQ_new());
  SEAL_CHECK(TS_REQ_set_version(query.get(), 1) == 1);
  SEAL_CHECK(TS_REQ_set_msg_imprint(query.get(), imprint.get()) == 1);
  SEAL_CHECK(TS_REQ_set_cert_req(query.get(), 1) == 1);
  if (nonce) {
    Integer number(ASN1_INTEGER_new());
    SEAL_CHECK(ASN1_INTEGER_set_uint64(number.get(), *nonce) == 1);
    SEAL_CHECK(TS_REQ_set_nonce(query.get(), number.get()) == 1);
  }
  return query;
}

// DER that ends where the bytes end.
template <typename Owned, typename Parse>
Result<Owned> ParseDer(ByteView der, Parse parse, std::string_view what) {
  if (der.size() > kTimestampReplyBytesMax) {
    return InvalidArgument("a {} of {} bytes", what, der.size());
  }
  ERR_clear_error();
  const unsigned char* at = der.data();
  Owned object(parse(nullptr, &at, static_cast<long>(der.size())));
  if (object == nullptr) return InvalidArgument("not a {}: {}", what, OpensslErrors());
  if (at != der.data() + der.size()) return InvalidArgument("bytes after a {}", what);
  return object;
}

template <typename T, typename Write>
Bytes ToDer(T* object, Write write) {
  const int size = write(object, nullptr);
  SEAL_CHECK(size > 0);
  Bytes der(static_cast<size_t>(size));
  unsigned char* at = der.data();
  SEAL_CHECK(write(object, &at) == size);
  return der;
}

// Why an authority stamped nothing: its failure code and its free text.
std::string RefusalWords(const TS_STATUS_INFO* status) {
  static constexpr std::pair<int, std::string_view> kFailures[] = {
      {TS_INFO_BAD_ALG, "bad algorithm"},
      {TS_INFO_BAD_REQUEST, "bad request"},
      {TS_INFO_BAD_DATA_FORMAT, "bad data format"},
      {TS_INFO_TIME_NOT_AVAILABLE, "time not available"},
      {TS_INFO_UNACCEPTED_POLICY, "policy not accepted"},
      {TS_INFO_UNACCEPTED_EXTENSION, "extension not accepted"},
      {TS_INFO_ADD_INFO_NOT_AVAILABLE, "additional information not available"},
      {TS_INFO_SYSTEM_FAILURE, "system failure"}};
  std::string words =
      fmt::format("status {}", ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(status)));
  if (const auto* bits = TS_STATUS_INFO_get0_failure_info(status)) {
    for (const auto& [bit, name] : kFailures) {
      if (ASN1_BIT_STRING_get_bit(bits, bit) != 0) words.append(", ").append(name);
    }
  }
  const auto* texts = TS_STATUS_INFO_get0_text(status);
  for (int i = 0; i < sk_ASN1_UTF8STRING_num(texts); ++i) {
    const ASN1_UTF8STRING* text = sk_ASN1_UTF8STRING_value(texts, i);
    const auto size = static_cast<size_t>(ASN1_STRING_length(text));
    const ByteView bytes(ASN1_STRING_get0_data(text), std::min<size_t>(size, 200));
    words.append(": ").append(Utf8Lossy(AsText(bytes)));
  }
  return words;
}

// The token of a reply, which it keeps.
Result<PKCS7*> TokenIn(TS_RESP* reply) {
  TS_STATUS_INFO* const status = TS_RESP_get_status_info(reply);
  const long code = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(status));
  if (code != TS_STATUS_GRANTED && code != TS_STATUS_GRANTED_WITH_MODS) {
    return Unavailable("the authority stamped nothing: {}", RefusalWords(status));
  }
  PKCS7* const token = TS_RESP_get_token(reply);
  if (token == nullptr) return InvalidArgument("a time stamp reply without a token");
  return token;
}

// "YYYYMMDDhhmmss[.f…]Z". The library knows the calendar, but not the fraction.
Result<UnixNanos> TimeOf(const ASN1_GENERALIZEDTIME* text) {
  const Time epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0, seconds = 0;
  if (text == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), text) != 1) {
    return InvalidArgument("a time stamp without a time");
  }
  int64_t nanos = 0;
  const std::string_view digits =
      AsText({ASN1_STRING_get0_data(text), static_cast<size_t>(ASN1_STRING_length(text))});
  if (const size_t point = digits.find('.'); point != digits.npos) {
    int64_t unit = kNanosPerSecond / 10;
    for (const char digit : digits.substr(point + 1)) {
      if (digit < '0' || digit > '9') break;
      nanos += (digit - '0') * unit;
      unit /= 10;
    }
  }
  constexpr int64_t kSecondsMax = std::numeric_limits<int64_t>::max() / kNanosPerSecond - 1;
  const int64_t total = int64_t{days} * 86'400 + seconds;
  if (total < 0 || total > kSecondsMax) return InvalidArgument("a time stamp outside 1970 to 2262");
  return UnixNanos{total * kNanosPerSecond + nanos};
}

std::string SerialOf(const ASN1_INTEGER* serial) {
  const OpensslOwned<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(serial, nullptr));
  SEAL_CHECK(number != nullptr);
  char* const digits = BN_bn2hex(number.get());
  SEAL_CHECK(digits != nullptr);
  std::string text(digits);
  OPENSSL_free(digits);
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string OidOf(const ASN1_OBJECT* object) {
  char text[128];
  const int size = OBJ_obj2txt(text, sizeof(text), object, 1);
  return size > 0 ? std::string(text) : std::string();
}

struct FreeSigners {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }  // borrowed certificates
};
using Signers = std::unique_ptr<STACK_OF(X509), FreeSigners>;

// The certificate in the token that its only signature names; null where there is none or another number.
X509* SignerIn(PKCS7* token) {
  const Signers signers(PKCS7_get0_signers(token, nullptr, 0));
  return sk_X509_num(signers.get()) == 1 ? sk_X509_value(signers.get(), 0) : nullptr;
}

// Who signed the token.
std::string SignerOf(PKCS7* token) {
  X509* const signer = SignerIn(token);
  if (signer == nullptr) return "";
  const Bio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(signer), 0,
                     XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return Utf8Lossy(std::string_view(bytes, static_cast<size_t>(size)));
}

// The signature is over the token's content and attributes, by that certificate's key.
bool SignatureHolds(PKCS7* token, X509* signer) {
  const auto* infos = PKCS7_get_signer_info(token);
  if (sk_PKCS7_SIGNER_INFO_num(infos) != 1) return false;
  const OpensslOwned<BIO, BIO_free_all> content(PKCS7_dataInit(token, nullptr));
  if (content == nullptr) return false;
  std::array<char, 4096> buffer;
  int got = 0;
  do {
    got = BIO_read(content.get(), buffer.data(), static_cast<int>(buffer.size()));
  } while (got > 0);
  return got == 0 && PKCS7_signatureVerify(content.get(), token,
                                           sk_PKCS7_SIGNER_INFO_value(infos, 0), signer) == 1;
}

// Whether the signed attributes name the certificate (RFC 2634, RFC 5035): a digest of it stands in them, so another
// certificate for the same key, or an altered one, does not pass.
bool NamesItsCertificate(PKCS7* token, X509* signer) {
  PKCS7_SIGNER_INFO* const info = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(token), 0);
  for (const int attribute :
       {NID_id_smime_aa_signingCertificateV2, NID_id_smime_aa_signingCertificate}) {
    const ASN1_TYPE* const value = PKCS7_get_signed_attribute(info, attribute);
    if (value == nullptr || value->type != V_ASN1_SEQUENCE) continue;
    const ByteView bytes(ASN1_STRING_get0_data(value->value.sequence),
                         static_cast<size_t>(ASN1_STRING_length(value->value.sequence)));
    for (const EVP_MD* digest : {EVP_sha256(), EVP_sha1(), EVP_sha384(), EVP_sha512()}) {
      std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
      unsigned int size = 0;
      SEAL_CHECK(X509_digest(signer, digest, hash.data(), &size) == 1);
      if (!std::ranges::search(bytes, ByteView(hash).first(size)).empty()) return true;
    }
  }
  return false;
}

// Everything of a stamp but the authority's name.
Result<Timestamp> StampIn(PKCS7* token) {
  ERR_clear_error();
  const TokenInfo info(PKCS7_to_TS_TST_INFO(token));
  if (info == nullptr) return InvalidArgument("not a time stamp token: {}", OpensslErrors());
  Timestamp stamp;
  SEAL_ASSIGN_OR_RETURN(stamp.time, TimeOf(TS_TST_INFO_get_time(info.get())));
  stamp.serial = SerialOf(TS_TST_INFO_get_serial(info.get()));
  stamp.policy = OidOf(TS_TST_INFO_get_policy_id(info.get()));
  return stamp;
}

// The library compares these too, but not without following the chain.
bool IsStampOf(PKCS7* token, ByteView data) {
  const TokenInfo info(PKCS7_to_TS_TST_INFO(token));
  if (info == nullptr || TS_TST_INFO_get_version(info.get()) != 1) return false;
  TS_MSG_IMPRINT* const imprint = TS_TST_INFO_get_msg_imprint(info.get());
  const ASN1_OBJECT* algorithm = nullptr;
  X509_ALGOR_get0(&algorithm, nullptr, nullptr, TS_MSG_IMPRINT_get_algo(imprint));
  const ASN1_OCTET_STRING* const hash = TS_MSG_IMPRINT_get_msg(imprint);
  const ByteView stamped(ASN1_STRING_get0_data(hash),
                         static_cast<size_t>(ASN1_STRING_length(hash)));
  return OBJ_obj2nid(algorithm) == NID_sha256 && Equal(stamped, Sha256(data));
}

// No certificate that was given is the end of the chain, as against a chain with a fault in it.
bool IsStrangersChain(int error) {
  return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
         error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
         error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

// The library keeps the chain's error to itself, but asks whether to go on. The store's application data, which has
// index 0 in every class of the library, is where it goes.
int RememberChainError(int ok, X509_STORE_CTX* context) {
  auto* const error =
      static_cast<int*>(X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(context), 0));
  if (ok == 0) *error = X509_STORE_CTX_get_error(context);
  return ok;
}

}  // namespace

Bytes MakeTimestampQuery(ByteView data, uint64_t nonce) {
  return ToDer(QueryFor(data, nonce).get(), i2d_TS_REQ);
}

Result<Bytes> TimestampToken(ByteView reply) {
  SEAL_ASSIGN_OR_RETURN(const Reply parsed,
                        ParseDer<Reply>(reply, d2i_TS_RESP, "time stamp reply"));
  SEAL_ASSIGN_OR_RETURN(PKCS7* const token, TokenIn(parsed.get()));
  return ToDer(token, i2d_PKCS7);
}

struct TimestampAuthorities::Certificates {
  std::vector<Certificate> list;

  Result<Timestamp> Check(PKCS7* token, ByteView data, std::optional<uint64_t> nonce) const;
};

TimestampAuthorities::TimestampAuthorities(std::unique_ptr<Certificates> certificates)
    : certificates_(std::move(certificates)) {}
TimestampAuthorities::TimestampAuthorities(TimestampAuthorities&&) noexcept = default;
TimestampAuthorities& TimestampAuthorities::operator=(TimestampAuthorities&&) noexcept = default;
TimestampAuthorities::~TimestampAuthorities() = default;

Result<TimestampAuthorities> TimestampAuthorities::FromPem(std::string_view pem) {
  if (pem.size() > std::numeric_limits<int>::max()) return InvalidArgument("too long a PEM text");
  auto certificates = std::make_unique<Certificates>();
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  ERR_clear_error();
  while (Certificate certificate{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) {
    certificates->list.push_back(std::move(certificate));
  }
  // The library reads until it fails; only where it found no further beginning was that the end.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return InvalidArgument("certificate number {}: {}", certificates->list.size() + 1,
                           OpensslErrors());
  }
  ERR_clear_error();
  if (certificates->list.empty()) return InvalidArgument("no certificate in PEM");
  return TimestampAuthorities(std::move(certificates));
}

Result<Timestamp> TimestampAuthorities::CheckReply(ByteView reply, ByteView data,
                                                   std::optional<uint64_t> nonce) const {
  SEAL_ASSIGN_OR_RETURN(const Reply parsed,
                        ParseDer<Reply>(reply, d2i_TS_RESP, "time stamp reply"));
  SEAL_ASSIGN_OR_RETURN(PKCS7* const token, TokenIn(parsed.get()));
  return certificates_->Check(token, data, nonce);
}

Result<Timestamp> TimestampAuthorities::CheckToken(ByteView token, ByteView data,
                                                   std::optional<uint64_t> nonce) const {
  SEAL_ASSIGN_OR_RETURN(const Token parsed, ParseDer<Token>(token, d2i_PKCS7, "time stamp token"));
  return certificates_->Check(parsed.get(), data, nonce);
}

// The library compares version, imprint with its algorithm, nonce and the authority's name, follows
// the chain for the purpose of time stamping, and checks that the signature names its certificate.
Result<Timestamp> TimestampAuthorities::Certificates::Check(PKCS7* token, ByteView data,
                                                            std::optional<uint64_t> nonce) const {
  SEAL_ASSIGN_OR_RETURN(Timestamp stamp, StampIn(token));
  const OpensslOwned<TS_VERIFY_CTX, TS_VERIFY_CTX_free> context(
      TS_REQ_to_TS_VERIFY_CTX(QueryFor(data, nonce).get(), nullptr));
  SEAL_CHECK(context != nullptr);
  TS_VERIFY_CTX_add_flags(context.get(), TS_VFY_SIGNATURE);
  X509_STORE* const store = X509_STORE_new();
  TS_VERIFY_CTX_set_store(context.get(), store);  // which now owns it
  for (const Certificate& certificate : list) {
    SEAL_CHECK(X509_STORE_add_cert(store, certificate.get()) == 1);
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), Value(stamp.time) / kNanosPerSecond);
  int chain_error = X509_V_OK;
  SEAL_CHECK(X509_STORE_set_ex_data(store, 0, &chain_error) == 1);
  X509_STORE_set_verify_cb(store, RememberChainError);
  if (TS_RESP_verify_token(context.get(), token) != 1) {
    if (IsStrangersChain(chain_error)) {
      return NotFound("no chain leads from the time stamp to a given certificate: {}",
                      OpensslErrors());
    }
    return DataLoss("the time stamp does not verify: {}", OpensslErrors());
  }
  stamp.tsa = SignerOf(token);
  return stamp;
}

Result<Timestamp> ReadTimestampReply(ByteView reply, ByteView data) {
  SEAL_ASSIGN_OR_RETURN(const Reply parsed,
                        ParseDer<Reply>(reply, d2i_TS_RESP, "time stamp reply"));
  SEAL_ASSIGN_OR_RETURN(PKCS7* const token, TokenIn(parsed.get()));
  SEAL_ASSIGN_OR_RETURN(Timestamp stamp, StampIn(token));
  if (!IsStampOf(token, data)) return DataLoss("the time stamp is for other bytes");
  X509* const signer = SignerIn(token);
  if (signer == nullptr)
    return InvalidArgument("a time stamp without the certificate of the one who signed it");
  if (!SignatureHolds(token, signer))
    return DataLoss("the signature of the time stamp does not verify: {}", OpensslErrors());
  if (!NamesItsCertificate(token, signer))
    return DataLoss("the time stamp was signed for another certificate than it brings");
  stamp.tsa = SignerOf(token);
  return stamp;
}

}  // namespace sealtrail::crypto
