// Memory that held something secret is overwritten before it is given back. What the allocator hands on, a core dump
// or a swapped page would show it otherwise.
#pragma once

#include <cstddef>
#include <memory>
#include <string.h>

namespace sealtrail {

// Overwrites with zeros, and is not optimized away.
inline void Wipe(void* at, size_t bytes) {
  if (bytes > 0) ::explicit_bzero(at, bytes);
}

// Wipes what it gives back. A string of 15 characters or less lies in the string itself, which nobody wipes.
template <typename T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <typename U>
  WipingAllocator(const WipingAllocator<U>&) {}

  T* allocate(size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* at, size_t count) {
    Wipe(at, count * sizeof(T));
    std::allocator<T>().deallocate(at, count);
  }

  template <typename U>
  bool operator==(const WipingAllocator<U>&) const {
    return true;
  }
};

}  // namespace sealtrail
