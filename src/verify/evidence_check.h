// Notes that were kept where checkpoints contradicted each other: anchors/evidence/ (docs/formats/anchors.md). One that a
// key of the trail signed is held to the log: another root, or a larger tree, proves a fork or a rollback. One of
// anybody else proves nothing here. A log that a recovery ended may have gone on elsewhere, with larger trees: that is
// what its successor's record says, and no finding.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "verify/anchor_files.h"
#include "verify/findings.h"
#include "verify/note.h"
#include "verify/source.h"
#include "verify/tree.h"

namespace sealtrail::verify {

struct Evidence {
  std::string path;
  std::string text;
  std::optional<uint64_t> size;  // of the tree that it is about; nothing where it is no checkpoint
};

// One that is not what its name hashes is damage. An error only if one cannot be read.
Result<std::vector<Evidence>> ReadEvidence(const Source& source, const AnchorFiles& files,
                                           Findings& findings);

// A key of the trail, and the size of the tree at which a recovery ended its log, if one did.
struct LogKey {
  VerifierKey key;
  std::optional<uint64_t> ended_at;
};

// Holds them to the log, and returns whether one of them contradicts it. `roots`: by tree size, where they are known;
// `is_damaged`: something else explains a log that is too short.
bool CheckEvidence(const std::vector<Evidence>& evidence, std::span<const LogKey> keys,
                   uint64_t records, bool is_damaged, const std::map<uint64_t, Hash>& roots,
                   Findings& findings);

}  // namespace sealtrail::verify
