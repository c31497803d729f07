// How many bytes of requests may be in memory at once, over all connections of all transports.
// Without it a hundred senders of 64 MiB each would be a crash with a delay.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

namespace sealtrail::net {

// Threads  Safe. Leases may outlive the budget.
class ByteBudget {
 public:
  // A part of the budget, given back when destroyed.
  // Threads  Compatible.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();

    // Changes what is held to `bytes`. False, and nothing changed, if the budget does not have
    // them. An empty lease (default made or moved from) may only be resized to 0.
    bool Resize(size_t bytes);

    size_t bytes() const { return bytes_; }

   private:
    friend class ByteBudget;
    struct State;
    Lease(std::shared_ptr<State> state, size_t bytes);

    std::shared_ptr<State> state_;
    size_t bytes_ = 0;
  };

  explicit ByteBudget(size_t bytes_max);

  // Nothing if fewer than `bytes` are left.
  std::optional<Lease> TryTake(size_t bytes);

  size_t used() const;
  size_t bytes_max() const;

 private:
  std::shared_ptr<Lease::State> state_;
};

}  // namespace sealtrail::net
