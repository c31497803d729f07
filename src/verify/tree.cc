#include "verify/tree.h"

#include <bit>

#include "base/check.h"
#include "verify/sha256_lanes.h"

namespace sealtrail::verify {
namespace {

constexpr uint8_t kLeafTag = 0x00, kNodeTag = 0x01, kChainTag = 0x02;

}  // namespace

Hash LeafHash(ByteView leaf) {
  return crypto::Sha256({ByteView(&kLeafTag, 1), leaf});
}

void LeafHashes(std::span<const ByteView> leaves, Hash* out) {
  HashTagged(kLeafTag, leaves, out);
}

Hash NodeHash(const Hash& left, const Hash& right) {
  Hash out;
  HashPair({.tag = kNodeTag, .first = &left, .second = &right, .out = &out});
  return out;
}

Hash ChainHash(const Hash& before, const Hash& leaf_hash) {
  Hash out;
  HashPair({.tag = kChainTag, .first = &before, .second = &leaf_hash, .out = &out});
  return out;
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

void RangeTree::AppendNode(int level, const Hash& hash) {
  SEAL_CHECK(end_ % (uint64_t{1} << level) == 0);
  Push({.level = level, .index = end_ >> level, .hash = hash});
  end_ += uint64_t{1} << level;
}

// Joins siblings until none are left.
void RangeTree::Push(TreeNode node) {
  while (!nodes_.empty() && (node.index & 1) && nodes_.back().level == node.level &&
         nodes_.back().index == node.index - 1) {
    node = {.level = node.level + 1,
            .index = node.index >> 1,
            .hash = NodeHash(nodes_.back().hash, node.hash)};
    nodes_.pop_back();
    if (node.level == kBlockLevel) blocks_.push_back(node);
  }
  nodes_.push_back(node);
}

// The running hash goes step by step, each waiting for the one before; the 255 nodes of the block's tree keep it
// company, one a step. In this order a node's children are done by the step before.
void RangeTree::AppendBlock(std::span<const Hash, kBlockRecords> leaf_hashes, Hash& chain) {
  SEAL_CHECK(end_ % kBlockRecords == 0);
  std::array<Hash, 2 * kBlockRecords> heap;  // leaves from 0, then the nodes level by level
  std::copy(leaf_hashes.begin(), leaf_hashes.end(), heap.begin());
  for (size_t i = 0; i < kBlockRecords; ++i) {
    const TaggedPair link = {
        .tag = kChainTag, .first = &chain, .second = &leaf_hashes[i], .out = &chain};
    if (i + 1 == kBlockRecords) {
      HashPair(link);
      break;
    }
    HashPairs(link, {.tag = kNodeTag,
                     .first = &heap[2 * i],
                     .second = &heap[2 * i + 1],
                     .out = &heap[kBlockRecords + i]});
  }
  const TreeNode block = {
      .level = kBlockLevel, .index = end_ >> kBlockLevel, .hash = heap[2 * kBlockRecords - 2]};
  blocks_.push_back(block);
  Push(block);
  end_ += kBlockRecords;
}

Hash RangeTree::Root() const {
  SEAL_CHECK(first_ == 0);
  if (nodes_.empty()) return crypto::Sha256(ByteView{});
  Hash root = nodes_.back().hash;
  for (size_t i = nodes_.size() - 1; i-- > 0;) root = NodeHash(nodes_[i].hash, root);
  return root;
}

std::vector<TreeNode> RangeShape(uint64_t first, uint64_t end) {
  std::vector<TreeNode> out;
  while (first < end) {
    int level = first == 0 ? 63 : std::countr_zero(first);
    while (level > 63 || (uint64_t{1} << level) > end - first) --level;
    out.push_back({.level = level, .index = first >> level});
    first += uint64_t{1} << level;
  }
  return out;
}

}  // namespace sealtrail::verify
