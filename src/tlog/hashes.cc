#include "tlog/hashes.h"

#include <array>
#include <cstring>

#include "base/encoding.h"

namespace sealtrail::tlog {
namespace {

// One message of prefix and two hashes: 65 bytes.
Hash TwoHashes(uint8_t prefix, const Hash& a, const Hash& b) {
  std::array<uint8_t, 65> message;
  message[0] = prefix;
  std::memcpy(message.data() + 1, a.data(), 32);
  std::memcpy(message.data() + 33, b.data(), 32);
  return crypto::Sha256(message);
}

}  // namespace

Hash LeafHash(ByteView leaf) {
  static constexpr uint8_t kPrefix = 0x00;
  return crypto::Sha256({ByteView(&kPrefix, 1), leaf});
}

Hash NodeHash(const Hash& left, const Hash& right) {
  return TwoHashes(0x01, left, right);
}

Hash ChainGenesis(std::string_view origin) {
  return crypto::Sha256({AsBytes("sealtrail/chain/v1\n"), AsBytes(origin)});
}

Hash ChainNext(const Hash& before, const Hash& leaf_hash) {
  return TwoHashes(0x02, before, leaf_hash);
}

Hash EmptyRoot() {
  return crypto::Sha256(ByteView{});
}

Result<Hash> HashOf(ByteView bytes) {
  Hash hash;
  if (bytes.size() != hash.size()) return InvalidArgument("a hash of {} bytes", bytes.size());
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

Result<Hash> HashFromBase64(std::string_view text) {
  SEAL_ASSIGN_OR_RETURN(const Bytes bytes, Base64Decode(text));
  return HashOf(bytes);
}

}  // namespace sealtrail::tlog
