// Every node of a smaller tree is one of `head` too, so one set of tiles serves all trees of a proof.
#include "ledger/prover.h"

#include <algorithm>

#include "ledger/tile_bytes.h"

namespace sealtrail::ledger {
namespace {

using crypto::Hash;

Status CheckSizes(TreeSize size, const CheckpointInfo& head) {
  if (size <= head.size) return OkStatus();
  return InvalidArgument("a tree of {} records, the checkpoint covers {}", Value(size),
                         Value(head.size));
}

}  // namespace

Result<Bytes> Prover::ReadTile(const tlog::TileId& tile) {
  const auto kept = std::ranges::find(edge_, tile, &std::pair<tlog::TileId, Bytes>::first);
  if (kept != edge_.end()) return kept->second;
  SEAL_ASSIGN_OR_RETURN(Bytes bytes, ledger::ReadTile(reader_, tile));
  if (tile.width < tlog::kTileWidth) edge_.emplace_back(tile, bytes);
  return bytes;
}

tlog::TileReader Prover::TilesOf(const CheckpointInfo& head) {
  if (edge_size_ != head.size) edge_.clear();
  edge_size_ = head.size;
  return {head.size, [this](const tlog::TileId& tile) { return ReadTile(tile); }};
}

// The root of a part of `head`, which is shown to be one.
Result<Hash> Prover::RootOf(TreeSize size, const CheckpointInfo& head, tlog::TileReader& tiles) {
  if (size == head.size) return head.root;
  if (Value(size) == 0) return tlog::EmptyRoot();
  SEAL_ASSIGN_OR_RETURN(const Hash root, tlog::ReadRoot(size, tiles.reader()));
  SEAL_ASSIGN_OR_RETURN(const tlog::Proof proof,
                        tlog::ReadConsistencyProof(size, head.size, tiles.reader()));
  const Status good = tlog::VerifyConsistency(size, root, head.size, head.root, proof);
  if (good.ok()) return root;
  edge_.clear();
  return DataLoss("the first {} records are not those of the signed tree of {}: {}", Value(size),
                  Value(head.size), good.message());
}

Result<InclusionProof> Prover::ProveInclusion(Seq index, TreeSize size,
                                              const CheckpointInfo& head) {
  SEAL_RETURN_IF_ERROR(CheckSizes(size, head));
  if (Value(index) >= Value(size))
    return InvalidArgument("record {} of a tree of {}", Value(index), Value(size));
  tlog::TileReader tiles = TilesOf(head);
  InclusionProof proof{.index = index, .size = size, .hashes = {}};
  SEAL_ASSIGN_OR_RETURN(proof.leaf_hash, tiles.Read({.level = 0, .index = Value(index)}));
  SEAL_ASSIGN_OR_RETURN(proof.root, RootOf(size, head, tiles));
  SEAL_ASSIGN_OR_RETURN(proof.hashes, tlog::ReadInclusionProof(index, size, tiles.reader()));
  const Status good = tlog::VerifyInclusion(index, size, proof.leaf_hash, proof.hashes, proof.root);
  if (good.ok()) return proof;
  edge_.clear();
  return DataLoss("record {} as it is stored is not in the signed tree of {}: {}", Value(index),
                  Value(head.size), good.message());
}

Result<ConsistencyProof> Prover::ProveConsistency(TreeSize old_size, TreeSize size,
                                                  const CheckpointInfo& head) {
  SEAL_RETURN_IF_ERROR(CheckSizes(size, head));
  if (old_size > size)
    return InvalidArgument("a tree of {} in one of {}", Value(old_size), Value(size));
  tlog::TileReader tiles = TilesOf(head);
  ConsistencyProof proof{.old_size = old_size, .size = size, .hashes = {}};
  SEAL_ASSIGN_OR_RETURN(proof.old_root, RootOf(old_size, head, tiles));
  SEAL_ASSIGN_OR_RETURN(proof.root, RootOf(size, head, tiles));
  if (Value(old_size) == 0) return proof;
  SEAL_ASSIGN_OR_RETURN(proof.hashes, tlog::ReadConsistencyProof(old_size, size, tiles.reader()));
  const Status good =
      tlog::VerifyConsistency(old_size, proof.old_root, size, proof.root, proof.hashes);
  if (good.ok()) return proof;
  edge_.clear();
  return DataLoss("the tree of {} is not the beginning of that of {}: {}", Value(old_size),
                  Value(size), good.message());
}

}  // namespace sealtrail::ledger
