// What one run of verify knows and has found so far, carried from file to file.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/report.h"
#include "verify/tree.h"

namespace sealtrail::verify {

// Running hash and tree of the records read so far, and what they were at one size that matters.
//
// Where records are lost, the tree can never be known again, and the running hash is taken from the next header that
// states it: so a later change is still found, though the root no longer proves anything.
class LogHeads {
 public:
  struct At {
    Hash root;
    Hash chain;
  };

  // `mark`: the size at which to remember root and running hash.
  LogHeads(const Hash& chain_start, uint64_t mark) : mark_(mark), chain_(chain_start) {
    Remember();
  }

  uint64_t next() const { return next_; }  // the number that the next record must carry
  const std::optional<Hash>& chain() const { return chain_; }
  bool whole() const { return whole_; }  // nothing was lost or repaired so far

  void Add(const Hash& leaf_hash) {
    if (chain_) chain_ = ChainHash(*chain_, leaf_hash);
    if (tree_known_) tree_.Append(leaf_hash);
    ++next_;
    Remember();
  }

  // Records up to `next` exclusively cannot be read.
  void LoseUpTo(uint64_t next) {
    next_ = next;
    chain_.reset();
    tree_known_ = whole_ = false;
  }
  void TakeChain(const Hash& chain) { chain_ = chain; }

  // What was added last is what the records were, not what is stored.
  void WasRepaired() { whole_ = false; }

  // Nothing if the records below the mark were not all there.
  const std::optional<At>& at_mark() const { return at_mark_; }
  std::optional<At> at_end() const {
    if (!tree_known_ || !chain_) return std::nullopt;
    return At{.root = tree_.Root(), .chain = *chain_};
  }

 private:
  void Remember() {
    if (next_ == mark_) at_mark_ = at_end();
  }

  const uint64_t mark_;
  uint64_t next_ = 0;
  std::optional<Hash> chain_;
  TreeStack tree_;
  bool tree_known_ = true;
  bool whole_ = true;
  std::optional<At> at_mark_;
};

// A frame of records that no later header has confirmed yet.
struct FramePlace {
  std::string file;
  uint64_t first = 0;
  uint32_t count = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
};

// The own record that names a file in aside/.
struct AsideWitness {
  Seq seq{};
  std::string leaf;
};

struct RunState {
  RunState(const Hash& chain_start, uint64_t mark) : heads(chain_start, mark) {}

  Hash origin_hash{};
  uint64_t checkpoint_size = 0;  // of the checkpoint whose signature holds; 0 if there is none
  bool running = false;
  std::function<void(uint64_t records, uint64_t bytes)> progress;  // may be empty

  LogHeads heads;
  std::optional<FramePlace> unconfirmed;
  bool end_is_damaged = false;        // what follows heads.next() is reported already
  std::optional<uint64_t> sure_next;  // heads.next() before a tail that is not durable yet
  uint64_t records_read = 0;
  uint64_t bytes_read = 0;

  std::vector<Damage> damage;
  uint64_t damage_total = 0;
  std::vector<Notice> notices;
  std::vector<std::string> obstacles;
  std::map<std::string, std::optional<AsideWitness>> aside;  // by file name

  void Report(Damage found) {
    ++damage_total;
    if (damage.size() < kDamageMax) damage.push_back(std::move(found));
  }
};

}  // namespace sealtrail::verify
