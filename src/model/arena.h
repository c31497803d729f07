// A bump allocator for what one request decodes to: plain values, freed all at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/wipe.h"

namespace sealtrail::model {

// Threads  Compatible. Moving keeps every pointer valid.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&&) = default;
  Arena& operator=(Arena&&) = default;

  // `count` uninitialized bytes aligned to `alignment` (a power of two, at most 16).
  void* Allocate(size_t count, size_t alignment) {
    size_t start = (used_ + alignment - 1) & ~(alignment - 1);
    if (blocks_.empty() || start + count > capacity_) {
      capacity_ = std::max(count, kBlockBytes);
      blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(capacity_), capacity_});
      total_ += capacity_;
      start = 0;
    }
    used_ = start + count;
    return blocks_.back().bytes.get() + start;
  }

  // Values are never destroyed, so they must be plain.
  template <typename T>
  T* New(T value) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (Allocate(sizeof(T), alignof(T))) T(std::move(value));
  }

  template <typename T>
  std::span<const T> CopySpan(std::span<const T> values) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (values.empty()) return {};
    T* out = static_cast<T*>(Allocate(values.size() * sizeof(T), alignof(T)));
    std::uninitialized_copy(values.begin(), values.end(), out);
    return {out, values.size()};
  }

  std::string_view CopyText(std::string_view text) {
    if (text.empty()) return {};
    char* out = static_cast<char*>(Allocate(text.size(), 1));
    std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }

  // Overwrites everything; nothing in it may be read again.
  void Wipe() {
    for (const Block& block : blocks_) sealtrail::Wipe(block.bytes.get(), block.size);
  }

  // Bytes taken from the system so far.
  size_t total() const { return total_; }

 private:
  static constexpr size_t kBlockBytes = 64 * 1024;

  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    size_t size;
  };

  std::vector<Block> blocks_;
  size_t used_ = 0;
  size_t capacity_ = 0;
  size_t total_ = 0;
};

}  // namespace sealtrail::model
