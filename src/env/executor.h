// Work runs on workers. A worker runs one task at a time, in the order posted; two workers run side
// by side. An object with one owner thread lives on one worker, and others send it messages by
// posting.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

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

class Executor {
 public:
  virtual ~Executor() = default;

  // A new thread, named (at most 15 characters) for people who look with top or gdb.
  virtual std::unique_ptr<Worker> StartWorker(std::string name) = 0;
};

}  // namespace sealtrail::env
