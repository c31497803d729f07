// std::mutex with clang's thread-safety annotations (`-Wthread-safety`, preset tidy).
// No I/O and no callback while holding one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define SEAL_THREAD_ANNOTATION_(x) __attribute__((x))
#else
#define SEAL_THREAD_ANNOTATION_(x)
#endif
#define SEAL_GUARDED_BY(x) SEAL_THREAD_ANNOTATION_(guarded_by(x))
#define SEAL_PT_GUARDED_BY(x) SEAL_THREAD_ANNOTATION_(pt_guarded_by(x))
#define SEAL_REQUIRES(...) SEAL_THREAD_ANNOTATION_(requires_capability(__VA_ARGS__))
#define SEAL_EXCLUDES(...) SEAL_THREAD_ANNOTATION_(locks_excluded(__VA_ARGS__))
#define SEAL_ACQUIRE(...) SEAL_THREAD_ANNOTATION_(acquire_capability(__VA_ARGS__))
#define SEAL_RELEASE(...) SEAL_THREAD_ANNOTATION_(release_capability(__VA_ARGS__))

namespace sealtrail {

class SEAL_THREAD_ANNOTATION_(capability("mutex")) Mutex {
 public:
  void Lock() SEAL_ACQUIRE() { mutex_.lock(); }
  void Unlock() SEAL_RELEASE() { mutex_.unlock(); }

  // BasicLockable, for CondVar.
  void lock() SEAL_ACQUIRE() { mutex_.lock(); }
  void unlock() SEAL_RELEASE() { mutex_.unlock(); }

  const Mutex& operator!() const { return *this; }  // for negative capabilities

 private:
  std::mutex mutex_;
};

class SEAL_THREAD_ANNOTATION_(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SEAL_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() SEAL_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits release the mutex and hold it again on return. Test the condition in a loop.
class CondVar {
 public:
  void Wait(Mutex& mutex) SEAL_REQUIRES(mutex) { cv_.wait(mutex); }
  // False on timeout.
  bool WaitFor(Mutex& mutex, std::chrono::nanoseconds timeout) SEAL_REQUIRES(mutex) {
    return cv_.wait_for(mutex, timeout) == std::cv_status::no_timeout;
  }
  void NotifyOne() { cv_.notify_one(); }
  void NotifyAll() { cv_.notify_all(); }

 private:
  std::condition_variable_any cv_;
};

}  // namespace sealtrail
