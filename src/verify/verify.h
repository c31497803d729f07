// Re-derives a whole trail from its bytes: docs/formats/{segment,record,checkpoint}.md, and no line of code shared
// with what wrote them. docs/verify.md is the manual of what it says and of what it cannot say.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "verify/report.h"
#include "verify/source.h"

namespace sealtrail::verify {

struct Options {
  // The trail's verifier key from outside the folder. Without it the folder's own keys/log.vkey is used, and
  // authorship is not established.
  std::optional<std::string> vkey;

  // The origin that is expected, where the caller knows it. Empty: the key's.
  std::string origin;

  // A process is writing to the trail now. Then a bad end beyond the checkpoint, with no frame after it that proves it
  // durable, is a write under way and no damage. When in doubt: false.
  bool running = false;

  // Called now and then: records read, and bytes of the present file.
  std::function<void(uint64_t records, uint64_t bytes)> progress;
};

// Reads everything once. What it finds is in the report; what keeps it from reading is too (`obstacles`).
// Never writes.
Report Verify(const Source& source, const Options& options);

}  // namespace sealtrail::verify
