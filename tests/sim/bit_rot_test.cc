// Goal: bits that rot on the disk are found, and nobody is shown what they became.
// Method: a life with seals, keys and tiles ends in order or by a kill. Then bits of its durable files change: one, or several in
// one or more files. verify must name each file. A start must be refused, or what it shows must be what was promised or an error;
// and however long it goes on, what rotted is not made sound by that.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "batches.h"
#include "env/testing/seeded.h"
#include "life.h"
#include "sweep.h"
#include "verify/verify.h"

namespace sealtrail::sim {
namespace {

// Shares of all points (sweep.h), in thousandths.
constexpr uint64_t kOneBit = 25, kSeveralBits = 25;

struct Rot {
  std::string path;  // in the folder
  uint64_t offset;
  int bit;
};

// Files whose bytes nothing hashes (segment.md §1), and those whose loss is a refused start and no damage to evidence.
bool IsCovered(const std::string& path) {
  return !path.starts_with("keys/") && !path.ends_with(".sealing") && !path.ends_with(".tmp") &&
         path != "LOCK";
}

class BitRotTest : public ::testing::Test {
 protected:
  BitRotTest()
      : tally_(std::string("bit rot: ") +
               ::testing::UnitTest::GetInstance()->current_test_info()->name()) {}

  // False after a failure: the first one is enough.
  bool IsFound(uint64_t seed, int bits_max, Step::Kind end);

  Tally tally_;
};

// A folder after a life, with bits changed.
class Rotten {
 public:
  Rotten(uint64_t seed, Step::Kind end)
      : life_(StoryOf(seed, end)), stopped_(end == Step::Kind::kStop) {
    life_.Run();
    EXPECT_EQ(life_.promises().broken(), "");
  }

  void Spoil(env::testing::Seeded& choices, int bits_max) {
    const std::vector<std::string> paths = Files("");
    const uint64_t bits = 1 + choices.Below(static_cast<uint64_t>(bits_max));
    std::string path;
    for (uint64_t i = 0; i < bits; ++i) {
      if (i == 0 || choices.Chance(1, 2)) path = paths[choices.Below(paths.size())];
      const uint64_t size = files().Stat(InData(path))->size;
      Flip(
          {.path = path, .offset = choices.Below(size), .bit = static_cast<int>(choices.Below(8))});
    }
    for (const std::string& each : spoiled_)
      bytes_[each] = *env::ReadFile(files(), InData(each), kGiB);
  }

  // Empty, or what is wrong.
  std::string Check() {
    CheckThatVerifyNames("verify of the folder as it lies");
    Start();
    CheckThatVerifyNames("verify after a start and a stop");
    if (wrong_.empty()) return "";
    std::string text = wrong_;
    for (const Rot& rot : rots_)
      text += fmt::format("\n  bit {} of byte {} of {} changed", rot.bit, rot.offset, rot.path);
    return text + "\n" + life_.world().Describe();
  }

  size_t bits() const { return rots_.size(); }
  uint64_t cuts() { return static_cast<uint64_t>(files().power_cuts()); }

 private:
  static Story StoryOf(uint64_t seed, Step::Kind end) {
    Story story{.seed = seed, .script = OrdinaryScript(), .faults = {}};
    story.script.push_back({end});
    return story;
  }

  env::testing::SimFs& files() { return life_.world().files(); }
  static std::string InData(const std::string& path) { return env::JoinPath(kData, path); }
  void Wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }

  void Flip(const Rot& rot) {
    files().FlipBit(InData(rot.path), rot.offset, rot.bit);
    spoiled_.insert(rot.path);
    rots_.push_back(rot);
  }

  // All that are not empty.
  std::vector<std::string> Files(const std::string& folder) {
    std::vector<std::string> found;
    const std::string in = folder.empty() ? kData : InData(folder);
    for (const std::string& name : *files().List(in)) {
      const std::string path = folder.empty() ? name : env::JoinPath(folder, name);
      const auto info = files().Stat(InData(path));
      if (info->is_directory) {
        for (const std::string& inner : Files(path)) found.push_back(inner);
      } else if (info->size != 0) {
        found.push_back(path);
      }
    }
    return found;
  }

  // A flip that was taken back by another one is none.
  bool IsSpoiled(const std::string& path) {
    std::map<std::pair<uint64_t, int>, int> flips;
    for (const Rot& rot : rots_) {
      if (rot.path == path) ++flips[{rot.offset, rot.bit}];
    }
    return std::ranges::any_of(flips, [](const auto& flip) { return flip.second % 2 == 1; });
  }

  // A tile over records that are lost cannot be compared with them.
  bool CannotBeTold(const std::string& path) const {
    return path.starts_with("tiles/") &&
           std::ranges::any_of(
               spoiled_, [](const std::string& other) { return other.starts_with("segments/"); });
  }

  // Every file that holds what it rotted into; where a start has replaced or rebuilt it, it does no longer.
  void CheckThatVerifyNames(std::string_view when) {
    const verify::Report report = verify::Verify(verify::FolderSource(files(), kData),
                                                 {.vkey = life_.promises().vkeys().front()});
    for (const std::string& path : spoiled_) {
      const auto bytes = env::ReadFile(files(), InData(path), kGiB);
      if (!IsCovered(path) || !IsSpoiled(path) || !bytes.ok() || *bytes != bytes_[path]) continue;
      const bool named = CannotBeTold(path) ||
                         std::ranges::any_of(report.damage, [&](const verify::Damage& damage) {
                           return damage.file == path;
                         });
      if (!named || report.verdict != verify::Verdict::kNotSound)
        Wrong(fmt::format("{}: it does not name {}\n{}", when, path, verify::ReportText(report)));
    }
  }

