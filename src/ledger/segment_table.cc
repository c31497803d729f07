#include "ledger/segment_table.h"

#include <algorithm>

#include "base/limits.h"
#include "format/segment_format.h"

namespace sealtrail::ledger {

void SegmentTable::AddSegment(Seq first) {
  MutexLock lock(mutex_);
  segments_.push_back({.first = first, .bytes = format::kSegmentHeaderBytes});
}

void SegmentTable::AddFrames(const std::vector<FramePlace>& frames, uint64_t bytes) {
  MutexLock lock(mutex_);
  Segment& segment = segments_.back();
  segment.bytes = bytes;
  for (const FramePlace& frame : frames) {
    segment.count += frame.count;
    auto& places = segment.places;
    if (places.empty() || Value(frame.first) >= Value(places.back().first) + kFrameRecordsMax) {
      places.emplace_back(frame.first, frame.offset);
    }
  }
}

Result<SegmentTable::Location> SegmentTable::Find(Seq seq) const {
  MutexLock lock(mutex_);
  auto segment = std::ranges::upper_bound(segments_, seq, {}, &Segment::first);
  if (segment == segments_.begin()) return NotFound("record {}", Value(seq));
  --segment;
  if (Value(seq) >= Value(segment->first) + segment->count)
    return NotFound("record {}", Value(seq));
  const auto place =
      std::ranges::upper_bound(segment->places, seq, {}, &std::pair<Seq, uint64_t>::first) - 1;
  std::string path = env::JoinPath(dir_, format::SegmentFileName(segment->first));
  if (segment->file == nullptr) {
    SEAL_ASSIGN_OR_RETURN(segment->file, files_.OpenRead(path));
  }
  return Location{.file = segment->file,
                  .path = std::move(path),
                  .offset = place->second,
                  .end = segment->bytes};
}

std::vector<SegmentInfo> SegmentTable::List() const {
  MutexLock lock(mutex_);
  std::vector<SegmentInfo> list;
  for (const Segment& segment : segments_) {
    list.push_back({.name = format::SegmentFileName(segment.first),
                    .first = segment.first,
                    .count = segment.count,
                    .bytes = segment.bytes,
                    .active = &segment == &segments_.back()});
  }
  return list;
}

}  // namespace sealtrail::ledger
