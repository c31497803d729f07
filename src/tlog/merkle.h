// The Merkle tree of RFC 6962 §2.1, grown leaf by leaf, and the article's running hash beside it.
// Both eat the same leaf hashes. docs/formats/segment.md and checkpoint.md say where their values
// stand.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "crypto/sha256.h"

namespace sealtrail::tlog {

using crypto::Hash;

// SHA-256(0x00 ‖ leaf).
Hash LeafHash(ByteView leaf);

// SHA-256(0x01 ‖ left ‖ right).
Hash NodeHash(const Hash& left, const Hash& right);

// SHA-256("sealtrail/chain/v1\n" ‖ origin): the running hash before the first record.
Hash ChainGenesis(std::string_view origin);

// SHA-256(0x02 ‖ before ‖ leaf_hash).
Hash ChainNext(const Hash& before, const Hash& leaf_hash);

// The root of no leaves: SHA-256 of nothing.
Hash EmptyRoot();

// The perfect subtrees that make up a tree, tallest first: all that is needed to grow it.
// Threads  Compatible.
class Frontier {
 public:
  void Append(const Hash& leaf_hash);

  TreeSize size() const { return TreeSize{size_}; }

  // Root of the leaves so far; EmptyRoot() of none. O(log size).
  Hash Root() const;

 private:
  std::vector<Hash> peaks_;  // one per set bit of size_, tallest first
  uint64_t size_ = 0;
};

}  // namespace sealtrail::tlog
