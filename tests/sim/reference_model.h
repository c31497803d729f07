// What a trail must hold, kept the slow and plain way: a list of leaves, the recursion as RFC 6962 prints it, and the
// running hash by its formula. The other witness of the ledger's sequencer, compact ranges and tile files; of the product's
// code it shares SHA-256 alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "crypto/sha256.h"

namespace sealtrail::sim {

// Threads  Compatible.
class ReferenceModel {
 public:
  // `origin` is that of the trail; needed before the first record.
  void SetOrigin(const std::string& origin);
  void Append(std::string leaf);

  uint64_t size() const { return leaves_.size(); }
  const std::vector<std::string>& leaves() const { return leaves_; }
  const crypto::Hash& LeafHash(uint64_t seq) const { return hashes_[seq]; }

  // The running hash after the first `size` records.
  const crypto::Hash& Chain(uint64_t size) const { return chain_[size]; }

  // MTH of the records [begin, end), RFC 6962 §2.1; of none, the hash of nothing.
  crypto::Hash Root(uint64_t begin, uint64_t end) const;
  crypto::Hash Root(uint64_t size) const { return Root(0, size); }

 private:
  std::vector<std::string> leaves_;
  std::vector<crypto::Hash> hashes_;
  std::vector<crypto::Hash> chain_;
  mutable std::map<std::pair<uint64_t, uint64_t>, crypto::Hash>
      known_;  // Root() of ranges that never change
};

}  // namespace sealtrail::sim
