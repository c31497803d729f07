// Re-derives a log that lies in a folder as C2SP tlog-tiles has it: `checkpoint`, `tile/<L>/<N>[.p/<W>]`,
// `tile/entries/<N>[.p/<W>]`. What `/tlog/` serves and `export --tlog` writes, and any other log's mirror.
#pragma once

#include <string_view>

#include "verify/report.h"
#include "verify/source.h"

namespace sealtrail::verify {

// Reads the checkpoint, every entry, and every tile below the checkpoint's size; `vkey`: the log's key. Where a tile and
// its entries disagree, the hash above them decides which is named. Entries may be anything; what they say is not
// looked at. Files that the checkpoint does not ask for are not looked at either. Never writes.
Report VerifyTiles(const Source& source, std::string_view vkey);

}  // namespace sealtrail::verify
