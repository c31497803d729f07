// Joins what was found in each file of a trail, in order: numbers, running hashes and subtrees must meet; each
// segment must be what its manifest says; each manifest must be what the record after its segment says.
//
// Nothing here depends on when and by whom a file was read, so a run over many cores says what a run on one says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "verify/findings.h"
#include "verify/key_epochs.h"
#include "verify/note_check.h"
#include "verify/tile_check.h"
#include "verify/trail_segments.h"

namespace sealtrail::verify {

class LogJoin {
 public:
  struct At {
    Hash root{};
    std::optional<Hash> chain;
  };

  // `keys`: with their rotations. All that is handed in must outlive this object.
  LogJoin(const TrailFacts& trail, std::string origin, const Hash& genesis, const KeyEpochs& keys,
          TileCheck& tiles, Findings& findings);

  // All segments of the trail, each with its facts. An error only if a tile cannot be read.
  Status Join(std::span<Segment> segments);

  uint64_t next() const { return next_; }  // one past the last record that is there, or must be
  bool whole() const { return whole_; }    // nothing was lost or repaired
  bool end_is_damaged() const { return end_is_damaged_; }
  // Root and running hash at each of trail.marks and at the end, where the records below are there, or a manifest
  // whose signature holds stands in for them.
  const std::map<uint64_t, At>& at_marks() const { return at_marks_; }
  std::optional<At> at_end() const;
  // Records that are not there or not what they were; not sorted.
  const std::vector<Interval>& altered() const { return altered_; }
  std::optional<uint64_t> sure_next() const { return sure_next_; }
  uint64_t records_read() const { return records_read_; }
  uint64_t bytes_read() const { return bytes_read_; }
  // The newest file, for damage that has no place.
  const std::string& last_path() const { return last_path_; }
  uint64_t last_bytes() const { return last_bytes_; }

 private:
  enum class Fit { kUnknown, kFits, kOtherFile };

  Status JoinOne(std::span<Segment> segments, size_t i);
  bool ReachFirst(const Segment& segment);
  void JudgeManifest(std::span<Segment> segments, size_t i);
  Fit CompareManifest(const Segment& segment, bool facts_clean);
  ExpectedLines ManifestLines(const Segment& segment, bool facts_clean) const;
  void CheckSeal(std::span<Segment> segments, size_t i);
  void CheckSealRecord(const Segment& segment, const Segment& next);
  void CheckLeftLog(std::span<Segment> segments, size_t i);
  void CheckChain(const Segment& segment, bool explained);
  void Remember(const SegmentFacts& facts);
  Status Grow(const Segment& segment, const std::vector<TreeNode>* nodes);
  void RememberEnd();
  void Altered(uint64_t first, uint64_t end);

  const TrailFacts& trail_;
  const std::string origin_;
  const KeyEpochs& keys_;
  TileCheck& tiles_;
  Findings& findings_;

  uint64_t next_ = 0;
  std::optional<Hash> chain_;
  RangeTree tree_;
  bool tree_known_ = true;
  bool whole_ = true;
  bool end_is_damaged_ = false;
  bool seal_is_missing_ = false;
  std::optional<uint64_t> sure_next_;
  std::map<uint64_t, At> at_marks_;
  std::vector<Interval> altered_;
  uint64_t records_read_ = 0;
  uint64_t bytes_read_ = 0;
  std::string last_path_;
  uint64_t last_bytes_ = 0;

  // The segment before.
  bool before_is_clean_ = true;            // nothing was found in it
  std::optional<FramePlace> unconfirmed_;  // its last frame
  std::string unconfirmed_path_;
  std::optional<Hash> manifest_before_;  // SHA-256 of its manifest, where that is sound
  uint64_t epoch_before_ = 0;
};

}  // namespace sealtrail::verify
