// A log in memory with a key of its own: what a store's tree is to this module, for tests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anchor/tree_source.h"
#include "tlog/note.h"

namespace sealtrail::anchor::testing {

// Threads  Compatible, but for reading at once while nothing changes.
class MemoryTree : public TreeSource {
 public:
  static constexpr std::string_view kOrigin = "log.example/test";

  // Empty. Every tree has the same origin and key.
  MemoryTree();

  // Appends until there are `size` records and publishes the checkpoint. Trees grown with the same
  // words to the same sizes are the same tree.
  void Grow(size_t size, std::string_view word = "");
  // The same without publishing.
  void GrowUnpublished(size_t size, std::string_view word = "");
  // Forgets the records from `size` on, and publishes that.
  void RollBack(size_t size);
  // From now on its records answer `status`; OK: they can be read again.
  void FailReads(Status status) { unread_ = std::move(status); }

  const tlog::Verifier& verifier() const { return signer_.verifier(); }
  SignedCheckpoint At(size_t size) const;

  SignedCheckpoint checkpoint() const override { return published_; }
  TreeSize size() const override { return TreeSize{leaves_.size()}; }
  Result<tlog::Hash> RootAt(TreeSize size) const override;
  Result<tlog::Proof> ConsistencyProof(TreeSize old_size, TreeSize size) const override;

 private:
  tlog::NodeReader Reader() const;

  const tlog::Signer signer_;
  std::vector<tlog::Hash> leaves_;
  SignedCheckpoint published_;
  Status unread_;
};

}  // namespace sealtrail::anchor::testing
