// Waits for an answer that comes by callback. Only for start and stop: everything else is asynchronous.
#pragma once

#include <functional>
#include <optional>

#include "base/mutex.h"
#include "base/status.h"

namespace sealtrail::server {

// Calls `start` with a callback and returns what it is called with.
inline Status WaitFor(const std::function<void(std::function<void(Status)>)>& start) {
  Mutex mutex;
  CondVar arrived;
  std::optional<Status> result;
  start([&](Status status) {
    MutexLock lock(mutex);
    result = std::move(status);
    arrived.NotifyOne();
  });
  MutexLock lock(mutex);
  while (!result) arrived.Wait(mutex);
  return *result;
}

}  // namespace sealtrail::server
