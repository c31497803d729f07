// The three hashes that bind records (RFC 6962 §2.1, docs/formats/segment.md), and the tree over
// them.
//
// Two ways to one root stand side by side: the recursion as the RFC prints it, which needs every
// leaf hash, and a stack that needs at most 64. verify uses the stack; a test holds it against the
// recursion.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "crypto/sha256.h"

namespace sealtrail::verify {

using crypto::Hash;

Hash LeafHash(ByteView leaf);                               // SHA-256(0x00 ‖ leaf)
Hash NodeHash(const Hash& left, const Hash& right);         // SHA-256(0x01 ‖ left ‖ right)
Hash ChainHash(const Hash& before, const Hash& leaf_hash);  // SHA-256(0x02 ‖ before ‖ leaf hash)
Hash ChainStart(std::string_view origin);                   // the running hash before record 0

// MTH of RFC 6962 §2.1 over leaf hashes.
Hash TreeHashByRecursion(std::span<const Hash> leaf_hashes);

// MTH, leaf by leaf.
class TreeStack {
 public:
  void Append(const Hash& leaf_hash);
  uint64_t size() const { return size_; }
  Hash Root() const;

 private:
  // Roots of perfect trees of falling size, one for each bit set in size_.
  std::array<Hash, 64> peaks_;
  int depth_ = 0;
  uint64_t size_ = 0;
};

}  // namespace sealtrail::verify
