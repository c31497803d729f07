// Making proofs. Every hash of a proof is that of a subtree split off on the way down to the leaves
// in question: the recursions of RFC 6962 §2.1.1, §2.1.2 and merkle-tree-certs §4 as loops, which
// split off the uppermost hash first.
#include "tlog/proof.h"

#include <algorithm>
#include <bit>

namespace sealtrail::tlog {
namespace {

// Where the tree over `range` splits: the largest power of two below its count, which is 2 or more.
uint64_t SplitOf(LeafRange range) {
  return range.begin + (uint64_t{1} << (std::bit_width(range.count() - 1) - 1));
}

// `parts`, topmost first, as the nodes of a proof.
ProofNodes NodesOf(std::vector<LeafRange> parts) {
  std::reverse(parts.begin(), parts.end());
  ProofNodes nodes;
  nodes.reserve(parts.size());
  for (const LeafRange part : parts) nodes.push_back(RangeNodes(part));
  return nodes;
}

// Down from `tree` to the leaf, splitting off the half that does not hold it.
ProofNodes PathNodes(uint64_t leaf, LeafRange tree) {
  std::vector<LeafRange> parts;
  while (tree.count() > 1) {
    const uint64_t split = SplitOf(tree);
    const LeafRange left{tree.begin, split}, right{split, tree.end};
    parts.push_back(leaf < split ? right : left);
    tree = leaf < split ? left : right;
  }
  return NodesOf(std::move(parts));
}

Result<Hash> ReadFold(const std::vector<NodeId>& nodes, const NodeReader& read) {
  std::vector<Hash> hashes;
  hashes.reserve(nodes.size());
  for (const NodeId node : nodes) {
    SEAL_ASSIGN_OR_RETURN(const Hash hash, read(node));
    hashes.push_back(hash);
  }
  return FoldNodes(hashes);
}

}  // namespace

std::vector<NodeId> RootNodes(TreeSize size) {
  return RangeNodes({0, Value(size)});
}

Result<ProofNodes> InclusionProofNodes(Seq index, TreeSize size) {
  return SubtreeInclusionProofNodes(index, {0, Value(size)});
}

Result<ProofNodes> SubtreeInclusionProofNodes(Seq index, LeafRange subtree) {
  if (!IsSubtree(subtree) || Value(index) < subtree.begin || Value(index) >= subtree.end) {
    return InvalidArgument("leaf {} of the leaves {} to {}", Value(index), subtree.begin,
                           subtree.end);
  }
  return PathNodes(Value(index), subtree);
}

Result<ProofNodes> ConsistencyProofNodes(TreeSize old_size, TreeSize size) {
  return SubtreeConsistencyProofNodes({0, Value(old_size)}, size);
}

Result<ProofNodes> SubtreeConsistencyProofNodes(LeafRange subtree, TreeSize size) {
  if (!IsSubtree(subtree) || subtree.end > Value(size)) {
    return InvalidArgument("leaves {} to {} of a tree of {}", subtree.begin, subtree.end,
                           Value(size));
  }
  if (subtree.count() == 0) return ProofNodes{};
  std::vector<LeafRange> parts;
  LeafRange tree{0, Value(size)};
  LeafRange wanted = subtree;  // what of the subtree lies in `tree`: all, or its right end
  while (tree != wanted) {
    const uint64_t split = SplitOf(tree);
    const LeafRange left{tree.begin, split}, right{split, tree.end};
    const bool go_left = wanted.end <= split;
    parts.push_back(go_left ? right : left);
    tree = go_left ? left : right;
    wanted.begin = std::max(wanted.begin, tree.begin);
  }
  // The verifier has the subtree's own root; where the way down ended at a piece of it, that piece
  // is the proof's first hash.
  if (wanted != subtree) parts.push_back(wanted);
  return NodesOf(std::move(parts));
}

Result<Hash> ReadRoot(TreeSize size, const NodeReader& read) {
  return ReadFold(RootNodes(size), read);
}

Result<Proof> ReadProof(const ProofNodes& nodes, const NodeReader& read) {
  Proof proof;
  proof.reserve(nodes.size());
  for (const std::vector<NodeId>& folded : nodes) {
    SEAL_ASSIGN_OR_RETURN(const Hash hash, ReadFold(folded, read));
    proof.push_back(hash);
  }
  return proof;
}

Result<Proof> ReadInclusionProof(Seq index, TreeSize size, const NodeReader& read) {
  SEAL_ASSIGN_OR_RETURN(const ProofNodes nodes, InclusionProofNodes(index, size));
  return ReadProof(nodes, read);
}

Result<Proof> ReadConsistencyProof(TreeSize old_size, TreeSize size, const NodeReader& read) {
  SEAL_ASSIGN_OR_RETURN(const ProofNodes nodes, ConsistencyProofNodes(old_size, size));
  return ReadProof(nodes, read);
}

}  // namespace sealtrail::tlog
