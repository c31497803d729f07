// What a witness's answer to add-checkpoint asks us to do next: the table of C2SP tlog-witness, with
// what deployed witnesses are known to do besides (tlog/witness_protocol.h reads the answer). A
// decision and nothing else: nothing is sent or stored here. docs/formats/anchors.md prints the table.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "net/http_fetch.h"

namespace sealtrail::anchor {

enum class NextStep {
  kVerify,    // the body holds signature lines, to be verified before use
  kRebuild,   // ask again at once, with a proof from `witness_size`
  kAhead,     // the witness holds a larger tree, of `witness_size`
  kAlarm,     // the witness holds another tree: never ask again until an operator has acted
  kOperator,  // asking again the same way helps only once somebody has changed something
  kWait,      // push-back: not before `wait_ns` have passed
  kRetry,     // no answer, or a passing failure: again, later each time
};

struct Decision {
  NextStep step = NextStep::kRetry;
  TreeSize witness_size{0};
  int64_t wait_ns = 0;
  std::string why;  // for people; empty for kVerify
};

constexpr int64_t kPushBackDefaultNs = 60 * kNanosPerSecond;
constexpr int64_t kPushBackMaxNs = 3'600 * kNanosPerSecond;

// `answer` is what Transport::Fetch() gave for a checkpoint of `size`, with a proof from `old_size`.
Decision Judge(const Result<net::FetchResponse>& answer, TreeSize old_size, TreeSize size);

// What a Retry-After header (RFC 9110 §10.2.3) asks for, where it is a number of seconds: at least
// one, at most kPushBackMaxNs. Anything else, a date too, gives kPushBackDefaultNs.
int64_t RetryAfterNs(std::string_view header);

}  // namespace sealtrail::anchor
