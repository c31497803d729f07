#include "tlog/merkle.h"

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

// The new leaf joins with its left neighbours as a carry does in binary addition.
void Frontier::Append(const Hash& leaf_hash) {
  Hash hash = leaf_hash;
  for (uint64_t n = size_; n & 1; n >>= 1) {
    hash = NodeHash(peaks_.back(), hash);
    peaks_.pop_back();
  }
  peaks_.push_back(hash);
  ++size_;
}

Hash Frontier::Root() const {
  if (peaks_.empty()) return EmptyRoot();
  Hash root = peaks_.back();
  for (size_t i = peaks_.size() - 1; i-- > 0;) root = NodeHash(peaks_[i], root);
  return root;
}

}  // namespace sealtrail::tlog
