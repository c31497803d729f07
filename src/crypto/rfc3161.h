// Time stamps of RFC 3161, by libcrypto: an authority signs that certain bytes existed at a certain
// time. It says nothing of what else existed: a forger can stamp two histories.
//
// The bytes go out as their SHA-256. A token is checked as of its own time, for it must convince long
// after its certificates have expired; so a key that was stolen after it expired can still back-date,
// and revocation is not looked at. Whoever keeps a token keeps the authority's certificates with it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"

namespace sealtrail::crypto {

constexpr size_t kTimestampReplyBytesMax = 256 * 1024;
constexpr std::string_view kTimestampQueryType = "application/timestamp-query";
constexpr std::string_view kTimestampReplyType = "application/timestamp-reply";

// The query (DER) for SHA-256 of `data`, which asks for the authority's certificates. `nonce` is
// random: the reply repeats it.
Bytes MakeTimestampQuery(ByteView data, uint64_t nonce);

struct Timestamp {
  UnixNanos time{0};   // when the authority says that the bytes existed
  std::string serial;  // its number for this token: lower-case hexadecimal
  std::string policy;  // the OID that it follows, "1.2.3"
  std::string tsa;     // subject of the certificate that signed, as RFC 2253 writes it
};

// The certificates that a chain of trust may end in.
// Threads  Safe: checking changes nothing.
class TimestampAuthorities {
 public:
  // From one or more certificates in PEM; other text between them is passed over. InvalidArgument if
  // there is none, or one that cannot be read.
  static Result<TimestampAuthorities> FromPem(std::string_view pem);

  TimestampAuthorities(TimestampAuthorities&&) noexcept;
  TimestampAuthorities& operator=(TimestampAuthorities&&) noexcept;
  ~TimestampAuthorities();

  // Checks an authority's reply to MakeTimestampQuery(data, nonce). Without a nonce any is good: that
  // of a reply which was checked when it came. InvalidArgument if it is no reply; Unavailable, with
  // the authority's words, if it stamped nothing; DataLoss if it is for other bytes or another query,
  // or is not what was signed; NotFound if no chain leads to one of these certificates.
  Result<Timestamp> CheckReply(ByteView reply, ByteView data,
                               std::optional<uint64_t> nonce = std::nullopt) const;

  // The same for a token alone, as TimestampToken() gives it.
  Result<Timestamp> CheckToken(ByteView token, ByteView data,
                               std::optional<uint64_t> nonce = std::nullopt) const;

 private:
  struct Certificates;
  explicit TimestampAuthorities(std::unique_ptr<Certificates> certificates);

  std::unique_ptr<Certificates> certificates_;
};

// What a reply says of itself, for whoever has no certificate to trust: it stamps `data`, and the key
// of the certificate that it brings signed it and names that certificate. So a whole reply is told
// from an altered one. Anybody can make a whole one: this is no evidence of the time. Errors as
// CheckReply(); InvalidArgument also for one that brings no certificate.
Result<Timestamp> ReadTimestampReply(ByteView reply, ByteView data);

// The token (DER) in a reply, for programs that want it alone. Nothing is checked but its form; errors
// as CheckReply().
Result<Bytes> TimestampToken(ByteView reply);

}  // namespace sealtrail::crypto
