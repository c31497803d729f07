#include "anchor/run_parallel.h"

#include <algorithm>

#include <fmt/format.h>

namespace sealtrail::anchor {

void RunParallel(env::Executor& executor, const std::vector<std::function<void()>>& tasks,
                 size_t workers_max) {
  std::vector<std::unique_ptr<env::Worker>> workers;
  for (size_t i = 0; i < std::min(workers_max, tasks.size()); ++i) {
    workers.push_back(executor.StartWorker(fmt::format("anchor-{}", i)));
  }
  for (size_t i = 0; i < tasks.size(); ++i) workers[i % workers.size()]->Post(tasks[i]);
  for (auto& worker : workers) worker->End();  // after what was posted
}

}  // namespace sealtrail::anchor
