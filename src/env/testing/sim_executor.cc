#include "env/testing/sim_executor.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "base/check.h"

namespace sealtrail::env::testing {

class SimExecutor::SimWorker : public Worker {
 public:
  explicit SimWorker(SimExecutor& executor) : executor_(executor) {
    executor_.workers_.push_back(this);
  }

  ~SimWorker() override { SimWorker::End(); }

  void End() override {
    SEAL_CHECK(!running_);  // a real worker would wait for itself here, for ever
    if (std::exchange(ended_, true)) return;
    while (ready() > 0) RunFirst();
    std::erase(executor_.workers_, this);
  }

  void Post(Task task) override {
    SEAL_CHECK(task);
    tasks_.push_back(std::move(task));
  }

  void PostAfter(int64_t delay_ns, Task task) override {
    SEAL_CHECK(task);
    timers_.emplace(Now() + std::clamp<int64_t>(delay_ns, 0, INT64_MAX - Now()), std::move(task));
  }

  size_t ready() {
    while (!timers_.empty() && timers_.begin()->first <= Now()) {
      tasks_.push_back(std::move(timers_.begin()->second));
      timers_.erase(timers_.begin());
    }
    return tasks_.size();
  }

  void RunFirst() {
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    running_ = true;
    task();
    running_ = false;
  }

  std::optional<int64_t> next_timer() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first;
  }

  bool running() const { return running_; }

  void Drop() {
    tasks_.clear();
    timers_.clear();
  }

 private:
  int64_t Now() { return Value(executor_.clock_.Monotonic()); }

  SimExecutor& executor_;
  std::deque<Task> tasks_;
  std::multimap<int64_t, Task> timers_;
  bool ended_ = false;
  bool running_ = false;
};

SimExecutor::SimExecutor(uint64_t seed, SimClock& clock) : clock_(clock), choices_(seed, 2) {}

SimExecutor::~SimExecutor() {
  SEAL_CHECK(workers_.empty());
}

std::unique_ptr<Worker> SimExecutor::DoStartWorker(std::string, Priority) {
  return std::make_unique<SimWorker>(*this);
}

// A worker that is inside a task runs no other one meanwhile.
std::vector<SimExecutor::SimWorker*> SimExecutor::ReadyWorkers() const {
  std::vector<SimWorker*> ready;
  std::ranges::copy_if(workers_, std::back_inserter(ready),
                       [](SimWorker* worker) { return !worker->running() && worker->ready() > 0; });
  return ready;
}

bool SimExecutor::RunOne() {
  const std::vector<SimWorker*> ready = ReadyWorkers();
  if (ready.empty()) return false;
  ready[choices_.Below(ready.size())]->RunFirst();
  return true;
}

void SimExecutor::RunUntilIdle() {
  int64_t left = 10'000'000;
  while (RunOne()) SEAL_CHECK(--left > 0);
}

std::optional<int64_t> SimExecutor::NextTimer() const {
  std::optional<int64_t> next;
  for (const SimWorker* worker : workers_) {
    const std::optional<int64_t> timer = worker->next_timer();
    if (timer && (!next || *timer < *next)) next = timer;
  }
  return next;
}

bool SimExecutor::AdvanceToNextTimer() {
  const std::optional<int64_t> next = NextTimer();
  if (!next) return false;
  clock_.Advance(std::max<int64_t>(*next - Value(clock_.Monotonic()), 0));
  return true;
}

void SimExecutor::RunFor(int64_t nanos) {
  const int64_t end = Value(clock_.Monotonic()) + nanos;
  RunUntilIdle();
  while (NextTimer().value_or(INT64_MAX) <= end) {
    AdvanceToNextTimer();
    RunUntilIdle();
  }
  clock_.Advance(std::max<int64_t>(end - Value(clock_.Monotonic()), 0));
}

void SimExecutor::DropAll() {
  for (SimWorker* worker : workers_) worker->Drop();
}

size_t SimExecutor::ready() const {
  size_t count = 0;
  for (SimWorker* worker : workers_) count += worker->ready();
  return count;
}

}  // namespace sealtrail::env::testing
