// The only way out. Archive, index and detection pull from here, each with a cursor of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "crypto/sha256.h"

namespace sealtrail::ledger {

struct RecordView {
  Seq seq;
  std::string_view leaf;  // canonical JSON, docs/formats/record.md
};

// What became durable with the batch whose first record has that number (with that of the next record, where it had none).
struct CommitNote {
  Seq first;
  Bytes bytes;
};

// Consecutive records. The views borrow from `storage`.
struct RecordRange {
  std::shared_ptr<const Bytes> storage;
  std::vector<RecordView> records;
  std::vector<CommitNote> notes;  // of the frames that were read
};

struct Heights {
  TreeSize durable{0};       // records 0 .. durable-1 survive a loss of power
  TreeSize checkpointed{0};  // covered by the newest signed tree head
  TreeSize sealed{0};        // in segments that a seal record names
};

// A segment file as the table `segments` shows it.
struct SegmentInfo {
  std::string name;  // "00000000000000000000.seg", of the growing one ".log"
  Seq first;
  uint64_t count;
  uint64_t bytes;
  bool sealed;
};

struct CheckpointInfo {
  TreeSize size{0};
  crypto::Hash root{};
  std::string note;  // the signed note, whole; empty before the first one
};

// Threads  Safe.
class LedgerReader {
 public:
  virtual ~LedgerReader() = default;

  virtual Heights heights() const = 0;

  // Records from `from` on: at least one, at most `records_max`, stopping early at a frame that
  // would take the total over `bytes_max`. NotFound if `from` is not durable yet; DataLoss if
  // stored bytes contradict themselves. Who reads on from where one call ended sees each note once or more often, later
  // than the records of its batch.
  virtual Result<RecordRange> Read(Seq from, size_t records_max, size_t bytes_max) const = 0;

  // The side content with this SHA-256 that the leaf of record `seq` refers to.
  virtual Result<Bytes> ReadBeside(Seq seq, const crypto::Hash& hash) const = 0;

  // Hashes `first` to `first + count - 1` of a tile level (docs/formats/tiles.md): each the root of the perfect subtree
  // of 256^level records; at level 0 the leaf hashes. NotFound if they are not all durable.
  virtual Result<std::vector<crypto::Hash>> TileHashes(int level, uint64_t first,
                                                       size_t count) const = 0;

  virtual CheckpointInfo checkpoint() const = 0;

  // The tree as durable at this moment: its size and root, unsigned (`note` is empty). For query
  // statements.
  virtual CheckpointInfo TreeHead() const = 0;

  virtual std::vector<SegmentInfo> segments() const = 0;

  // Calls `wake` soon after the durable or the sealed height grew, from the writer's thread: it must only post or
  // notify. Lasts until the reader ends.
  virtual void OnGrowth(std::function<void()> wake) = 0;
};

}  // namespace sealtrail::ledger
