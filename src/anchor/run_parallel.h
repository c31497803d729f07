#pragma once

#include <functional>
#include <vector>

#include "env/executor.h"

namespace sealtrail::anchor {

// Runs `tasks` on at most `workers_max` workers made for this, and returns when all have run.
void RunParallel(env::Executor& executor, const std::vector<std::function<void()>>& tasks,
                 size_t workers_max);

}  // namespace sealtrail::anchor
