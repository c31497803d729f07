// Proofs that a record is in the trail's tree and that one tree is the beginning of another, made from the tiles and checked
// against a signed root before anybody sees them: RFC 6962 §2.1.1 and §2.1.2.
#pragma once

#include <utility>
#include <vector>

#include "ledger/ledger_reader.h"
#include "tlog/proof.h"
#include "tlog/tile.h"

namespace sealtrail::ledger {

// That the record `index` is in the tree (size, root).
struct InclusionProof {
  Seq index{0};
  TreeSize size{0};
  crypto::Hash root{};
  crypto::Hash leaf_hash{};
  tlog::Proof hashes;  // the leaf's sibling first
};

// That the tree (size, root) begins with the tree (old_size, old_root).
struct ConsistencyProof {
  TreeSize old_size{0};
  crypto::Hash old_root{};
  TreeSize size{0};
  crypto::Hash root{};
  tlog::Proof hashes;
};

// `head` is the signed tree that everything is held against; its root is believed, what is stored is not. Other trees may be
// any part of it: their roots are computed, and proved to belong to it.
//
// Cost     One block of 256 records, decoded and hashed, and at most two tiles of each level. The ragged right edge of `head` is
//          kept for the next proof under the same one.
// Errors   InvalidArgument: an index or a size out of range. DataLoss: what is stored contradicts itself or the signed root;
//          no proof comes of it. Errors of LedgerReader::TileHashes().
// Threads  Compatible. Borrows the reader.
class Prover {
 public:
  explicit Prover(const LedgerReader& reader) : reader_(reader) {}

  // index < size ≤ head.size.
  Result<InclusionProof> ProveInclusion(Seq index, TreeSize size, const CheckpointInfo& head);

  // old_size ≤ size ≤ head.size. No hashes where both are the same tree, or the old one is empty.
  Result<ConsistencyProof> ProveConsistency(TreeSize old_size, TreeSize size,
                                            const CheckpointInfo& head);

 private:
  tlog::TileReader TilesOf(const CheckpointInfo& head);
  Result<Bytes> ReadTile(const tlog::TileId& tile);
  Result<crypto::Hash> RootOf(TreeSize size, const CheckpointInfo& head, tlog::TileReader& tiles);

  const LedgerReader& reader_;
  TreeSize edge_size_{0};
  std::vector<std::pair<tlog::TileId, Bytes>> edge_;  // partial tiles of the tree of edge_size_
};

}  // namespace sealtrail::ledger
