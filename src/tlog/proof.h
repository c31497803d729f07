// Inclusion and consistency proofs of RFC 6962 §2.1.1 and §2.1.2, and those of subtrees
// (draft-ietf-plants-merkle-tree-certs §4): which nodes they need, reading them, checking them.
//
// Making  Each hash of a proof is the root of a subtree, and so the fold of the perfect subtrees
//         that it is made of: mostly one, several at the tree's ragged right edge. The …Nodes()
//         functions name them without any hash, so that whoever keeps the hashes can fetch what is
//         needed at once; Read…() then folds them.
// Checking Everything a Verify…() is given may come from a stranger. InvalidArgument says that it
//         could be no such proof of any tree (an index or size out of range, a wrong number of
//         hashes); DataLoss that it leads to another root.
// A hash of a wrong length never gets here: HashOf() and HashFromBase64() refuse it.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "tlog/compact_range.h"
#include "tlog/hashes.h"

namespace sealtrail::tlog {

using Proof = std::vector<Hash>;

// The hash of one perfect subtree, from wherever they are kept. Its errors are passed on.
using NodeReader = std::function<Result<Hash>(NodeId)>;

// For each hash of a proof, leaf's sibling first: the nodes it is folded from, left to right.
using ProofNodes = std::vector<std::vector<NodeId>>;

// --- Making ---

// The nodes that FoldNodes() makes the root of. None for the empty tree.
std::vector<NodeId> RootNodes(TreeSize size);

// That the leaf `index` is in the tree of `size`. InvalidArgument unless index < size.
Result<ProofNodes> InclusionProofNodes(Seq index, TreeSize size);

// That the tree of `size` begins with the tree of `old_size`. Empty where they are the same, and
// where old_size is 0. InvalidArgument if old_size > size.
Result<ProofNodes> ConsistencyProofNodes(TreeSize old_size, TreeSize size);

// That the leaf `index` is in the subtree. InvalidArgument unless it lies inside and
// IsSubtree(subtree).
Result<ProofNodes> SubtreeInclusionProofNodes(Seq index, LeafRange subtree);

// That the subtree is part of the tree of `size`. InvalidArgument unless IsSubtree(subtree) and
// subtree.end ≤ size.
Result<ProofNodes> SubtreeConsistencyProofNodes(LeafRange subtree, TreeSize size);

Result<Hash> ReadRoot(TreeSize size, const NodeReader& read);
Result<Proof> ReadProof(const ProofNodes& nodes, const NodeReader& read);
Result<Proof> ReadInclusionProof(Seq index, TreeSize size, const NodeReader& read);
Result<Proof> ReadConsistencyProof(TreeSize old_size, TreeSize size, const NodeReader& read);

// --- Checking ---

// OK if `proof` shows that the leaf `index` with this hash is in the tree (size, root).
Status VerifyInclusion(Seq index, TreeSize size, const Hash& leaf_hash, std::span<const Hash> proof,
                       const Hash& root);

// The root of the tree of `size` if `leaf_hash` is its leaf `index` and `proof` is good.
Result<Hash> RootFromInclusion(Seq index, TreeSize size, const Hash& leaf_hash,
                               std::span<const Hash> proof);

// OK if `proof` shows that the tree (size, root) begins with the tree (old_size, old_root).
// InvalidArgument for an old_size of 0, of which nothing could be shown: every tree begins with the
// empty one. A protocol that allows it (c2sp.org/tlog-witness) does so before it comes here.
Status VerifyConsistency(TreeSize old_size, const Hash& old_root, TreeSize size, const Hash& root,
                         std::span<const Hash> proof);

// OK if `proof` shows that the leaf `index` with this hash is in the subtree with this root.
Status VerifySubtreeInclusion(Seq index, LeafRange subtree, const Hash& leaf_hash,
                              std::span<const Hash> proof, const Hash& subtree_root);

// OK if `proof` shows that the subtree with this root is part of the tree (size, root).
Status VerifySubtreeConsistency(LeafRange subtree, const Hash& subtree_root, TreeSize size,
                                const Hash& root, std::span<const Hash> proof);

}  // namespace sealtrail::tlog
