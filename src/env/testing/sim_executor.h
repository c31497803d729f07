// Workers without threads: queues that a test empties task by task, in an order that the seed
// picks. What runs on two workers can interleave in any way between tasks, and the same seed gives
// the same way again.
//
// Time     Timers wait on the SimClock. A timer is due once the clock has reached it; due timers of
// one worker run
//          in the order of their times.
// Blocking A task must not wait for another task: there is no other thread. Ending a worker (its
// destructor) runs
//          what was posted to it, then and there, and drops the timers that are not due, like a
//          real one.
// Threads  Compatible: all in the one thread of the test.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/executor.h"
#include "env/testing/seeded.h"
#include "env/testing/sim_clock.h"

namespace sealtrail::env::testing {

class SimExecutor : public Executor {
 public:
  // Borrows `clock`. Workers must not outlive the executor.
  SimExecutor(uint64_t seed, SimClock& clock);
  ~SimExecutor() override;

  // Runs the first task of a worker that has one. False if none has.
  bool RunOne();

  // Runs until no task is left that is due. A chain of tasks that never ends is a bug, found after
  // 10 million.
  void RunUntilIdle();

  // Moves the clock to the earliest timer, where it lies ahead. False if there is no timer.
  bool AdvanceToNextTimer();

  // Lets `nanos` pass: runs what is due, moves on from timer to timer, ends with the clock at the
  // end of the interval.
  void RunFor(int64_t nanos);

  // Forgets every task and timer without running it: what a process that dies leaves undone.
  void DropAll();

  // Tasks that wait and are due.
  size_t ready() const;

 private:
  std::unique_ptr<Worker> DoStartWorker(std::string name, Priority priority) override;

  class SimWorker;

  std::vector<SimWorker*> ReadyWorkers() const;
  std::optional<int64_t> NextTimer() const;

  SimClock& clock_;
  Seeded choices_;
  std::vector<SimWorker*> workers_;  // alive ones, in the order started
};

}  // namespace sealtrail::env::testing
