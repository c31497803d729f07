#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace sealtrail {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "sealtrail: broken invariant at %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace sealtrail
