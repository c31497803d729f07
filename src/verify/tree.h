// The three hashes that bind records (RFC 6962 §2.1, docs/formats/segment.md), and the tree over
// them.
//
// Two ways to one root stand side by side: the recursion as the RFC prints it, which needs every
// leaf hash, and a compact range, which needs at most two hashes a level. verify uses the compact
// range; a test holds it against the recursion.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/sha256.h"

namespace sealtrail::verify {

using crypto::Hash;

Hash LeafHash(ByteView leaf);                               // SHA-256(0x00 ‖ leaf)
Hash NodeHash(const Hash& left, const Hash& right);         // SHA-256(0x01 ‖ left ‖ right)
Hash ChainHash(const Hash& before, const Hash& leaf_hash);  // SHA-256(0x02 ‖ before ‖ leaf hash)
Hash ChainStart(std::string_view origin);                   // the running hash before record 0

// The hashes of many leaves; `out` holds as many.
void LeafHashes(std::span<const ByteView> leaves, Hash* out);

// MTH of RFC 6962 §2.1 over leaf hashes.
Hash TreeHashByRecursion(std::span<const Hash> leaf_hashes);

// A perfect subtree: the hash of records index · 2^level to (index + 1) · 2^level − 1.
struct TreeNode {
  int level = 0;
  uint64_t index = 0;
  Hash hash{};

  bool operator==(const TreeNode&) const = default;
};

// Subtrees of 2^8 records: what an index frame and tiles/1 hold.
constexpr int kBlockLevel = 8;
constexpr uint64_t kBlockRecords = uint64_t{1} << kBlockLevel;

// The fewest perfect subtrees that cover records first to end − 1, left to right: 2 a level at most.
class RangeTree {
 public:
  explicit RangeTree(uint64_t first = 0) : first_(first), end_(first) {}

  void Append(const Hash& leaf_hash) { AppendNode(0, leaf_hash); }

  // A subtree of 2^level records; end() must be a multiple of that.
  void AppendNode(int level, const Hash& hash);

  // The leaves of a whole block at once, end() being a multiple of kBlockRecords; carries the running hash along.
  void AppendBlock(std::span<const Hash, kBlockRecords> leaf_hashes, Hash& chain);

  uint64_t first() const { return first_; }
  uint64_t end() const { return end_; }
  const std::vector<TreeNode>& nodes() const { return nodes_; }

  // The root of the tree of that size; first() must be 0.
  Hash Root() const;

  // The hash of each block (level 8) that was put together here, in the order of their numbers. Not those that came
  // whole, or as parts of larger subtrees.
  const std::vector<TreeNode>& blocks() const { return blocks_; }

 private:
  void Push(TreeNode node);

  uint64_t first_;
  uint64_t end_;
  std::vector<TreeNode> nodes_;
  std::vector<TreeNode> blocks_;
};

// Level and index of the subtrees that RangeTree would hold for records first to end − 1. The hashes are zero.
std::vector<TreeNode> RangeShape(uint64_t first, uint64_t end);

}  // namespace sealtrail::verify
