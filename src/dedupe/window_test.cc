#include "dedupe/window.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sealtrail::dedupe {
namespace {

using Age = Window::Age;

std::vector<std::pair<Age, uint64_t>> All(const Window& window, Fingerprint fingerprint) {
  std::vector<std::pair<Age, uint64_t>> all;
  window.Find(fingerprint, [&](const Window::Entry& entry) {
    all.emplace_back(entry.age, entry.age == Age::kClaimed ? static_cast<uint64_t>(entry.claim)
                                                           : Value(entry.seq));
  });
  std::ranges::sort(all);
  return all;
}

UnixNanos At(int64_t seconds) {
  return UnixNanos{seconds * kNanosPerSecond};
}

TEST(WindowTest, AClaimIsSettledOrReleased) {
  Window window({});
  EXPECT_TRUE(All(window, 7).empty());
  window.Claim(7, ClaimId{1});
  window.Claim(7, ClaimId{2});
  EXPECT_EQ(All(window, 7),
            (std::vector<std::pair<Age, uint64_t>>{{Age::kClaimed, 1}, {Age::kClaimed, 2}}));
  window.Settle(7, ClaimId{2}, Seq{40});
  EXPECT_EQ(All(window, 7),
            (std::vector<std::pair<Age, uint64_t>>{{Age::kClaimed, 1}, {Age::kStored, 40}}));
  window.Release(7, ClaimId{1});
  EXPECT_EQ(All(window, 7), (std::vector<std::pair<Age, uint64_t>>{{Age::kStored, 40}}));
  EXPECT_TRUE(All(window, 8).empty());
}

TEST(WindowTest, TheFingerprintZeroIsOneLikeOthers) {
  Window window({});
  window.Add(0, Seq{3});
  EXPECT_EQ(All(window, 0), (std::vector<std::pair<Age, uint64_t>>{{Age::kStored, 3}}));
}

TEST(WindowTest, TheFirstBeyondIsLateAndMuchEarlierOnesAreForgotten) {
  Window window({.entries_max = 800});
  for (uint64_t i = 0; i < 801; ++i) {
    window.Add(1000 + i, Seq{i});
    window.Advance(Seq{i}, 1, At(static_cast<int64_t>(i)));
  }
  EXPECT_EQ(window.entries(), 800u);
  EXPECT_EQ(All(window, 1000)[0].first, Age::kLate);
  EXPECT_EQ(All(window, 1001)[0].first, Age::kStored);
  for (uint64_t i = 801; i < 2000; ++i) {
    window.Add(1000 + i, Seq{i});
    window.Advance(Seq{i}, 1, At(static_cast<int64_t>(i)));
  }
  EXPECT_EQ(All(window, 1000 + 1199)[0].first, Age::kLate);
  EXPECT_EQ(All(window, 1000 + 1200)[0].first, Age::kStored);
  EXPECT_EQ(All(window, 1000 + 1100)[0].first, Age::kLate);  // an eighth more is remembered
  EXPECT_TRUE(All(window, 1000 + 1099).empty());
}

TEST(WindowTest, AgeEndsItTooAndAStepBackOfTheClockDoesNot) {
  Window window({.entries_max = 1000, .age_max_ns = 3600 * kNanosPerSecond});
  window.Add(1, Seq{0});
  window.Advance(Seq{0}, 1, At(0));
  window.Add(2, Seq{1});
  window.Advance(Seq{1}, 1, At(3600));
  EXPECT_EQ(All(window, 1)[0].first, Age::kStored);
  window.Add(3, Seq{2});
  window.Advance(Seq{2}, 1, At(3601));
  EXPECT_EQ(All(window, 1)[0].first, Age::kLate);
  EXPECT_EQ(All(window, 2)[0].first, Age::kStored);
  window.Add(4, Seq{3});
  window.Advance(Seq{3}, 1, At(5));
  EXPECT_EQ(All(window, 2)[0].first, Age::kStored);
  EXPECT_EQ(window.entries(), 3u);
  EXPECT_EQ(window.span_ns(), kNanosPerSecond);
}

TEST(WindowTest, ATrickleOverYearsTakesNoMoreThanItsEntries) {
  Window window({.entries_max = 100, .age_max_ns = 1000});
  for (uint64_t i = 0; i < 100'000; ++i) {
    window.Add(i + 1, Seq{i});
    window.Advance(Seq{i}, 1, UnixNanos{static_cast<int64_t>(i) * 100'000});
  }
  EXPECT_EQ(window.entries(), 1u);
  EXPECT_EQ(All(window, 100'000)[0].first, Age::kStored);
  EXPECT_EQ(All(window, 99'999)[0].first, Age::kLate);
  EXPECT_LT(window.bytes(), 1'000'000u);
}

// The same, slow and plain: every entry that was ever added.
class PlainWindow {
 public:
  explicit PlainWindow(const WindowLimits& limits) : limits_(limits) {}

  void Claim(Fingerprint fingerprint, ClaimId claim) {
    all_.push_back({.fingerprint = fingerprint, .claim = static_cast<uint64_t>(claim)});
  }
  void Settle(Fingerprint fingerprint, ClaimId claim, Seq seq) {
    PlainEntry& entry = Claimed(fingerprint, claim);
    entry.claim = kNone;
    entry.seq = Value(seq);
  }
  void Release(Fingerprint fingerprint, ClaimId claim) {
    all_.erase(all_.begin() + (&Claimed(fingerprint, claim) - all_.data()));
  }
  std::vector<std::pair<Age, uint64_t>> All(Fingerprint fingerprint, uint64_t stored_from,
                                            uint64_t late_from) {
    std::vector<std::pair<Age, uint64_t>> found;
    for (const PlainEntry& entry : all_) {
      if (entry.fingerprint != fingerprint) continue;
      if (entry.claim != kNone) {
        found.emplace_back(Age::kClaimed, entry.claim);
      } else if (entry.seq >= late_from) {
        found.emplace_back(entry.seq >= stored_from ? Age::kStored : Age::kLate, entry.seq);
      }
    }
    std::ranges::sort(found);
    return found;
  }

 private:
  static constexpr uint64_t kNone = UINT64_MAX;
  struct PlainEntry {
    Fingerprint fingerprint;
    uint64_t claim = kNone;
    uint64_t seq = 0;
  };

  PlainEntry& Claimed(Fingerprint fingerprint, ClaimId claim) {
    return *std::ranges::find_if(all_, [&](const PlainEntry& entry) {
      return entry.fingerprint == fingerprint && entry.claim == static_cast<uint64_t>(claim);
    });
  }

  const WindowLimits limits_;
  std::vector<PlainEntry> all_;
};

// Few fingerprints in few shards, so that they meet; batches of several; some are not stored.
TEST(WindowTest, AgreesWithAPlainList) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const WindowLimits limits{.entries_max = 1 + random() % 300};
    Window window(limits);
    PlainWindow plain(limits);
    std::vector<Fingerprint> pool;
    for (int i = 0; i < 400; ++i)
      pool.push_back((random() % 3) << 54 | (2 + random() % (i % 2 ? 50 : 1u << 30)));
    uint64_t next = 0;
    std::vector<uint64_t> totals;  // by number: entries before it
    uint64_t total = 0;
    for (uint64_t round = 0; round < 400; ++round) {
      const ClaimId claim{round};
      std::vector<Fingerprint> batch;
      for (uint64_t i = random() % 8; i > 0; --i) batch.push_back(pool[random() % pool.size()]);
      for (const Fingerprint f : batch) {
        window.Prefetch(f);
        window.Claim(f, claim);
        plain.Claim(f, claim);
      }
      if (random() % 4 == 0) {
        for (const Fingerprint f : batch) {
          window.Release(f, claim);
          plain.Release(f, claim);
        }
      } else if (!batch.empty()) {
        const uint64_t first = next;
        for (const Fingerprint f : batch) {
          window.Settle(f, claim, Seq{next});
          plain.Settle(f, claim, Seq{next});
          totals.push_back(total);
          ++next;
        }
        window.Advance(Seq{first}, batch.size(), At(1));
        total += batch.size();
      }
      // Milestones are as close as batches here, so a beginning is the first number of a batch.
      const uint64_t stored_from = next - window.entries();
      EXPECT_LE(window.entries(), std::max<uint64_t>(limits.entries_max, batch.size()));
      for (int i = 0; i < 20; ++i) {
        const Fingerprint f = pool[random() % pool.size()];
        auto got = All(window, f);
        auto want = plain.All(f, stored_from, 0);
        // What is late may be forgotten, in the order of age, but not early.
        std::erase_if(want, [&](const auto& entry) {
          return entry.first == Age::kLate && std::ranges::find(got, entry) == got.end() &&
                 total - totals[entry.second] > limits.entries_max;
        });
        ASSERT_EQ(got, want) << stored_from << " next " << next << " total " << total << " max "
                             << limits.entries_max << " entries " << window.entries();
      }
    }
  }
}

TEST(WindowTest, MemoryStaysUnderFortyEightBytesAnEntry) {
  Window window({.entries_max = 1'000'000});
  std::mt19937_64 random(5);
  uint64_t most = 0;
  for (uint64_t i = 0; i < 4'000'000; ++i) {
    window.Add(random(), Seq{i});
    window.Advance(Seq{i}, 1, At(1));
    most = std::max(most, window.bytes());
  }
  EXPECT_EQ(window.entries() / 1000, 999u);
  EXPECT_LT(most, 48u * 1'000'000);
}

}  // namespace
}  // namespace sealtrail::dedupe
