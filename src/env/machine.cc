#include "env/machine.h"

#include <algorithm>
#include <sched.h>
#include <unistd.h>

namespace sealtrail::env {

int CoreCount() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return 1;
}

bool StandardErrorIsTerminal() {
  constexpr int kStandardError = 2;
  return ::isatty(kStandardError) == 1;
}

}  // namespace sealtrail::env
