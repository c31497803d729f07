// Which record lies where: the segment files and a sparse index of their frames, in memory.
// One entry for every 256 records or more: 16 bytes, rebuilt by recovery.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "env/files.h"
#include "ledger/ledger_reader.h"
#include "ledger/segment_writer.h"

namespace sealtrail::ledger {

// Threads  Safe: one writer, many readers.
class SegmentTable {
 public:
  SegmentTable(env::FileSystem& files, std::string dir) : files_(files), dir_(std::move(dir)) {}

  // A new last file.
  void AddSegment(Seq first);

  // Frames that became durable in the last file, whose durable length is now `bytes`.
  void AddFrames(const std::vector<FramePlace>& frames, uint64_t bytes);

  // Where reading for record `seq` starts: a frame at or before it. NotFound if no file holds it.
  struct Location {
    std::shared_ptr<const env::ReadableFile> file;
    std::string path;
    uint64_t offset;  // of a records or side frame
    uint64_t end;     // durable length of the file
  };
  Result<Location> Find(Seq seq) const;

  std::vector<SegmentInfo> List() const;

 private:
  struct Segment {
    Seq first;
    uint64_t count = 0;
    uint64_t bytes;
    std::vector<std::pair<Seq, uint64_t>> places;  // first record and offset of a frame, ascending
    mutable std::shared_ptr<const env::ReadableFile> file;  // opened when first read
  };

  env::FileSystem& files_;
  const std::string dir_;
  mutable Mutex mutex_;
  std::vector<Segment> segments_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail::ledger
