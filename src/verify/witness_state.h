// What is remembered of a witness, and what was kept where checkpoints contradicted each other: anchors/witness-….state
// and anchors/evidence/ (docs/formats/anchors.md). Neither proves anything, and both are held to their own SHA-256; but
// a state that speaks of a tree that is not this one tells of a rollback or a fork.
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

// Reads the states and the evidence. One that is not what its last line, or its name, hashes is damage. An error only
// if one cannot be read.
Result<std::vector<WitnessState>> ReadWitnessStates(const Source& source, const AnchorFiles& files,
                                                    Findings& findings);

// Holds them to the log. `roots`: by tree size, where they are known; `is_damaged`: something else explains what does
// not fit.
void CheckWitnessStates(const std::vector<WitnessState>& states, uint64_t records, bool is_damaged,
                        const std::map<uint64_t, Hash>& roots, Findings& findings);

}  // namespace sealtrail::verify
