// Which record lies where: the sealed segments and the log, in memory. Of the log, one entry for every 256 records or
// more; of a sealed segment nothing until somebody reads it, for its index frame says it all.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "env/files.h"
#include "format/manifest.h"
#include "ledger/growth.h"
#include "ledger/ledger_reader.h"

namespace sealtrail::ledger {

// Threads  Safe: one writer, many readers.
class SegmentTable {
 public:
  SegmentTable(env::FileSystem& files, std::string dir) : files_(files), dir_(std::move(dir)) {}

  // A sealed segment at the end.
  void AddSealed(const format::Manifest& manifest);

  // A log at the end.
  void AddLog(Seq first);

  // Frames that became durable in the log, whose durable length is now `bytes`.
  void AddFrames(const std::vector<FramePlace>& frames, uint64_t bytes);

  // The segment that begins with this record is sealed now: its log may go. Who reads it still may go on.
  void Seal(const format::Manifest& manifest);

  // Where reading for record `seq` starts: of a sealed segment the frame that holds it, of a log a frame at or before
  // it. NotFound if no file holds it; DataLoss if a sealed file's index is not one.
  struct Location {
    std::shared_ptr<const env::ReadableFile> file;
    std::string path;
    uint64_t offset;  // of a records or side frame
    uint64_t end;     // of its frames: the log's durable length, the sealed file's index frame
  };
  Result<Location> Find(Seq seq) const;

  // Roots of the perfect subtrees of 256 records with these numbers, from the index frames: sealed segments only.
  Result<std::vector<crypto::Hash>> IndexNodes(uint64_t first, uint64_t count) const;

  std::vector<SegmentInfo> List() const;

 private:
  struct Segment {
    Seq first;
    uint64_t count = 0;
    uint64_t bytes;
    bool sealed = false;
    uint64_t index_offset = 0;  // sealed
    std::vector<std::pair<Seq, uint64_t>>
        places;  // log: first record and offset of a frame, ascending
  };

  // A file that was read lately.
  struct Open {
    std::shared_ptr<const env::ReadableFile> file;
    std::string path;
    std::shared_ptr<const format::SegmentIndex> index;  // sealed
  };
  struct Cached {
    Seq first;
    bool sealed;
    Open open;
  };

  // The segment that holds `seq`, without its places.
  Result<Segment> SegmentOf(Seq seq, uint64_t* log_offset) const;
  Result<Open> OpenSegment(const Segment& segment) const;
  Result<Open> LoadSegment(const Segment& segment) const;

  env::FileSystem& files_;
  const std::string dir_;
  mutable Mutex mutex_;
  std::vector<Segment> segments_ SEAL_GUARDED_BY(mutex_);
  mutable std::vector<Cached> cache_ SEAL_GUARDED_BY(mutex_);  // the latest last
};

}  // namespace sealtrail::ledger
