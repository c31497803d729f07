// Numbers from a seed: splitmix64, the same on every machine and library (std's distributions are
// not).
#pragma once

#include <cstdint>

namespace sealtrail::env::testing {

// Threads  Compatible.
class Seeded {
 public:
  // `stream` keeps the parts of one simulation apart: what one draws does not shift what another
  // sees.
  explicit Seeded(uint64_t seed, uint64_t stream = 0)
      : state_(Mixed(seed + 0x9e3779b97f4a7c15u * (stream + 1))) {}

  uint64_t Next() { return Mixed(state_ += 0x9e3779b97f4a7c15u); }

  // From 0 to bound - 1; bound must not be 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }

  // True `hits` times in `of`.
  bool Chance(uint64_t hits, uint64_t of) { return Below(of) < hits; }

 private:
  static uint64_t Mixed(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
  }

  uint64_t state_;
};

}  // namespace sealtrail::env::testing
