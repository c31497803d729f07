#include "anchor/witness_target.h"

namespace sealtrail::anchor {
namespace {

std::string WithoutSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

std::vector<WitnessTarget> TargetsOf(const tlog::Policy& policy, const Options& options) {
  std::vector<WitnessTarget> targets;
  for (const tlog::Policy::Witness& witness : policy.witnesses()) {
    if (witness.url.empty() || !witness.verifier) continue;
    const auto other = options.monitoring_urls.find(witness.name);
    targets.push_back({.name = witness.name,
                       .vkey = witness.verifier->vkey(),
                       .url = WithoutSlash(witness.url),
                       .monitoring_url = WithoutSlash(
                           other == options.monitoring_urls.end() ? witness.url : other->second)});
  }
  return targets;
}

}  // namespace sealtrail::anchor
