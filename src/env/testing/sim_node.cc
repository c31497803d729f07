#include "env/testing/sim_node.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace sealtrail::env::testing {
namespace {

constexpr uint64_t kCachePage = 4096;
constexpr uint64_t kSector = 512;

// Fates of a page, as the trace prints them.
constexpr char kKept = 'k', kLost = 'l', kTorn = 't', kGarbage = 'g';

char DrawFate(Seeded& choices) {
  const uint64_t draw = choices.Below(16);
  if (draw < 8) return kKept;
  if (draw < 12) return kLost;
  return draw < 14 ? kTorn : kGarbage;
}

}  // namespace

uint64_t SimFile::Append(std::span<const ByteView> parts, uint64_t bytes_max) {
  const uint64_t before = seen_.size();
  for (ByteView part : parts) {
    const uint64_t room = bytes_max - (seen_.size() - before);
    AppendTo(seen_, part.first(std::min<uint64_t>(part.size(), room)));
  }
  const uint64_t written = seen_.size() - before;
  if (written > 0) abandoned_.erase(abandoned_.lower_bound(before / kCachePage), abandoned_.end());
  return written;
}

void SimFile::Resize(uint64_t size) {
  dirty_from_ = std::min({dirty_from_, size, static_cast<uint64_t>(seen_.size())});
  abandoned_.erase(abandoned_.lower_bound(size / kCachePage), abandoned_.end());
  seen_.resize(size);
}

void SimFile::Redirty(uint64_t offset) {
  abandoned_.erase(abandoned_.lower_bound(offset / kCachePage), abandoned_.end());
}

void SimFile::FlipBit(uint64_t offset, int bit) {
  SEAL_CHECK(offset < seen_.size() && bit >= 0 && bit < 8);
  seen_[offset] ^= static_cast<uint8_t>(1 << bit);
  if (offset < durable_.size()) durable_[offset] ^= static_cast<uint8_t>(1 << bit);
}

void SimFile::Sync() {
  const Bytes old(
      durable_.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(dirty_from_, durable_.size())),
      durable_.end());
  const uint64_t old_from = dirty_from_;
  durable_.resize(std::min<uint64_t>(dirty_from_, durable_.size()));
  durable_.insert(durable_.end(), seen_.begin() + static_cast<ptrdiff_t>(dirty_from_), seen_.end());
  dirty_from_ = seen_.size();
  for (uint64_t page : abandoned_) {
    const uint64_t begin = std::max(page * kCachePage, old_from);
    for (uint64_t i = begin; i < std::min<uint64_t>((page + 1) * kCachePage, durable_.size());
         ++i) {
      durable_[i] = i - old_from < old.size() ? old[i - old_from] : 0;
      dirty_from_ = std::min(dirty_from_, i);
    }
  }
}

void SimFile::FailSync(Seeded& choices) {
  const uint64_t end = std::max(seen_.size(), durable_.size());
  for (uint64_t page = dirty_from_ / kCachePage; page * kCachePage < end; ++page) {
    if (choices.Chance(3, 4)) abandoned_.insert(page);
  }
}

std::string SimFile::Settle(Survival survival, Seeded& choices) {
  if (dirty_from_ == seen_.size() && seen_.size() == durable_.size()) return "";
  const size_t seen = seen_.size(), durable = durable_.size();
  std::string fates;
  if (survival == Survival::kNothing) {
    seen_ = durable_;
  } else if (survival == Survival::kSeeded) {
    fates = MixPages(choices);
  }
  durable_ = seen_;
  dirty_from_ = seen_.size();
  abandoned_.clear();
  return fmt::format("{} bytes seen, {} durable: {} left {}", seen, durable, seen_.size(), fates);
}

std::string SimFile::MixPages(Seeded& choices) {
  const uint64_t low = std::min(seen_.size(), durable_.size());
  const uint64_t high = std::max(seen_.size(), durable_.size());
  const uint64_t pick = choices.Below(3);
  const uint64_t size = pick == 0   ? seen_.size()
                        : pick == 1 ? durable_.size()
                                    : low + choices.Below(high - low + 1);
  const uint64_t page = choices.Chance(1, 2) ? kSector : kCachePage;

  Bytes left(seen_.begin(), seen_.begin() + static_cast<ptrdiff_t>(std::min(dirty_from_, size)));
  left.resize(size);
  std::string fates;
  for (uint64_t begin = dirty_from_; begin < size;) {
    const uint64_t end = std::min((begin / page + 1) * page, size);
    fates += DrawFate(choices);
    FillPage(left, begin, end, fates.back(), choices);
    begin = end;
  }
  seen_ = std::move(left);
  return fates;
}

// Garbage is only for bytes that were never durable: an honest disk does not spoil what it has
// confirmed.
void SimFile::FillPage(Bytes& left, uint64_t begin, uint64_t end, char fate,
                       Seeded& choices) const {
  const uint64_t kept_to = fate == kKept   ? end
                           : fate == kTorn ? begin + choices.Below(end - begin + 1)
                                           : begin;
  for (uint64_t i = begin; i < end; ++i) {
    if (i < kept_to && i < seen_.size()) {
      left[i] = seen_[i];
    } else if (fate == kGarbage && i >= durable_.size()) {
      left[i] = static_cast<uint8_t>(choices.Next());
    } else {
      left[i] = DurableAt(i);
    }
  }
}

void SimFolder::Set(const std::string& name, SimNodePtr node) {
  Apply({name, std::move(node), ""});
}

void SimFolder::Erase(const std::string& name) {
  Apply({"", seen_.at(name), name});
}

void SimFolder::Rename(const std::string& from, const std::string& to) {
  Apply({to, seen_.at(from), from});
}

void SimFolder::Apply(Change change) {
  if (!change.erased.empty()) seen_.erase(change.erased);
  if (!change.set.empty()) seen_[change.set] = change.node;
  pending_.push_back(std::move(change));
}

void SimFolder::Sync() {
  durable_ = seen_;
  pending_.clear();
}

std::string SimFolder::Settle(Survival survival, Seeded& choices) {
  std::string line;
  std::set<std::string> held;  // names of changes that did not happen: later ones did not either
  for (const Change& change : pending_) {
    bool happened = survival == Survival::kEverything ||
                    (survival == Survival::kSeeded && choices.Chance(1, 2));
    if (held.contains(change.set) || held.contains(change.erased)) {
      happened = false;
    }
    line += fmt::format(" {}{}{}{}:{}", change.erased.empty() ? "" : "-", change.erased,
                        change.set.empty() ? "" : "+", change.set, happened ? "done" : "not");
    if (happened) {
      if (!change.erased.empty()) durable_.erase(change.erased);
      if (!change.set.empty()) durable_[change.set] = change.node;
    } else {
      if (!change.set.empty()) held.insert(change.set);
      if (!change.erased.empty()) held.insert(change.erased);
    }
  }
  pending_.clear();
  seen_ = durable_;
  return line;
}

}  // namespace sealtrail::env::testing
