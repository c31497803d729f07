// Which files lie in anchors/ (docs/formats/anchors.md), by kind. What must not lie there is reported.
//
// They may be very many, so only their names are kept; each is read when it is judged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "verify/findings.h"
#include "verify/source.h"

namespace sealtrail::verify {

// At one a minute, two months of witnesses; older ones are then not looked at. Each costs a root in memory.
constexpr size_t kAnchorsMax = 100'000;
constexpr uint64_t kAnchorBytesMax = 64 * kKiB;  // of a note, or a witness's state
constexpr uint64_t kTokenBytesMax = 256 * kKiB;

struct AnchorFiles {
  std::vector<uint64_t> cosigned;  // sizes of the .checkpoint files, ascending
  std::map<uint64_t, std::vector<uint64_t>>
      tokens;                         // by size, the authorities whose .tsr is there;
                                      // also where only a .stamped is
  std::vector<std::string> states;    // names of witness-<hex>.state
  std::vector<std::string> evidence;  // names in evidence/

  // Nothing where there is no such folder.
  static Result<AnchorFiles> List(const Source& source, Findings& findings);
};

// The bytes of a small file that was kept; nothing, and damage, where it is far too long. An error if it cannot be read.
Result<std::optional<std::string>> ReadKept(const Source& source, const std::string& path,
                                            Findings& findings);
// A place that is a whole file.
Damage WholeFile(std::string path, uint64_t bytes, std::string kind, std::string text);

std::string CosignedPath(uint64_t size);
std::string StampedPath(uint64_t size);
std::string TokenPath(uint64_t size, uint64_t authority);

}  // namespace sealtrail::verify
