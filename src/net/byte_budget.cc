#include "net/byte_budget.h"

#include <atomic>
#include <utility>

#include "base/check.h"

namespace sealtrail::net {

struct ByteBudget::Lease::State {
  const size_t bytes_max;
  std::atomic<size_t> used{0};

  bool Take(size_t bytes) {
    size_t now = used.load(std::memory_order_relaxed);
    do {
      if (bytes > bytes_max - now) return false;
    } while (!used.compare_exchange_weak(now, now + bytes, std::memory_order_relaxed));
    return true;
  }
  void Give(size_t bytes) { used.fetch_sub(bytes, std::memory_order_relaxed); }
};

ByteBudget::Lease::Lease(std::shared_ptr<State> state, size_t bytes)
    : state_(std::move(state)), bytes_(bytes) {}

ByteBudget::Lease::Lease(Lease&& other) noexcept
    : state_(std::move(other.state_)), bytes_(std::exchange(other.bytes_, 0)) {}

ByteBudget::Lease& ByteBudget::Lease::operator=(Lease&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

ByteBudget::Lease::~Lease() {
  if (state_ != nullptr) state_->Give(bytes_);
}

bool ByteBudget::Lease::Resize(size_t bytes) {
  if (state_ == nullptr) {
    SEAL_CHECK(bytes == 0);
    return true;
  }
  if (bytes > bytes_) {
    if (!state_->Take(bytes - bytes_)) return false;
  } else {
    state_->Give(bytes_ - bytes);
  }
  bytes_ = bytes;
  return true;
}

ByteBudget::ByteBudget(size_t bytes_max) : state_(new Lease::State{.bytes_max = bytes_max}) {}

std::optional<ByteBudget::Lease> ByteBudget::TryTake(size_t bytes) {
  if (!state_->Take(bytes)) return std::nullopt;
  return Lease(state_, bytes);
}

size_t ByteBudget::used() const {
  return state_->used.load(std::memory_order_relaxed);
}
size_t ByteBudget::bytes_max() const {
  return state_->bytes_max;
}

}  // namespace sealtrail::net
