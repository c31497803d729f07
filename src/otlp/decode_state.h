// What both decoders carry through a request: the memory it may take, and the place of what is
// wrong with it.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/status.h"
#include "model/arena.h"

namespace sealtrail::otlp {

// Decoding functions return bool: false once this holds an error. On the way out each caller
// prepends the name of the field it was in, so that the good path pays nothing for
// "resource_spans[0].scope_spans[1]: ...".
class DecodeState {
 public:
  explicit DecodeState(model::Arena& arena) : arena_(arena), taken_before_(arena.total()) {}

  model::Arena& arena() { return arena_; }

  bool Fail(Status error) {
    error_ = std::move(error);
    return false;
  }
  // A place deep inside nested values is told by its beginning.
  bool In(std::string_view field) {
    if (place_.size() > kPlaceBytesMax) place_ = "...";
    place_.insert(0, place_.empty() ? std::string(field) : fmt::format("{}.", field));
    return false;
  }
  bool In(std::string_view field, size_t index) { return In(fmt::format("{}[{}]", field, index)); }

  // "resource_logs[0].scope_logs[0].log_records[2].trace_id: 15 bytes, expected 16".
  Status error() const { return place_.empty() ? error_ : error_.Annotate(place_); }

  // A request's plain values may take kDecodedBytesMax: a message of two bytes becomes a struct of
  // two hundred.
  bool HasRoomFor(size_t bytes) const {
    const size_t taken = arena_.total() - taken_before_;
    return taken <= kDecodedBytesMax && bytes <= kDecodedBytesMax - taken;
  }
  bool TooLarge() {
    return Fail(ResourceExhausted("decoded form over {} MiB", kDecodedBytesMax / kMiB));
  }

 private:
  static constexpr size_t kPlaceBytesMax = 256;

  model::Arena& arena_;
  const size_t taken_before_;
  Status error_;
  std::string place_;
};

// A list that grows in the arena. Elements move when it grows, so a pointer to one holds until the
// next Add().
template <typename T>
class ArenaList {
 public:
  // A new last element, or null when the request takes too much memory. When full, makes room for
  // `more` elements after this one, and at least doubles: exact where the caller knows, amortized
  // where it does not.
  T* Add(DecodeState& state, size_t more) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    if (size_ == capacity_ && !Grow(state, more + 1)) return nullptr;
    return new (data_ + size_++) T();
  }

  bool full() const { return size_ == capacity_; }
  size_t size() const { return size_; }
  std::span<const T> view() const { return {data_, size_}; }

 private:
  bool Grow(DecodeState& state, size_t wanted) {
    const size_t capacity = size_ + std::max(wanted, size_);
    if (!state.HasRoomFor(capacity * sizeof(T))) return false;
    auto* data = static_cast<T*>(state.arena().Allocate(capacity * sizeof(T), alignof(T)));
    if (size_ > 0) std::memcpy(static_cast<void*>(data), data_, size_ * sizeof(T));
    data_ = data;
    capacity_ = capacity;
    return true;
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace sealtrail::otlp
