#include "verify/tree.h"

#include <bit>
#include <cstring>

namespace sealtrail::verify {
namespace {

// SHA-256 of a tag byte and two hashes, in one piece: it is done twice for every record.
Hash HashPair(uint8_t tag, const Hash& first, const Hash& second) {
  std::array<uint8_t, 65> bytes;
  bytes[0] = tag;
  std::memcpy(bytes.data() + 1, first.data(), 32);
  std::memcpy(bytes.data() + 33, second.data(), 32);
  return crypto::Sha256(bytes);
}

}  // namespace

Hash LeafHash(ByteView leaf) {
  constexpr uint8_t kTag[] = {0x00};
  return crypto::Sha256({ByteView(kTag), leaf});
}

Hash NodeHash(const Hash& left, const Hash& right) {
  return HashPair(0x01, left, right);
}

Hash ChainHash(const Hash& before, const Hash& leaf_hash) {
  return HashPair(0x02, before, leaf_hash);
}

Hash ChainStart(std::string_view origin) {
  return crypto::Sha256({AsBytes("sealtrail/chain/v1\n"), AsBytes(origin)});
}

Hash TreeHashByRecursion(std::span<const Hash> leaf_hashes) {
  const size_t n = leaf_hashes.size();
  if (n == 0) return crypto::Sha256(ByteView{});
  if (n == 1) return leaf_hashes[0];
  const size_t k = std::bit_floor(n - 1);  // the largest power of two below n
  return NodeHash(TreeHashByRecursion(leaf_hashes.first(k)),
                  TreeHashByRecursion(leaf_hashes.subspan(k)));
}

void TreeStack::Append(const Hash& leaf_hash) {
  Hash hash = leaf_hash;
  for (uint64_t n = size_; n & 1; n >>= 1) hash = NodeHash(peaks_[--depth_], hash);
  peaks_[depth_++] = hash;
  ++size_;
}

Hash TreeStack::Root() const {
  if (depth_ == 0) return crypto::Sha256(ByteView{});
  Hash root = peaks_[depth_ - 1];
  for (int i = depth_ - 2; i >= 0; --i) root = NodeHash(peaks_[i], root);
  return root;
}

}  // namespace sealtrail::verify