  void Start() {
    life_.world().clock().Advance(kNanosPerMilli);
    MetricSet metrics;
    Status failure;
    auto opened = ledger::Ledger::Open(life_.world().env(), Life::OptionsOfLife(), metrics,
                                       [&](const Status& status) { failure = status; });
    if (!opened.ok()) return CheckRefusal(opened.status());
    CheckWhatIsShown(**opened);
    // It goes on for a while, and seals.
    for (int i = 0; i < 3; ++i) {
      (*opened)->Submit(BatchOf("after", 30, false), [](const auto&) {});
      life_.world().executor().RunFor(40 * kNanosPerSecond);
    }
    (*opened)->Close([](const Status&) {});
    life_.world().executor().RunUntilIdle();
    CheckWhatIsShown(**opened);
    life_.world().executor().DropAll();
  }

  // It names one of the places.
  void CheckRefusal(const Status& status) {
    const std::string text = status.ToString();
    const bool named = std::ranges::any_of(spoiled_, [&](const std::string& path) {
      return text.find(path.substr(path.rfind('/') + 1)) != text.npos ||
             (path == "signing/state" && text.find("signing record") != text.npos);
    });
    if (!named) Wrong("the start is refused, and names no place: " + text);
  }

  void CheckWhatIsShown(const ledger::Ledger& ledger) {
    const ReferenceModel& model = life_.promises().model();
    const uint64_t durable = Value(ledger.heights().durable);
    if (durable < model.size()) CheckCut(ledger, durable);
    for (uint64_t seq = 0; seq < std::min(durable, model.size()); ++seq) {
      const auto range = ledger.Read(Seq{seq}, 1, kMiB);
      if (!range.ok()) continue;
      if (Value(range->records.front().seq) == seq &&
          range->records.front().leaf == model.leaves()[seq])
        continue;
      if (seq >= kept_) continue;  // written after a cut
      return Wrong(fmt::format("record {} is shown as another than it was", seq));
    }
    CheckTiles(ledger, 0, 1);
    CheckTiles(ledger, 1, 256);
    const ledger::CheckpointInfo head = ledger.checkpoint();
    if (Value(head.size) <= std::min<uint64_t>(kept_, model.size()) &&
        head.root != model.Root(Value(head.size)))
      Wrong(fmt::format("a checkpoint of {} records with another root is shown", Value(head.size)));
  }

  // What no checkpoint covers and nothing after it proves cannot be told from a torn write. It is never cut in silence.
  void CheckCut(const ledger::Ledger& ledger, uint64_t durable) {
    kept_ = std::min(kept_, durable);
    if (stopped_) Wrong("records were cut that the last checkpoint covers");
    bool said = false;
    for (uint64_t seq = 0; seq < durable; ++seq) {
      const auto range = ledger.Read(Seq{seq}, 1, kMiB);
      if (range.ok() &&
          range->records.front().leaf.find("sealtrail.recovery.cut") != std::string_view::npos)
        said = true;
    }
    if (!said || !files().List(InData("aside")).ok())
      Wrong("records are gone, and no record says so");
  }

  void CheckTiles(const ledger::Ledger& ledger, int level, uint64_t width) {
    const ReferenceModel& model = life_.promises().model();
    for (uint64_t i = 0; (i + 1) * width <= std::min<uint64_t>(kept_, model.size()); ++i) {
      const auto hashes = ledger.TileHashes(level, i, 1);
      if (hashes.ok() && hashes->front() != model.Root(i * width, (i + 1) * width))
        Wrong(fmt::format("hash {} of tile level {} is shown as another than it was", i, level));
    }
  }

  Life life_;
  const bool stopped_;
  std::vector<Rot> rots_;
  std::set<std::string> spoiled_;
  std::map<std::string, Bytes> bytes_;  // what each rotted into
  uint64_t kept_ = UINT64_MAX;          // records that no recovery has cut
  std::string wrong_;
};

bool BitRotTest::IsFound(uint64_t seed, int bits_max, Step::Kind end) {
  Rotten rotten(seed, end);
  env::testing::Seeded choices(seed, 25);
  rotten.Spoil(choices, bits_max);
  const std::string wrong = rotten.Check();
  ++tally_.points;
  tally_.cuts += rotten.cuts();
  tally_.faults += rotten.bits();
  if (!wrong.empty()) ++tally_.violations;
  EXPECT_EQ(wrong, "") << "seed " << seed;
  return wrong.empty();
}

TEST_F(BitRotTest, OneBit) {
  ForEachPoint(kOneBit, 1, [&](uint64_t seed, int) {
    return IsFound(seed, 1, seed % 2 == 0 ? Step::Kind::kStop : Step::Kind::kKill);
  });
}

TEST_F(BitRotTest, SeveralBits) {
  ForEachPoint(kSeveralBits, 1, [&](uint64_t seed, int) {
    return IsFound(seed, 6, seed % 2 == 0 ? Step::Kind::kStop : Step::Kind::kKill);
  });
}

}  // namespace
}  // namespace sealtrail::sim
