// What is remembered of a witness: anchors/witness-….state (docs/formats/anchors.md). It proves nothing, and is held to
// its own SHA-256; but one that speaks of a tree that is not this one tells of a rollback or a fork.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "verify/anchor_files.h"
#include "verify/findings.h"
#include "verify/source.h"
#include "verify/tree.h"

namespace sealtrail::verify {

struct WitnessState {
  std::string path;
  std::string text;
  std::string alarm;  // empty: none
  uint64_t size = 0;  // of the last checkpoint that it cosigned; 0: none
  Hash root{};
};

// One that is not what its last line hashes is damage. An error only if one cannot be read.
Result<std::vector<WitnessState>> ReadWitnessStates(const Source& source, const AnchorFiles& files,
                                                    Findings& findings);

// Holds them to the log. `roots`: by tree size, where they are known; `is_damaged`: something else explains what does
// not fit.
void CheckWitnessStates(const std::vector<WitnessState>& states, uint64_t records, bool is_damaged,
                        const std::map<uint64_t, Hash>& roots, Findings& findings);

}  // namespace sealtrail::verify
