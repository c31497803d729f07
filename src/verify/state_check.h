// Holds the signing record (docs/formats/checkpoint.md) to the log.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "verify/findings.h"
#include "verify/tree.h"

namespace sealtrail::verify {

struct StateContext {
  std::string origin;
  uint64_t newest_epoch = 0;
  uint64_t records = 0;                     // that are there
  std::optional<uint64_t> checkpoint_size;  // of the checkpoint that holds
  bool running = false;
  const std::map<uint64_t, Hash>& roots;  // by tree size
  bool log_is_damaged = false;
};

// `text`: the file signing/state. What it finds is about that file.
void CheckSigningState(const std::string& text, const StateContext& context, Findings& findings);

}  // namespace sealtrail::verify
