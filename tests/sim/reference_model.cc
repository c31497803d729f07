#include "reference_model.h"

namespace sealtrail::sim {
namespace {

crypto::Hash Hashed(uint8_t prefix, ByteView a, ByteView b = {}) {
  crypto::Sha256Stream stream;
  stream.Update(ByteView(&prefix, 1));
  stream.Update(a);
  stream.Update(b);
  return stream.Finish();
}

}  // namespace

void ReferenceModel::SetOrigin(const std::string& origin) {
  if (chain_.empty()) chain_.push_back(crypto::Sha256(AsBytes("sealtrail/chain/v1\n" + origin)));
}

void ReferenceModel::Append(std::string leaf) {
  hashes_.push_back(Hashed(0x00, AsBytes(leaf)));
  chain_.push_back(Hashed(0x02, chain_.back(), hashes_.back()));
  leaves_.push_back(std::move(leaf));
}

crypto::Hash ReferenceModel::Root(uint64_t begin, uint64_t end) const {
  if (begin == end) return crypto::Sha256({});
  if (end - begin == 1) return hashes_[begin];
  if (const auto known = known_.find({begin, end}); known != known_.end()) return known->second;
  uint64_t k = 1;  // the largest power of two smaller than n
  while (k * 2 < end - begin) k *= 2;
  const crypto::Hash root = Hashed(0x01, Root(begin, begin + k), Root(begin + k, end));
  known_[{begin, end}] = root;
  return root;
}

}  // namespace sealtrail::sim
