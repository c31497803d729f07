// Other people's services, played by a function.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "anchor/transport.h"
#include "base/mutex.h"

namespace sealtrail::anchor::testing {

// Threads  Safe where the function is.
class FakeTransport : public Transport {
 public:
  using Answer = std::function<Result<net::FetchResponse>(const net::FetchRequest&)>;

  explicit FakeTransport(Answer answer) : answer_(std::move(answer)) {}

  Result<net::FetchResponse> Fetch(const net::FetchRequest& request) override {
    {
      MutexLock lock(mutex_);
      requests_.push_back(request);
    }
    return answer_(request);
  }

  // All so far.
  std::vector<net::FetchRequest> requests() const {
    MutexLock lock(mutex_);
    return requests_;
  }

 private:
  const Answer answer_;
  mutable Mutex mutex_;
  std::vector<net::FetchRequest> requests_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail::anchor::testing
