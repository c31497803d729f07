#include "anchor/testing/memory_tree.h"

#include "tlog/merkle.h"

namespace sealtrail::anchor::testing {

MemoryTree::MemoryTree()
    : signer_(tlog::Signer::FromSeed(std::string(kOrigin), Bytes(32, 0x11)).value()) {}

void MemoryTree::GrowUnpublished(size_t size, std::string_view word) {
  while (leaves_.size() < size) {
    leaves_.push_back(tlog::LeafHash(AsBytes(fmt::format("{} {}", leaves_.size(), word))));
  }
}

void MemoryTree::Grow(size_t size, std::string_view word) {
  GrowUnpublished(size, word);
  published_ = At(size);
}

void MemoryTree::RollBack(size_t size) {
  leaves_.resize(size);
  published_ = At(size);
}

SignedCheckpoint MemoryTree::At(size_t size) const {
  SignedCheckpoint checkpoint{.size = TreeSize{size}, .root = RootAt(TreeSize{size}).value()};
  checkpoint.note = signer_.Sign(tlog::CheckpointText(
      {.origin = std::string(kOrigin), .size = checkpoint.size, .root = checkpoint.root}));
  return checkpoint;
}

// Each node anew from its leaves.
tlog::NodeReader MemoryTree::Reader() const {
  return [this](tlog::NodeId node) -> Result<tlog::Hash> {
    const uint64_t width = uint64_t{1} << node.level;
    tlog::Frontier subtree;
    for (uint64_t i = node.index * width; i < (node.index + 1) * width; ++i) {
      subtree.Append(leaves_.at(i));
    }
    return subtree.Root();
  };
}

Result<tlog::Hash> MemoryTree::RootAt(TreeSize size) const {
  SEAL_RETURN_IF_ERROR(unread_);
  if (size > this->size()) return NotFound("{} of {} records", Value(size), leaves_.size());
  return tlog::ReadRoot(size, Reader());
}

Result<tlog::Proof> MemoryTree::ConsistencyProof(TreeSize old_size, TreeSize size) const {
  SEAL_RETURN_IF_ERROR(unread_);
  if (size > this->size()) return NotFound("{} of {} records", Value(size), leaves_.size());
  return tlog::ReadConsistencyProof(old_size, size, Reader());
}

}  // namespace sealtrail::anchor::testing
