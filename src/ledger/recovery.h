// Reads a trail's segments from the first record on and finds where it goes on:
// docs/formats/segment.md §5.
#pragma once

#include <optional>
#include <string>

#include "env/env.h"
#include "ledger/segment_table.h"
#include "ledger/sequencer.h"
#include "ledger/trail.h"
#include "tlog/note.h"

namespace sealtrail::ledger {

// The end of the last file that was cut because it was never acknowledged.
struct CutTail {
  std::string segment;  // file name
  uint64_t offset;      // where the cut is; 0: the whole file was set aside
  uint64_t bytes;
  crypto::Hash sha256;
  std::string aside;  // file name in aside/
};

struct Recovered {
  Sequencer sequencer;              // past the last record
  std::optional<Seq> last_segment;  // the file to go on with; none: make a new one
  uint64_t proven = 0;              // bytes of that file which a later frame says were synced
  uint64_t bundle_bytes = 0;        // leaves in that file, with their length bytes
  std::optional<CutTail> cut;
};

// What to do with a bad end that was never acknowledged.
enum class BadEnd {
  kCut,    // copy it to aside/ durably, then cut it
  kLeave,  // read up to it, change nothing
};

// `unfinished_start`: the folder has no trail note, so only the store's own records may be there; FailedPrecondition if
// there are others.
// Fills `table`. DataLoss, with file and offset: acknowledged bytes are damaged or missing; nothing
// was changed then. `checkpoint` is the newest signed tree head; an empty note for none.
Result<Recovered> Recover(const env::Env& env, const TrailPaths& paths, const std::string& origin,
                          const CheckpointInfo& checkpoint, BadEnd bad_end, bool unfinished_start,
                          SegmentTable& table);

}  // namespace sealtrail::ledger
