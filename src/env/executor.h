// Work runs on workers. A worker runs one task at a time, in the order posted; two workers run side
// by side. An object with one owner thread lives on one worker, and others send it messages by
// posting.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace sealtrail::env {

using Task = std::function<void()>;

// Destruction is End().
// Threads  Post and PostAfter are safe from anywhere, also from a task of the same worker.
class Worker {
 public:
  virtual ~Worker() = default;

  virtual void Post(Task task) = 0;

  // Runs `task` no earlier than `delay_ns` from now.
  virtual void PostAfter(int64_t delay_ns, Task task) = 0;

  // Runs what was posted (timers that are not due yet are dropped), then ends the thread; what is posted
  // afterwards is dropped. Call it, rather than destroy the worker, where its own tasks may still post to it.
  // Not from a task of its own. Calls after the first do nothing.
  virtual void End() = 0;
};

enum class Priority : uint8_t {
  kNormal,
  kBackground,  // gives way to work that somebody waits for
};

class Executor {
 public:
  virtual ~Executor() = default;

  // A new thread, named (at most 15 characters) for people who look with top or gdb.
  std::unique_ptr<Worker> StartWorker(std::string name, Priority priority = Priority::kNormal) {
    return DoStartWorker(std::move(name), priority);
  }

 private:
  virtual std::unique_ptr<Worker> DoStartWorker(std::string name, Priority priority) = 0;
};

}  // namespace sealtrail::env
