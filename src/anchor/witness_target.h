#pragma once

#include <string>
#include <vector>

#include "anchor/options.h"
#include "tlog/policy.h"

namespace sealtrail::anchor {

// A witness that can be asked. Neither URL ends in a slash.
struct WitnessTarget {
  std::string name;            // in the policy
  std::string vkey;            // of type 0x04
  std::string url;             // submission prefix
  std::string monitoring_url;  // where it shows what it has cosigned
};

// The witnesses of `policy` that have a URL and a key we can verify, in its order. The others are for
// those who only verify.
std::vector<WitnessTarget> TargetsOf(const tlog::Policy& policy, const Options& options);

}  // namespace sealtrail::anchor
