// Finds out where a trail's ledger goes on: the manifests of what is sealed, then the log from its first record on.
// docs/formats/segment.md §7.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "env/env.h"
#include "ledger/segment_files.h"
#include "ledger/segment_table.h"
#include "ledger/sequencer.h"
#include "ledger/trail.h"
#include "ledger/tree_store.h"

namespace sealtrail::ledger {

// The end of the log that was cut because nothing shows that it was durable: a write that a crash interrupted leaves it, and
// so does somebody who cuts the log behind the newest checkpoint (docs/trust.md).
struct CutTail {
  std::string segment;  // file name
  uint64_t offset;      // where the cut is; 0: the whole file was set aside
  uint64_t bytes;
  crypto::Hash sha256;
  std::string aside;  // file name in aside/
};

// A tree that somebody was shown, or may have been: the records must give it again.
struct Claim {
  std::string name;  // "the checkpoint"
  TreeSize size{0};
  crypto::Hash root{};
};

struct RecoveredLog {
  Seq first{};
  uint64_t records = 0;
  uint64_t proven = 0;        // bytes of the file which a later frame says were synced
  uint64_t bundle_bytes = 0;  // leaves in it, with their length bytes
  UnixNanos created{};
};

// The last record that names a new key, and the tree that ends with it.
struct RecoveredRotation {
  std::string vkey;
  TreeSize size{0};
  crypto::Hash root{};
};

struct Recovered {
  Sequencer sequencer;  // past the last record
  SealedPart sealed;
  std::optional<RecoveredLog> log;    // the file to go on with; none: make a new one
  bool seal_record_missing = false;   // the last sealed segment is not named yet: that comes first
  std::vector<std::string> obsolete;  // names in segments/ that may go now
  std::optional<std::string>
      old_log;  // of the last sealed segment: may go when its seal record is there
  std::optional<CutTail> cut;
  std::optional<RecoveredRotation> rotation;  // in the log
};

// What to do with a bad end of which nothing shows that it was durable.
enum class BadEnd {
  kCut,    // copy it to aside/ durably, then cut it
  kLeave,  // read up to it, change nothing
};

// `unfinished_start`: the folder has no trail note, so only the store's own records may be there; FailedPrecondition if
// there are others.
// Fills `table` and `tree`. DataLoss, with file and offset: acknowledged bytes are damaged or missing; nothing
// was changed then. FailedPrecondition: the records do not give a tree that is claimed ("rollback or fork").
Result<Recovered> Recover(const env::Env& env, const TrailPaths& paths, const TrailKeys& keys,
                          const std::vector<Claim>& claims, BadEnd bad_end, bool unfinished_start,
                          SegmentTable& table, TreeStore& tree);

}  // namespace sealtrail::ledger
