#include "record/identity.h"

#include <algorithm>
#include <initializer_list>

#include "base/endian.h"

namespace sealtrail::record {
namespace {

ShortDigest Digest(uint8_t kind, std::initializer_list<ByteView> parts) {
  crypto::Sha256Stream stream;
  stream.Update(ByteView(&kind, 1));
  for (const ByteView part : parts) stream.Update(part);
  const crypto::Hash hash = stream.Finish();
  ShortDigest digest;
  std::copy_n(hash.begin(), digest.size(), digest.begin());
  return digest;
}

std::array<uint8_t, 4> Big32(uint32_t value) {
  std::array<uint8_t, 4> bytes;
  PutBig32(bytes.data(), value);
  return bytes;
}

}  // namespace

Identity IdentityOfRecordId(ByteView record_id) {
  return {.kind = Identity::Kind::kOwn, .digest = Digest(0x01, {record_id})};
}

Identity IdentityOfSpan(ByteView trace_id, ByteView span_id) {
  return {.kind = Identity::Kind::kOwn, .digest = Digest(0x02, {trace_id, span_id})};
}

Identity IdentityOfSpanEvent(ByteView trace_id, ByteView span_id, uint32_t index) {
  return {.kind = Identity::Kind::kOwn, .digest = Digest(0x03, {trace_id, span_id, Big32(index)})};
}

Identity IdentityOfDelivery(std::string_view principal, const crypto::Hash& request_hash,
                            uint32_t unit) {
  return {.kind = Identity::Kind::kDelivery,
          .digest = Digest(0x04, {Big32(static_cast<uint32_t>(principal.size())),
                                  AsBytes(principal), request_hash, Big32(unit)}),
          .unit = unit};
}

}  // namespace sealtrail::record
