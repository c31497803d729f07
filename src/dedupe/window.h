// Which identities were stored lately, under which numbers: docs/design/duplicates.md.
//
// Identities are known by fingerprints of 64 bits. Two may share one: whoever finds a fingerprint here looks at the stored
// record before he believes it. One identity may stand here several times, for a conflict is stored beside what it
// contradicts.
//
// Memory   16 bytes a slot, 1.2 to 1.4 slots for each entry that is remembered; grows with them, and ends where
//          Limits::entries_max and its eighth of late ones are reached.
// Threads  Compatible.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/ids.h"
#include "base/limits.h"

namespace sealtrail::dedupe {

using Fingerprint = uint64_t;

// A batch on its way: from before it is handed on until it is known what became of it.
enum class ClaimId : uint64_t {};

struct WindowLimits {
  uint64_t entries_max = kIdentitiesMax;
  int64_t age_max_ns = int64_t{kIdentityHoursMax} * 3600 * kNanosPerSecond;
};

class Window {
 public:
  enum class Age : uint8_t {
    kClaimed,  // of a batch on its way
    kStored,   // inside the window
    kLate,     // beyond it, and not forgotten yet
  };
  struct Entry {
    Age age;
    Seq seq;        // unless kClaimed
    ClaimId claim;  // if kClaimed
  };

  explicit Window(const WindowLimits& limits);

  // Brings what Find() will look at into the cache: many at once cost little more than one.
  void Prefetch(Fingerprint fingerprint) const;

  // All that is remembered under this fingerprint, in no order.
  template <typename F>
  void Find(Fingerprint fingerprint, F found) const;

  void Claim(Fingerprint fingerprint, ClaimId claim);
  // What was claimed was stored as `seq`.
  void Settle(Fingerprint fingerprint, ClaimId claim, Seq seq);
  // What was claimed was not stored.
  void Release(Fingerprint fingerprint, ClaimId claim);
  // What was stored before this process: Claim and Settle in one.
  void Add(Fingerprint fingerprint, Seq seq);

  // `entries` more are settled or added, with numbers from `first` on, which rise from call to call, received at this time.
  // Moves the window's beginning. A time before an earlier one counts as that.
  void Advance(Seq first, uint64_t entries, UnixNanos received_at);

  uint64_t entries() const;  // inside the window
  int64_t span_ns() const;   // from the oldest record inside it to the newest
  uint64_t bytes() const { return slots_ * sizeof(Slot); }

 private:
  // Empty: fingerprint 0. The value of a claim has the top bit; what is forgotten is kForgotten.
  struct Slot {
    Fingerprint fingerprint = 0;
    uint64_t value = 0;
  };
  struct Shard {
    std::vector<Slot> slots;
    uint64_t used = 0;  // not empty
  };
  // Before the record `first`, received at this time, `total` entries had ever been added.
  struct Milestone {
    Seq first;
    uint64_t total;
    int64_t received_ns;
  };

  static constexpr int kShardBits = 10;
  static constexpr uint64_t kClaimed = uint64_t{1} << 63;
  static constexpr uint64_t kForgotten = UINT64_MAX;

  static Fingerprint Normal(Fingerprint fingerprint) { return fingerprint == 0 ? 1 : fingerprint; }
  const Shard& ShardOf(Fingerprint fingerprint) const {
    return shards_[fingerprint >> (64 - kShardBits)];
  }
  Shard& ShardOf(Fingerprint fingerprint) { return shards_[fingerprint >> (64 - kShardBits)]; }
  static size_t Home(Fingerprint fingerprint, size_t slots) {
    return static_cast<size_t>(
        (static_cast<unsigned __int128>(fingerprint << kShardBits) * slots) >> 64);
  }
  Seq Begin() const { return inside_.empty() ? Seq{0} : inside_.front().first; }
  Seq MemoryBegin() const { return late_.empty() ? Begin() : late_.front().first; }
  bool Remembered(uint64_t value) const {
    return value != kForgotten && ((value & kClaimed) != 0 || value >= Value(MemoryBegin()));
  }

  void Insert(Fingerprint fingerprint, uint64_t value);
  void Replace(Fingerprint fingerprint, uint64_t value, uint64_t by);
  void Rebuild(Shard& shard);
  bool Outside(const Milestone& milestone) const;

  const WindowLimits limits_;
  const uint64_t late_max_;
  const uint64_t milestone_every_;
  const int64_t milestone_ns_;
  std::array<Shard, size_t{1} << kShardBits> shards_;
  uint64_t slots_ = 0;

  std::deque<Milestone> inside_;  // the first: where the window begins
  std::deque<Milestone> late_;    // the first: where memory begins; farther apart
  uint64_t total_ = 0;
  int64_t newest_ns_ = INT64_MIN;
};

template <typename F>
void Window::Find(Fingerprint fingerprint, F found) const {
  fingerprint = Normal(fingerprint);
  const std::vector<Slot>& slots = ShardOf(fingerprint).slots;
  if (slots.empty()) return;
  for (size_t at = Home(fingerprint, slots.size());; at = at + 1 == slots.size() ? 0 : at + 1) {
    const Slot& slot = slots[at];
    if (slot.fingerprint == 0) return;
    if (slot.fingerprint != fingerprint || !Remembered(slot.value)) continue;
    if ((slot.value & kClaimed) != 0) {
      found(Entry{.age = Age::kClaimed, .seq = Seq{0}, .claim = ClaimId{slot.value & ~kClaimed}});
    } else {
      const Age age = slot.value >= Value(Begin()) ? Age::kStored : Age::kLate;
      found(Entry{.age = age, .seq = Seq{slot.value}, .claim = ClaimId{0}});
    }
  }
}

}  // namespace sealtrail::dedupe
