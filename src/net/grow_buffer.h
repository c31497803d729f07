// Memory for a body whose size is known only when it has been read.
//
// A vector would fill with zeros what is overwritten at once, and holds old and new bytes side by
// side while it grows. Here what was never written costs no memory, large blocks grow by moving
// pages instead of bytes, and they return to the system at once, so that the peak is the size and
// not twice the size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/shared_bytes.h"
#include "net/byte_budget.h"

namespace sealtrail::net {

// Threads  Compatible.
class GrowBuffer {
 public:
  // Empty. Every byte of capacity is taken from `budget`.
  explicit GrowBuffer(ByteBudget& budget);
  GrowBuffer(GrowBuffer&& other) noexcept;
  GrowBuffer& operator=(GrowBuffer&& other) noexcept;
  ~GrowBuffer();

  // Makes room for at least `capacity` bytes in all; what was written stays, what was not is
  // undefined. False, and nothing changed, if the budget or the system has no room.
  [[nodiscard]] bool Grow(size_t capacity);

  std::span<uint8_t> space() { return {data_, capacity_}; }
  size_t capacity() const { return capacity_; }

  // The first `size` bytes, given away; the budget keeps counting them until the last copy is gone.
  SharedBytes Finish(size_t size) &&;

 private:
  void Free();

  uint8_t* data_ = nullptr;
  size_t capacity_ = 0;
  bool mapped_ = false;
  ByteBudget::Lease lease_;
};

}  // namespace sealtrail::net
