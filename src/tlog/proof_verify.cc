// Checking proofs. A path to a leaf first zigzags inside the perfect subtree that also holds the
// tree's last leaf ("inner": the sibling's side is a bit of the index), and then runs along the
// right edge ("border": every sibling is on the left). The number of hashes follows from index and
// size alone, so a proof of another length is none.
//
// Consistency is the path to the last leaf of the old tree, cut off at the height of the largest
// perfect subtree that ends there: that subtree's hash is the seed from which both roots are folded.
#include <algorithm>
#include <bit>

#include "tlog/proof.h"

namespace sealtrail::tlog {
namespace {

using Hashes = std::span<const Hash>;

Status CheckLength(Hashes proof, uint64_t expected) {
  if (proof.size() == expected) return OkStatus();
  return InvalidArgument("a proof of {} hashes, expected {}", proof.size(), expected);
}

Status CheckRoot(const Hash& folded, const Hash& root, std::string_view which) {
  if (folded == root) return OkStatus();
  return DataLoss("the proof does not lead to the {} root", which);
}

// `hash` with each hash of `proof`, from the lowest up, where bit i of `sides` says that proof[i]
// is on the left.
Hash FoldInner(Hash hash, Hashes proof, uint64_t sides) {
  for (size_t i = 0; i < proof.size(); ++i) {
    hash = (sides >> i & 1) != 0 ? NodeHash(proof[i], hash) : NodeHash(hash, proof[i]);
  }
  return hash;
}

// The same, leaving out what is on the right: what had been there before the tree grew.
Hash FoldInnerLeft(Hash hash, Hashes proof, uint64_t sides) {
  for (size_t i = 0; i < proof.size(); ++i) {
    if ((sides >> i & 1) != 0) hash = NodeHash(proof[i], hash);
  }
  return hash;
}

Hash FoldBorder(Hash hash, Hashes proof) {
  for (const Hash& left : proof) hash = NodeHash(left, hash);
  return hash;
}

// Shifts by 64 are undefined in C++; all bits are gone then.
uint64_t ShiftRight(uint64_t value, int bits) {
  return bits >= 64 ? 0 : value >> bits;
}

}  // namespace

Result<Hash> RootFromInclusion(Seq index, TreeSize size, const Hash& leaf_hash, Hashes proof) {
  const uint64_t leaf = Value(index);
  if (leaf >= Value(size)) return InvalidArgument("leaf {} of a tree of {}", leaf, Value(size));
  const int inner = std::bit_width(leaf ^ (Value(size) - 1));
  const int border = std::popcount(ShiftRight(leaf, inner));
  SEAL_RETURN_IF_ERROR(CheckLength(proof, inner + border));
  return FoldBorder(FoldInner(leaf_hash, proof.first(inner), leaf), proof.subspan(inner));
}

Status VerifyInclusion(Seq index, TreeSize size, const Hash& leaf_hash, Hashes proof,
                       const Hash& root) {
  SEAL_ASSIGN_OR_RETURN(const Hash folded, RootFromInclusion(index, size, leaf_hash, proof));
  return CheckRoot(folded, root, "tree's");
}

Status VerifySubtreeInclusion(Seq index, LeafRange subtree, const Hash& leaf_hash, Hashes proof,
                              const Hash& subtree_root) {
  if (!IsSubtree(subtree) || Value(index) < subtree.begin) {
    return InvalidArgument("leaf {} of the leaves {} to {}", Value(index), subtree.begin,
                           subtree.end);
  }
  return VerifyInclusion(Seq{Value(index) - subtree.begin}, TreeSize{subtree.count()}, leaf_hash,
                         proof, subtree_root);
}

Status VerifyConsistency(TreeSize old_size, const Hash& old_root, TreeSize size, const Hash& root,
                         Hashes proof) {
  if (old_size == TreeSize{0}) return InvalidArgument("consistency with the empty tree");
  return VerifySubtreeConsistency({0, Value(old_size)}, old_root, size, root, proof);
}

Status VerifySubtreeConsistency(LeafRange subtree, const Hash& subtree_root, TreeSize size,
                                const Hash& root, Hashes proof) {
  const auto [begin, end] = subtree;
  if (!IsSubtree(subtree) || end > Value(size)) {
    return InvalidArgument("leaves {} to {} of a tree of {}", begin, end, Value(size));
  }
  if (subtree.count() == 0) {
    SEAL_RETURN_IF_ERROR(CheckLength(proof, 0));
    return CheckRoot(EmptyRoot(), subtree_root, "empty");
  }
  if (begin == 0 && end == Value(size)) {
    SEAL_RETURN_IF_ERROR(CheckLength(proof, 0));
    return CheckRoot(subtree_root, root, "tree's");
  }
  // The subtree is the tree's right edge: what is missing is all on its left.
  if (end == Value(size)) {
    const int height = std::bit_width((end - 1) ^ begin);
    SEAL_RETURN_IF_ERROR(CheckLength(proof, std::popcount(ShiftRight(begin, height))));
    return CheckRoot(FoldBorder(subtree_root, proof), root, "tree's");
  }

  const int seed_height = std::countr_zero(subtree.count());
  const int fork = std::bit_width((end - 1) ^ (Value(size) - 1));
  const int inner = fork - seed_height;
  const int border = std::popcount(ShiftRight(end - 1, fork));
  const uint64_t sides = (end - 1) >> seed_height;
  const bool perfect = std::has_single_bit(subtree.count());
  SEAL_RETURN_IF_ERROR(CheckLength(proof, (perfect ? 0 : 1) + inner + border));
  const Hash seed = perfect ? subtree_root : proof.front();
  if (!perfect) proof = proof.subspan(1);
  const Hashes inside = proof.first(inner), edge = proof.subspan(inner);

  SEAL_RETURN_IF_ERROR(CheckRoot(FoldBorder(FoldInner(seed, inside, sides), edge), root, "tree's"));
  if (perfect) return OkStatus();
  // The subtree's own root: only its own siblings, which end at its height, and only the left ones.
  const int height = std::bit_width((end - 1) ^ begin);
  const int own_inner = std::min(height, fork) - seed_height;
  const int own_border = border - std::popcount(ShiftRight(end - 1, height));
  const Hash own = FoldBorder(FoldInnerLeft(seed, inside.first(own_inner), sides),
                              edge.first(std::max(0, own_border)));
  return CheckRoot(own, subtree_root, begin == 0 ? "old tree's" : "subtree's");
}

}  // namespace sealtrail::tlog
