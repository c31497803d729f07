#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <pthread.h>
#include <thread>
#include <time.h>
#include <unistd.h>

#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/mutex.h"
#include "base/status.h"
#include "env/env.h"
#include "env/real_files.h"

namespace sealtrail::env {
namespace {

// A tenth of the weight of a thread with priority 0.
constexpr int kBackgroundNice = 10;
// Longer than the slice of other threads (about 3 ms): from Linux 6.12 on, one of them that wakes runs at once instead
// of at the end of that slice. Older ones ignore it.
constexpr uint64_t kBackgroundSliceNanos = 20'000'000;

// Longest sleep at a time: a timer far in the future must not overflow the deadline of a wait.
constexpr int64_t kWaitNanosMax = 3'600 * kNanosPerSecond;

int64_t ReadClock(clockid_t id) {
  timespec t;
  SEAL_CHECK(::clock_gettime(id, &t) == 0);
  return t.tv_sec * kNanosPerSecond + t.tv_nsec;
}

class RealClock : public Clock {
 public:
  UnixNanos Now() override { return UnixNanos{ReadClock(CLOCK_REALTIME)}; }
  MonotonicNanos Monotonic() override { return MonotonicNanos{ReadClock(CLOCK_MONOTONIC)}; }
};

// The kernel's generator, 256 bytes a call (the most that getrandom returns whole), handed out from
// a buffer per thread: salts are drawn once a record.
class RealRandom : public Random {
 public:
  void Fill(std::span<uint8_t> out) override {
    thread_local std::array<uint8_t, 256> buffer;
    thread_local size_t left = 0;
    for (uint8_t& byte : out) {
      if (left == 0) {
        SEAL_CHECK(::getrandom(buffer.data(), buffer.size(), 0) ==
                   static_cast<ssize_t>(buffer.size()));
        left = buffer.size();
      }
      byte = buffer[--left];
      buffer[left] = 0;  // what was handed out once is not kept
    }
  }
};

// sched_setattr(2); not every C library has it.
struct SchedAttr {
  uint32_t size = sizeof(SchedAttr);
  uint32_t policy = 0;  // SCHED_OTHER
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;  // the slice, in nanoseconds
  uint64_t deadline = 0;
  uint64_t period = 0;
};

// For the calling thread alone. Where it may not be lowered the work is done all the same.
void GiveWay() {
  SchedAttr attr;
  attr.nice = kBackgroundNice;
  attr.runtime = kBackgroundSliceNanos;
  if (::syscall(SYS_sched_setattr, 0, &attr, 0) == 0) return;
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kBackgroundNice);
}

class ThreadWorker : public Worker {
 public:
  ThreadWorker(const std::string& name, Priority priority)
      : thread_([this, priority] { Run(priority); }) {
    ::pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
  }

  ~ThreadWorker() override { ThreadWorker::End(); }

  void End() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    wake_.NotifyOne();
    if (thread_.joinable()) thread_.join();
  }

  void Post(Task task) override {
    SEAL_CHECK(task);
    {
      MutexLock lock(mutex_);
      ready_.push_back(std::move(task));
    }
    wake_.NotifyOne();
  }

  void PostAfter(int64_t delay_ns, Task task) override {
    SEAL_CHECK(task);
    const int64_t now = ReadClock(CLOCK_MONOTONIC);
    const int64_t due = now + std::clamp<int64_t>(delay_ns, 0, INT64_MAX - now);
    {
      MutexLock lock(mutex_);
      timers_.emplace(due, std::move(task));
    }
    wake_.NotifyOne();
  }

 private:
  void Run(Priority priority) {
    if (priority == Priority::kBackground) GiveWay();
    while (Task task = Next()) task();
  }

  // Waits for the next task that is due. Empty when the worker is to end.
  Task Next() {
    MutexLock lock(mutex_);
    for (;;) {
      const int64_t now = ReadClock(CLOCK_MONOTONIC);
      while (!timers_.empty() && timers_.begin()->first <= now) {
        ready_.push_back(std::move(timers_.begin()->second));
        timers_.erase(timers_.begin());
      }
      if (!ready_.empty()) {
        Task task = std::move(ready_.front());
        ready_.pop_front();
        return task;
      }
      if (stopping_) return nullptr;
      if (timers_.empty()) {
        wake_.Wait(mutex_);
      } else {
        const int64_t wait = std::min(timers_.begin()->first - now, kWaitNanosMax);
        wake_.WaitFor(mutex_, std::chrono::nanoseconds(wait));
      }
    }
  }

  Mutex mutex_;
  CondVar wake_;
  std::deque<Task> ready_ SEAL_GUARDED_BY(mutex_);
  std::multimap<int64_t, Task> timers_ SEAL_GUARDED_BY(mutex_);
  bool stopping_ SEAL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

class ThreadExecutor : public Executor {
 private:
  std::unique_ptr<Worker> DoStartWorker(std::string name, Priority priority) override {
    return std::make_unique<ThreadWorker>(name, priority);
  }
};

}  // namespace

Env RealEnv() {
  static RealClock clock;
  static RealRandom random;
  static ThreadExecutor executor;
  return {.clock = clock, .files = RealFiles(), .random = random, .executor = executor};
}

}  // namespace sealtrail::env
