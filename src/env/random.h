#pragma once

#include <cstdint>
#include <span>

namespace sealtrail::env {

// Cryptographically strong bytes (in the simulation: seeded ones).
// Threads  Safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(std::span<uint8_t> out) = 0;
};

}  // namespace sealtrail::env
