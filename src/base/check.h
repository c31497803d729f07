// A bug stops the process, in release builds too: a ledger that runs past a broken invariant is
// worse than none. Never check bytes from disk, network or configuration this way: those are
// errors.
#pragma once

namespace sealtrail {

// Prints the place and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace sealtrail

#define SEAL_CHECK(condition) \
  ((condition) ? (void)0 : ::sealtrail::CheckFailed(__FILE__, __LINE__, #condition))

#define SEAL_UNREACHABLE() ::sealtrail::CheckFailed(__FILE__, __LINE__, "unreachable")
