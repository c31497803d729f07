#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "env/env.h"

namespace sealtrail::anchor {

// A checkpoint's note, and its size.
using SizedNote = std::pair<TreeSize, std::string>;

// Keeps notes that contradict each other in `folder`, each as "<prefix><20-digit size>-<8 hex>.note",
// the hex of its SHA-256; at most `files_max` with that prefix. What cannot be kept is logged and no
// error: the caller has worse to say, and must not be kept from it by a full disk.
void KeepEvidence(env::FileSystem& files, UnixNanos now, const std::string& folder,
                  std::string_view prefix, size_t files_max, const std::vector<SizedNote>& notes);

}  // namespace sealtrail::anchor
