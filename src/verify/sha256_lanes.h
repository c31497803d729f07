// SHA-256 of many short messages at once.
//
// One SHA-256 is a chain of dependent steps, so a processor with SHA extensions waits most of the time; two that run
// side by side fill each other's gaps. Nearly all that verify does is hashing, and nearly all of it can be paired:
// leaf with leaf, and the running hash with a node of the tree.
//
// The portable twin is crypto::Sha256, which the tests compare with. Threads  Safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "crypto/sha256.h"

namespace sealtrail::verify {

// out[i] = SHA-256(tag ‖ messages[i]); `out` holds as many as `messages`.
void HashTagged(uint8_t tag, std::span<const ByteView> messages, crypto::Hash* out);

// SHA-256(tag ‖ first ‖ second), of two such pairs.
struct TaggedPair {
  uint8_t tag = 0;
  const crypto::Hash* first = nullptr;
  const crypto::Hash* second = nullptr;
  crypto::Hash* out = nullptr;  // may be one of the inputs
};
void HashPairs(const TaggedPair& a, const TaggedPair& b);
void HashPair(const TaggedPair& pair);

namespace internal {
// Whether this processor has what the fast way needs. Tests switch it off to run the twin.
bool LanesSupported();
extern bool lanes_enabled;
}  // namespace internal

}  // namespace sealtrail::verify
