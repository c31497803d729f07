// The only way in. Whoever has audit records (the pipeline, and the server for its own acts) hands
// them to a RecordSink, which answers once they are durable.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "crypto/sha256.h"
#include "record/identity.h"

namespace sealtrail::record {

enum class RecordClass : uint8_t {
  kIngest,  // other people's records: refused below the free-space floor
  kOwn,     // what the store itself does: may pass the floor
};

// One record of a batch; its bytes lie in the batch.
struct RecordEntry {
  uint32_t leaf_offset;  // in RecordBatch::bundle, of the leaf itself (its two length bytes lie
                         // before it)
  uint16_t leaf_size;
  crypto::Hash leaf_hash;  // SHA-256(0x00 ‖ leaf), RFC 6962
  Identity identity;
  // Indexes into RecordBatch::beside that this leaf refers to: [beside_begin, beside_end) of
  // beside_refs.
  uint32_t beside_begin = 0;
  uint32_t beside_end = 0;
  UnixNanos event_time{};  // docs/formats/segment.md §3
};

// Content too large for a leaf (docs/formats/record.md §6).
struct BesideContent {
  crypto::Hash hash;  // SHA-256 of bytes
  Bytes bytes;
};

// Leaves in their final bytes, laid out as they are written: the bundle is the body of one or more
// frames (docs/formats/segment.md §3), 2 bytes of length before each leaf, nothing between.
struct RecordBatch {
  RecordClass record_class = RecordClass::kIngest;
  UnixNanos received_at{};  // as in the receipt of every leaf
  crypto::Hash
      request_hash{};  // SHA-256 of the uncompressed request, where a record has its identity from the delivery
  Bytes bundle;
  std::vector<RecordEntry> records;  // in bundle order; may be empty where there are notes
  std::vector<BesideContent> beside;
  std::vector<uint32_t> beside_refs;
  std::vector<Bytes> notes;  // opaque; durable with the batch, outside the tree

  // What it counts against queue limits.
  size_t bytes() const {
    size_t total = bundle.size();
    for (const BesideContent& content : beside) total += content.bytes.size();
    for (const Bytes& note : notes) total += note.size();
    return total;
  }
};

struct RecordOutcome {
  enum class Kind : uint8_t { kStored, kDuplicate, kConflict };
  Kind kind;
  Seq seq;  // of the stored record; of the earlier one, for a duplicate
};

// For each record of the batch, in its order.
using CommitOutcome = std::vector<RecordOutcome>;
using CommitDone = std::function<void(Result<CommitOutcome>)>;

// Threads     Safe.
// Durability  `done` is called with a value only after every record would survive a loss of power.
// Errors      The whole batch or nothing. Unavailable: try again later (queue full, below the
// floor, failed
//             disk, shutting down); nothing was acknowledged, though after a failed write the
//             records may turn out to be there. InvalidArgument: a limit of record_sink.h or
//             limits.h is broken; never for content.
class RecordSink {
 public:
  virtual ~RecordSink() = default;

  // Calls `done` exactly once, from any thread, maybe before it returns; `done` must be quick and
  // must not block.
  virtual void Submit(RecordBatch batch, CommitDone done) = 0;
};

}  // namespace sealtrail::record
