// libcrypto's low-level functions are deprecated in favour of EVP, which allocates and looks up a
// method for every message: at 600-byte leaves that halves the rate. They are the same block
// function.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <climits>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/check.h"

namespace sealtrail::crypto {
namespace {

static_assert(sizeof(SHA256_CTX) <= 128);

SHA256_CTX* Context(std::array<uint8_t, 128>& state) {
  return reinterpret_cast<SHA256_CTX*>(state.data());
}

}  // namespace

Sha256Stream::Sha256Stream() {
  SHA256_Init(Context(state_));
}

void Sha256Stream::Update(ByteView bytes) {
  SHA256_Update(Context(state_), bytes.data(), bytes.size());
}

Hash Sha256Stream::Finish() {
  Hash hash;
  SHA256_Final(hash.data(), Context(state_));
  return hash;
}

Hash Sha256(ByteView bytes) {
  Sha256Stream stream;
  stream.Update(bytes);
  return stream.Finish();
}

Hash Sha256(std::initializer_list<ByteView> parts) {
  Sha256Stream stream;
  for (ByteView part : parts) stream.Update(part);
  return stream.Finish();
}

Hash HmacSha256(ByteView key, ByteView message) {
  Hash hash;
  SEAL_CHECK(key.size() <= INT_MAX);
  SEAL_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(),
                  message.size(), hash.data(), nullptr) != nullptr);
  return hash;
}

}  // namespace sealtrail::crypto
