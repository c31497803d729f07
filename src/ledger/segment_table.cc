#include "ledger/segment_table.h"

#include <algorithm>

#include "base/limits.h"
#include "format/segment_format.h"
#include "ledger/frame_reader.h"

namespace sealtrail::ledger {
namespace {

constexpr size_t kOpenSegmentsMax = 64;  // each a descriptor, and 40 bytes for every 256 records

}  // namespace

void SegmentTable::AddSealed(const format::Manifest& manifest) {
  MutexLock lock(mutex_);
  segments_.push_back({.first = manifest.first,
                       .count = manifest.records,
                       .bytes = manifest.file_bytes,
                       .sealed = true,
                       .index_offset = manifest.index_offset,
                       .places = {}});
}

void SegmentTable::AddLog(Seq first) {
  MutexLock lock(mutex_);
  segments_.push_back({.first = first, .bytes = format::kSegmentHeaderBytes, .places = {}});
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

void SegmentTable::Seal(const format::Manifest& manifest) {
  MutexLock lock(mutex_);
  const auto segment = std::ranges::lower_bound(segments_, manifest.first, {}, &Segment::first);
  SEAL_CHECK(segment != segments_.end() && segment->first == manifest.first &&
             segment->count == manifest.records);
  segment->sealed = true;
  segment->bytes = manifest.file_bytes;
  segment->index_offset = manifest.index_offset;
  segment->places = {};
}

Result<SegmentTable::Segment> SegmentTable::SegmentOf(Seq seq, uint64_t* log_offset) const {
  MutexLock lock(mutex_);
  auto segment = std::ranges::upper_bound(segments_, seq, {}, &Segment::first);
  if (segment == segments_.begin()) return NotFound("record {}", Value(seq));
  --segment;
  if (Value(seq) >= Value(segment->first) + segment->count)
    return NotFound("record {}", Value(seq));
  if (!segment->sealed) {
    *log_offset =
        (std::ranges::upper_bound(segment->places, seq, {}, &std::pair<Seq, uint64_t>::first) - 1)
            ->second;
  }
  return Segment{.first = segment->first,
                 .count = segment->count,
                 .bytes = segment->bytes,
                 .sealed = segment->sealed,
                 .index_offset = segment->index_offset,
                 .places = {}};
}

// What is read is kept for the next reader; of two who read it at once, one copy is.
Result<SegmentTable::Open> SegmentTable::OpenSegment(const Segment& segment) const {
  const auto is_it = [&](const Cached& each) {
    return each.first == segment.first && each.sealed == segment.sealed;
  };
  {
    MutexLock lock(mutex_);
    const auto found = std::ranges::find_if(cache_, is_it);
    if (found != cache_.end()) {
      std::rotate(found, found + 1, cache_.end());
      return cache_.back().open;
    }
  }
  SEAL_ASSIGN_OR_RETURN(const Open open, LoadSegment(segment));
  MutexLock lock(mutex_);
  if (std::ranges::none_of(cache_, is_it)) {
    if (cache_.size() == kOpenSegmentsMax) cache_.erase(cache_.begin());
    cache_.push_back({.first = segment.first, .sealed = segment.sealed, .open = open});
  }
  return open;
}

Result<SegmentTable::Open> SegmentTable::LoadSegment(const Segment& segment) const {
  Open open{
      .path = env::JoinPath(
          dir_, format::SegmentFileName(segment.first, segment.sealed ? format::FileKind::kSealed
                                                                      : format::FileKind::kLog))};
  SEAL_ASSIGN_OR_RETURN(open.file, files_.OpenRead(open.path));
  if (!segment.sealed) return open;
  auto frame = ReadFrame(*open.file, segment.index_offset, segment.bytes);
  if (!frame.ok())
    return frame.status().Annotate(fmt::format("{} at {}", open.path, segment.index_offset));
  auto index = format::DecodeIndex(frame->payload);
  if (!index.ok() || frame->header.type != format::FrameType::kIndex) {
    return DataLoss("{} at {}: not the index that the manifest names", open.path,
                    segment.index_offset);
  }
  open.index = std::make_shared<format::SegmentIndex>(*std::move(index));
  return open;
}

Result<SegmentTable::Location> SegmentTable::Find(Seq seq) const {
  uint64_t offset = 0;
  SEAL_ASSIGN_OR_RETURN(const Segment segment, SegmentOf(seq, &offset));
  SEAL_ASSIGN_OR_RETURN(const Open open, OpenSegment(segment));
  if (segment.sealed) {
    const uint64_t block = Value(seq) / kFrameRecordsMax - Value(segment.first) / kFrameRecordsMax;
    if (block >= open.index->offsets.size())
      return DataLoss("{}: its index lacks record {}", open.path, Value(seq));
    offset = open.index->offsets[block];
  }
  return Location{.file = open.file,
                  .path = open.path,
                  .offset = offset,
                  .end = segment.sealed ? segment.index_offset : segment.bytes};
}

Result<std::vector<crypto::Hash>> SegmentTable::IndexNodes(uint64_t first, uint64_t count) const {
  std::vector<crypto::Hash> nodes;
  while (nodes.size() < count) {
    const uint64_t at = first + nodes.size();
    uint64_t offset = 0;
    SEAL_ASSIGN_OR_RETURN(const Segment segment,
                          SegmentOf(Seq{(at + 1) * kFrameRecordsMax - 1}, &offset));
    if (!segment.sealed) return NotFound("records of block {} are not sealed", at);
    SEAL_ASSIGN_OR_RETURN(const Open open, OpenSegment(segment));
    const uint64_t skip = at - Value(segment.first) / kFrameRecordsMax;
    if (skip >= open.index->nodes.size())
      return DataLoss("{}: its index lacks the hash of block {}", open.path, at);
    const size_t take = std::min(count - nodes.size(), open.index->nodes.size() - skip);
    nodes.insert(nodes.end(), open.index->nodes.begin() + static_cast<ptrdiff_t>(skip),
                 open.index->nodes.begin() + static_cast<ptrdiff_t>(skip + take));
  }
  return nodes;
}

std::vector<SegmentInfo> SegmentTable::List() const {
  MutexLock lock(mutex_);
  std::vector<SegmentInfo> list;
  for (const Segment& segment : segments_) {
    list.push_back(
        {.name = format::SegmentFileName(
             segment.first, segment.sealed ? format::FileKind::kSealed : format::FileKind::kLog),
         .first = segment.first,
         .count = segment.count,
         .bytes = segment.bytes,
         .sealed = segment.sealed});
  }
  return list;
}

}  // namespace sealtrail::ledger
