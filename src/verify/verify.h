// Re-derives a whole trail from its bytes: docs/formats/, and no line of code shared with what wrote them.
// docs/verify.md is the manual of what it says and of what it cannot say.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "env/executor.h"
#include "verify/report.h"
#include "verify/source.h"

namespace sealtrail::verify {

struct Options {
  // A verifier key of the trail from outside the folder, of any epoch. Without it the folder's own keys/log.vkey is
  // used, and authorship is not established.
  std::optional<std::string> vkey;

  // A C2SP tlog-policy: which keys the log may have, which witnesses count, and how many of them must have cosigned.
  // With it independence is answered, and authorship also where vkey is not given.
  std::optional<std::string> policy;

  // Certificates in PEM that the chain of a time stamp may end in. Without them a time stamp is held to its note, and
  // time is not established.
  std::optional<std::string> tsa_ca;

  // The origin that is expected, where the caller knows it. Empty: the key's.
  std::string origin;

  // A process is writing to the trail now. Then a bad end beyond the checkpoint, with no frame after it that proves it
  // durable, is a write under way and no damage. When in doubt: false.
  bool running = false;

  // Called now and then from the caller's thread: records read, and bytes of the files that were read.
  std::function<void(uint64_t records, uint64_t bytes)> progress;

  // How many segments are read at once, each by a worker of `executor`, which is borrowed for the call: the number of
  // cores is a good one. Without an executor, or with 0 or 1, the caller's thread reads them one after the other. The
  // report is the same. Each worker holds some MiB, and the largest side content of its segment.
  env::Executor* executor = nullptr;
  int threads = 1;
};

// Reads everything once. What it finds is in the report; what keeps it from reading is too (`obstacles`).
// Never writes.
Report Verify(const Source& source, const Options& options);

}  // namespace sealtrail::verify
