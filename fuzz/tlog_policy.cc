// Any bytes as a trust policy. Where it is one, all witnesses together are enough, and a checkpoint that nobody signed
// is never believed.
#include "base/check.h"
#include "base/utf8.h"
#include "tlog/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealtrail;
  const auto policy = tlog::Policy::Parse(AsText({data, size}));
  if (!policy.ok()) {
    SEAL_CHECK(IsUtf8(policy.status().message()));
    return 0;
  }
  std::vector<std::string> names;
  for (const auto& witness : policy->witnesses()) names.push_back(witness.name);
  SEAL_CHECK(policy->QuorumMet(names));
  SEAL_CHECK(
      !policy->Judge("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— a AAAAAAA=\n").ok());
  return 0;
}
