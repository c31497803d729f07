#include "dedupe/window.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace sealtrail::dedupe {
namespace {

// A shard that is this full is made anew, with room for what it remembers and this much more.
constexpr double kFull = 0.85;
constexpr double kRoom = 1.4;
constexpr uint64_t kSlotsMin = 16;
constexpr uint64_t kLateShare = 8;  // of entries_max, remembered beyond the window
// The window's beginning moves in steps of this part of its limits.
constexpr int64_t kMilestones = 1024;

}  // namespace

Window::Window(const WindowLimits& limits)
    : limits_(limits),
      late_max_(std::max<uint64_t>(limits.entries_max / kLateShare, 1)),
      milestone_every_(std::max<uint64_t>(limits.entries_max / kMilestones, 1)),
      milestone_ns_(std::max<int64_t>(limits.age_max_ns / kMilestones, 1)) {
  SEAL_CHECK(limits.entries_max > 0 && limits.age_max_ns > 0);
}

void Window::Prefetch(Fingerprint fingerprint) const {
  fingerprint = Normal(fingerprint);
  const std::vector<Slot>& slots = ShardOf(fingerprint).slots;
  if (!slots.empty()) __builtin_prefetch(&slots[Home(fingerprint, slots.size())]);
}

void Window::Claim(Fingerprint fingerprint, ClaimId claim) {
  SEAL_CHECK(static_cast<uint64_t>(claim) < kClaimed - 1);
  Insert(Normal(fingerprint), kClaimed | static_cast<uint64_t>(claim));
}

void Window::Settle(Fingerprint fingerprint, ClaimId claim, Seq seq) {
  Replace(Normal(fingerprint), kClaimed | static_cast<uint64_t>(claim), Value(seq));
}

void Window::Release(Fingerprint fingerprint, ClaimId claim) {
  Replace(Normal(fingerprint), kClaimed | static_cast<uint64_t>(claim), kForgotten);
}

void Window::Add(Fingerprint fingerprint, Seq seq) {
  Insert(Normal(fingerprint), Value(seq));
}

void Window::Insert(Fingerprint fingerprint, uint64_t value) {
  Shard& shard = ShardOf(fingerprint);
  if (static_cast<double>(shard.used + 1) > kFull * static_cast<double>(shard.slots.size()))
    Rebuild(shard);
  size_t at = Home(fingerprint, shard.slots.size());
  while (shard.slots[at].fingerprint != 0) at = at + 1 == shard.slots.size() ? 0 : at + 1;
  shard.slots[at] = {.fingerprint = fingerprint, .value = value};
  ++shard.used;
}

// One of those with this value: they are alike.
void Window::Replace(Fingerprint fingerprint, uint64_t value, uint64_t by) {
  Shard& shard = ShardOf(fingerprint);
  for (size_t at = Home(fingerprint, shard.slots.size());;
       at = at + 1 == shard.slots.size() ? 0 : at + 1) {
    Slot& slot = shard.slots[at];
    SEAL_CHECK(slot.fingerprint != 0);  // it was claimed
    if (slot.fingerprint != fingerprint || slot.value != value) continue;
    slot.value = by;
    return;
  }
}

void Window::Rebuild(Shard& shard) {
  const auto remembered = [&](const Slot& slot) {
    return slot.fingerprint != 0 && Remembered(slot.value);
  };
  const auto count = static_cast<uint64_t>(std::ranges::count_if(shard.slots, remembered));
  const auto size = static_cast<size_t>(static_cast<double>(count) * kRoom) + kSlotsMin;
  std::vector<Slot> old = std::exchange(shard.slots, std::vector<Slot>(size));
  slots_ += size;
  slots_ -= old.size();
  shard.used = 0;
  for (const Slot& slot : old) {
    if (remembered(slot)) Insert(slot.fingerprint, slot.value);
  }
}

void Window::Advance(Seq first, uint64_t entries, UnixNanos received_at) {
  newest_ns_ = std::max(newest_ns_, Value(received_at));
  if (inside_.empty() || total_ - inside_.back().total >= milestone_every_ ||
      newest_ns_ - inside_.back().received_ns >= milestone_ns_) {
    inside_.push_back({.first = first, .total = total_, .received_ns = newest_ns_});
  }
  total_ += entries;
  while (inside_.size() > 1 && Outside(inside_.front())) {
    if (late_.empty() || inside_.front().total - late_.back().total >= milestone_every_)
      late_.push_back(inside_.front());
    inside_.pop_front();
  }
  while (!late_.empty() && total_ - late_.front().total > limits_.entries_max + late_max_)
    late_.pop_front();
}

bool Window::Outside(const Milestone& milestone) const {
  return total_ - milestone.total > limits_.entries_max ||
         newest_ns_ - milestone.received_ns > limits_.age_max_ns;
}

uint64_t Window::entries() const {
  return inside_.empty() ? 0 : total_ - inside_.front().total;
}

int64_t Window::span_ns() const {
  return inside_.empty() ? 0 : newest_ns_ - inside_.front().received_ns;
}

}  // namespace sealtrail::dedupe
