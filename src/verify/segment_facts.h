// What is known of a segment file before it is read, and what is known of it afterwards. Files are read each on its
// own, in any order and side by side; whoever joins them compares the ends (log_join.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/findings.h"
#include "verify/report.h"
#include "verify/segment_layout.h"
#include "verify/tree.h"

namespace sealtrail::verify {

// The same for every file; read-only while they are read.
struct TrailFacts {
  Hash origin_hash{};
  uint64_t checkpoint_size = 0;  // of the checkpoint that is there; 0 if there is none
  bool running = false;
  std::vector<uint64_t> marks;     // tree sizes whose root is asked for, ascending
  std::vector<std::string> aside;  // names of the files in aside/
};

struct SegmentTask {
  std::string path;  // "segments/….seg" or "….log"
  Form form = Form::kLog;
  uint64_t first = 0;  // what the name says
  // A bad end may be a write that never became durable: the newest log.
  bool is_last = false;
  // The number of the file that follows.
  std::optional<uint64_t> next_first;
  // The running hash before the first record, as other files state it.
  std::optional<Hash> chain;
};

// Running hash and tree of the records of one file that were read so far.
//
// Where records are lost, the file's part of the tree cannot be known any more, and the running hash is taken from
// the next header that states it: so a later change is still found.
class LogHeads {
 public:
  struct At {
    uint64_t size = 0;
    std::vector<TreeNode> nodes;  // from the file's first record on
    Hash chain{};
  };

  LogHeads(uint64_t first, const std::optional<Hash>& chain, const std::vector<uint64_t>& marks)
      : marks_(marks), next_(first), chain_(chain), tree_(first) {
    next_mark_ =
        static_cast<size_t>(std::upper_bound(marks_.begin(), marks_.end(), first) - marks_.begin());
  }

  uint64_t next() const { return next_; }  // the number that the next record must carry
  const std::optional<Hash>& chain() const { return chain_; }
  bool tree_known() const { return tree_known_; }  // no record was lost
  bool whole() const { return whole_; }            // nothing was lost or repaired

  void Add(std::span<const Hash> leaf_hashes) {
    const uint64_t end = next_ + leaf_hashes.size();
    const bool mark_inside = next_mark_ < marks_.size() && marks_[next_mark_] < end;
    if (leaf_hashes.size() == kBlockRecords && next_ % kBlockRecords == 0 && chain_ &&
        tree_known_ && !mark_inside) {
      tree_.AppendBlock(leaf_hashes.first<kBlockRecords>(), *chain_);
      next_ = end;
      Remember();
      return;
    }
    for (const Hash& hash : leaf_hashes) AddOne(hash);
  }

  // Records up to `next` exclusively cannot be read.
  void LoseUpTo(uint64_t next) {
    next_ = next;
    chain_.reset();
    tree_known_ = whole_ = false;
    while (next_mark_ < marks_.size() && marks_[next_mark_] <= next_) ++next_mark_;
  }
  void TakeChain(const Hash& chain) { chain_ = chain; }

  // What was added last is what the records were, not what is stored.
  void WasRepaired() { whole_ = false; }

  const RangeTree& tree() const { return tree_; }
  std::vector<At> TakeMarks() { return std::move(at_marks_); }

 private:
  void AddOne(const Hash& hash) {
    if (chain_) chain_ = ChainHash(*chain_, hash);
    if (tree_known_) tree_.Append(hash);
    ++next_;
    Remember();
  }
  void Remember() {
    if (next_mark_ >= marks_.size() || marks_[next_mark_] != next_) return;
    ++next_mark_;
    if (tree_known_ && chain_) {
      at_marks_.push_back({.size = next_, .nodes = tree_.nodes(), .chain = *chain_});
    }
  }

  const std::vector<uint64_t>& marks_;
  size_t next_mark_ = 0;  // the first of marks_ beyond next_
  uint64_t next_;
  std::optional<Hash> chain_;
  RangeTree tree_;
  bool tree_known_ = true;
  bool whole_ = true;
  std::vector<At> at_marks_;
};

// A frame of records that no later header has confirmed yet.
struct FramePlace {
  uint64_t first = 0;
  uint32_t count = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
};

// An own record that somebody asks for.
struct OwnLeaf {
  Seq seq{};
  std::string leaf;
};

// Records from first to end − 1.
struct Interval {
  uint64_t first = 0;
  uint64_t end = 0;
};

struct SegmentFacts {
  Findings findings;

  // It could not be read, which the obstacles say; then nothing of this is known.
  bool unread = false;
  bool was_read = false;  // beyond its header
  uint64_t first = 0;
  uint64_t next = 0;  // one past the last record
  std::optional<Hash> chain_before;
  std::optional<Hash> chain_after;
  std::optional<std::vector<TreeNode>> nodes;  // where no record was lost
  bool whole = false;                          // nothing was lost or repaired
  std::vector<TreeNode> blocks;  // subtrees of 256 records that lie wholly in this file, in order
  std::vector<LogHeads::At> at_marks;
  std::vector<Interval> altered;  // records that are not what they were

  // Sealed form: the index frame.
  std::optional<uint64_t> index_offset;
  // What it says of the subtree that began in an earlier file, and where; only whoever joins the files can tell.
  std::optional<Hash> stated_first_block;
  uint64_t stated_first_block_offset = 0;

  uint64_t file_bytes = 0;
  Hash file_hash{};  // of a sealed file
  uint64_t leaves_bytes = 0;
  BoundsSoFar event;
  BoundsSoFar received;

  std::vector<OwnLeaf> own;               // the `seal` record that stands first; key rotations
  std::map<std::string, OwnLeaf> aside;   // by name of the file in aside/ that they name
  std::optional<FramePlace> unconfirmed;  // the last frame, where nothing in the file confirms it
  bool end_is_damaged = false;            // what follows `next` is reported already
  std::optional<uint64_t> sure_next;      // `next` before a tail that is not durable yet
  uint64_t records_read = 0;
  bool holds_others = false;  // records that the store did not make itself
};

}  // namespace sealtrail::verify
