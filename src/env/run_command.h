// Runs a command of the operator's to its end: bytes in, bytes out, a limit on both size and time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "env/child_process.h"

namespace sealtrail::env {

struct CommandOptions {
  std::vector<std::string> argv;  // the first is an absolute path
  size_t output_bytes_max = 4 * kKiB;
  int64_t timeout_ns = 10 * kNanosPerSecond;
};

struct CommandResult {
  ChildExit exit;
  Bytes output;
  std::string errors;  // what it wrote to standard error first, as one line of at most 300 bytes
};

// Runs `argv` without a shell. Its standard input holds `input` and is like a file (its size is known, and it can be opened
// again as /dev/stdin). It has no other descriptors than the standard ones, an environment of PATH alone, no signal
// blocked or ignored, and a process group of its own, which is killed when the command has ended or its time is up.
//
// However it ended is a result. InvalidArgument: no absolute path. Unavailable: it could not be started, or did not end in
// time. ResourceExhausted: it wrote more than it may.
// Threads  Safe. Blocks.
Result<CommandResult> RunCommand(const CommandOptions& options, ByteView input);

}  // namespace sealtrail::env
