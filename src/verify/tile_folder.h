// Re-derives a log that lies in a folder as C2SP tlog-tiles has it: `checkpoint`, `tile/<L>/<N>[.p/<W>]`,
// `tile/entries/<N>[.p/<W>]`. What `/tlog/` serves and `export --tlog` writes, and any other log's mirror.
#pragma once

#include <optional>
#include <string>

#include "verify/report.h"
#include "verify/source.h"

namespace sealtrail::verify {

struct TileOptions {
  std::optional<std::string> vkey;  // the log's key
  std::optional<std::string>
      policy;  // a C2SP tlog-policy: the log's keys where none is given, and who must have cosigned
};

// Reads the checkpoint, every entry, and every tile below the checkpoint's size. Where a tile and
// its entries disagree, the hash above them decides which is named. Entries may be anything; what they say is not
// looked at. Files that the checkpoint does not ask for are not looked at either. Never writes.
//
// Without a key, or a policy that names one, it cannot be told. Neither where the checkpoint is signed by another key: the tree is
// then held to its root, and the report names that key.
Report VerifyTiles(const Source& source, const TileOptions& options);

}  // namespace sealtrail::verify
