// SHA-256 (FIPS 180-4) and HMAC, by libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include "base/bytes.h"

namespace sealtrail::crypto {

using Hash = std::array<uint8_t, 32>;

Hash Sha256(ByteView bytes);

// Of the parts one after the other.
Hash Sha256(std::initializer_list<ByteView> parts);

// HMAC-SHA256 (RFC 2104).
Hash HmacSha256(ByteView key, ByteView message);

// Piece by piece. No allocation, no EVP: this is the hot path.
class Sha256Stream {
 public:
  Sha256Stream();
  void Update(ByteView bytes);
  Hash Finish();  // once

 private:
  alignas(8) std::array<uint8_t, 128> state_;
};

}  // namespace sealtrail::crypto
