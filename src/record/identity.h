// What makes two records the same one: docs/formats/record.md §7.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "crypto/sha256.h"

namespace sealtrail::record {

using ShortDigest = std::array<uint8_t, 16>;

struct Identity {
  enum class Kind : uint8_t {
    kNone,      // the store's own records
    kOwn,       // the record's: audit.record.id, or the ids of its span
    kDelivery,  // the place in a request: another request with the same record is not the same delivery
  };
  Kind kind = Kind::kNone;
  ShortDigest digest{};
  uint32_t unit = 0;  // kDelivery: the place, in counted units from 0
};

Identity IdentityOfRecordId(ByteView record_id);
// Both ids as they came: 16 and 8 bytes, not zero.
Identity IdentityOfSpan(ByteView trace_id, ByteView span_id);
Identity IdentityOfSpanEvent(ByteView trace_id, ByteView span_id, uint32_t index);
// `request_hash`: SHA-256 of the uncompressed request.
Identity IdentityOfDelivery(std::string_view principal, const crypto::Hash& request_hash,
                            uint32_t unit);

}  // namespace sealtrail::record
