// Any bytes as an authority's reply, as its token, as certificates. Nobody is trusted, so nothing verifies.
#include "base/check.h"
#include "base/utf8.h"
#include "crypto/rfc3161.h"
#include "crypto/testing/timestamp_authority.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealtrail;
  static crypto::testing::TimestampAuthority stranger;
  static const auto trusted = crypto::TimestampAuthorities::FromPem(stranger.ca_pem());
  const ByteView bytes(data, size);
  const auto reply = trusted->CheckReply(bytes, {}, 1);
  SEAL_CHECK(!reply.ok() && IsUtf8(reply.status().message()));
  SEAL_CHECK(!trusted->CheckToken(bytes, {}).ok());
  if (const auto read = crypto::ReadTimestampReply(bytes, {}); read.ok()) {
    SEAL_CHECK(IsUtf8(read->tsa));
  } else {
    SEAL_CHECK(IsUtf8(read.status().message()));
  }
  if (const auto token = crypto::TimestampToken(bytes); token.ok()) {
    SEAL_CHECK(!trusted->CheckToken(*token, {}).ok());
  }
  if (const auto pem = crypto::TimestampAuthorities::FromPem(AsText(bytes)); pem.ok()) {
    SEAL_CHECK(!pem->CheckReply(bytes, {}).ok());
  }
  return 0;
}
