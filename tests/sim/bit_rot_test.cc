// Goal: bits that rot on the disk are found, and nobody is shown what they became.
// Method: a life with seals, keys and tiles ends in order or by a kill. Then bits of its durable files change: one, or several in
// one or more files. verify must name each file. A start must be refused, or what it shows must be what was promised or an error;
// and however long it goes on, what rotted is not made sound by that.
#include <algorithm>
#include <functional>
#include <map>
#include <ranges>

#include <gtest/gtest.h>

#include "batches.h"
#include "env/testing/seeded.h"
#include "format/segment_format.h"
#include "life.h"
#include "sweep.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "verify/verify.h"

namespace sealtrail::sim {
namespace {

// Shares of all points (sweep.h), in thousandths.
constexpr uint64_t kOneBit = 20, kSeveralBits = 20, kUncovered = 10;

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

// A folder after a life, with bits changed.
class Rotten {
 public:
  Rotten(uint64_t seed, Step::Kind end) : life_(StoryOf(seed, end)) {
    life_.Run();
    EXPECT_EQ(life_.promises().broken(), "");
    NoteFrames();
    NoteCheckpoint();
  }

  void Spoil(env::testing::Seeded& choices, int bits_max) {
    const std::vector<std::string> paths = Files("");
    const uint64_t bits = 1 + choices.Below(static_cast<uint64_t>(bits_max));
    std::string path;
    for (uint64_t i = 0; i < bits; ++i) {
      if (i == 0 || choices.Chance(1, 2)) path = paths[choices.Below(paths.size())];
      const uint64_t size = files().Stat(InData(path))->size;
      Flip(path, choices.Below(size), choices);
    }
  }

  // One bit of what no checkpoint covers.
  void SpoilUncovered(env::testing::Seeded& choices) {
    const auto begin =
        std::ranges::find_if(frames_, [&](const Frame& frame) { return frame.first >= covered_; });
    ASSERT_NE(begin, frames_.end());
    Flip(log_, begin->offset + choices.Below(frames_.back().end - begin->offset), choices);
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
  // Before a kill come some groups that no checkpoint covers.
  static Story StoryOf(uint64_t seed, Step::Kind end) {
    Story story{.seed = seed, .script = OrdinaryScript(), .faults = {}};
    for (int i = 0; i < 4; ++i) {
      story.script.push_back({Step::Kind::kSubmit, 5});
      story.script.push_back({Step::Kind::kRun, 6});
    }
    story.script.push_back({end});
    return story;
  }

  env::testing::SimFs& files() { return life_.world().files(); }
  static std::string InData(const std::string& path) { return env::JoinPath(kData, path); }
  void Wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }

  void Flip(const std::string& path, uint64_t offset, env::testing::Seeded& choices) {
    const Rot rot{.path = path, .offset = offset, .bit = static_cast<int>(choices.Below(8))};
    files().FlipBit(InData(path), rot.offset, rot.bit);
    rots_.push_back(rot);
    spoiled_[path] = *env::ReadFile(files(), InData(path), kGiB);
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
           std::ranges::any_of(spoiled_ | std::views::keys, [](const std::string& other) {
             return other.starts_with("segments/");
           });
  }

  // Every file that holds what it rotted into; where a start has replaced or rebuilt it, it does no longer.
  void CheckThatVerifyNames(std::string_view when) {
    const verify::Report report = verify::Verify(verify::FolderSource(files(), kData),
                                                 {.vkey = life_.promises().vkeys().front()});
    for (const auto& [path, rotten] : spoiled_) {
      const auto bytes = env::ReadFile(files(), InData(path), kGiB);
      if (!IsCovered(path) || !IsSpoiled(path) || !bytes.ok() || *bytes != rotten) continue;
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

  // It names one of the places. Where a segment and its manifest contradict each other, naming either will do.
  void CheckRefusal(const Status& status) {
    const std::string text = status.ToString();
    const bool named =
        std::ranges::any_of(spoiled_ | std::views::keys, [&](const std::string& path) {
          const std::string name = path.substr(path.rfind('/') + 1);
          return text.find(name.substr(0, name.find('.'))) != text.npos ||
                 (path == "signing/state" && text.find("signing record") != text.npos);
        });
    if (!named) Wrong("the start is refused, and names no place: " + text);
  }

  void CheckWhatIsShown(const ledger::Ledger& ledger) {
    const ReferenceModel& model = life_.promises().model();
    const uint64_t durable = Value(ledger.heights().durable);
    for (uint64_t seq = 0; seq < std::min({durable, model.size(), kept_});) {
      const auto range = ledger.Read(Seq{seq}, kFrameRecordsMax, kMiB);
      if (!range.ok()) {
        ++seq;
        continue;
      }
      for (const ledger::RecordView& record : range->records) {
        if (seq < std::min(model.size(), kept_)) CheckRecord(record, seq);
        ++seq;
      }
    }
    if (durable < std::min(model.size(), kept_))
      Wrong(fmt::format("{} records are there of {}, and none says where they went", durable,
                        model.size()));
    CheckTiles(ledger, 0, 1);
    CheckTiles(ledger, 1, 256);
    const ledger::CheckpointInfo head = ledger.checkpoint();
    if (Value(head.size) <= std::min(kept_, model.size()) &&
        head.root != model.Root(Value(head.size)))
      Wrong(fmt::format("a checkpoint of {} records with another root is shown", Value(head.size)));
  }

  void CheckRecord(const ledger::RecordView& record, uint64_t seq) {
    if (Value(record.seq) == seq && record.leaf == life_.promises().model().leaves()[seq]) return;
    if (record.leaf.find(R"("sealtrail.recovery.cut")") == record.leaf.npos)
      return Wrong(fmt::format("record {} is shown as another than it was", seq));
    CheckCut(seq);
  }

  // What no checkpoint covers, and no later frame proves to have been durable, cannot be told from a torn write. It is cut, kept
  // aside, and a record says so; nothing else is.
  void CheckCut(uint64_t first) {
    kept_ = first;
    if (!files().List(InData("aside")).ok()) Wrong("what was cut is not kept");
    if (first < covered_)
      Wrong(fmt::format("record {} was cut, a checkpoint covers {}", first, covered_));
    const auto bad = std::ranges::find_if(
        frames_, [&](const Frame& frame) { return frame.first + frame.count > first; });
    if (bad == frames_.end())
      return Wrong(fmt::format("record {} was cut, which is not in the log", first));
    for (auto later = bad; later != frames_.end(); ++later) {
      if (later->synced > bad->offset && !IsSpoiled(*later))
        Wrong(fmt::format("record {} at {} was cut, the frame at {} says that it was durable",
                          first, bad->offset, later->offset));
    }
  }

  // A frame of the log, as it was.
  struct Frame {
    uint64_t first, count, offset, end, synced;
  };

  bool IsSpoiled(const Frame& frame) const {
    return std::ranges::any_of(rots_, [&](const Rot& rot) {
      return rot.path.ends_with(".log") && rot.offset >= frame.offset && rot.offset < frame.end;
    });
  }

  void NoteFrames() {
    const auto [first, log] = *life_.SegmentFiles(".log").rbegin();
    log_ = "segments/" + format::SegmentFileName(first, format::FileKind::kLog);
    for (uint64_t at = format::kSegmentHeaderBytes; at + format::kFrameHeaderBytes <= log.size();) {
      const auto header =
          format::DecodeFrameHeader(ByteView(log).subspan(at, format::kFrameHeaderBytes));
      if (!header.ok()) return;
      const uint64_t end = at + format::kFrameHeaderBytes + header->payload_bytes();
      frames_.push_back({.first = Value(header->first),
                         .count = header->count,
                         .offset = at,
                         .end = end,
                         .synced = header->synced});
      at = end;
    }
  }

  void NoteCheckpoint() {
    const auto note = tlog::ParseNote(AsText(*env::ReadFile(files(), InData("checkpoint"), kMiB)));
    covered_ = Value(tlog::ParseCheckpointText(note->text)->size);
  }

  // Many at once, and one by one where one of them cannot be read.
  void CheckTiles(const ledger::Ledger& ledger, int level, uint64_t width) {
    const ReferenceModel& model = life_.promises().model();
    const uint64_t count = std::min(kept_, model.size()) / width;
    for (uint64_t i = 0, take = 64; i < count;) {
      take = std::min(take, count - i);
      const auto hashes = ledger.TileHashes(level, i, take);
      for (uint64_t k = 0; hashes.ok() && k < take; ++k) {
        if ((*hashes)[k] != model.Root((i + k) * width, (i + k + 1) * width))
          Wrong(fmt::format("hash {} of tile level {} is shown as another than it was", i + k,
                            level));
      }
      if (hashes.ok() || take == 1) i += take;
      take = hashes.ok() ? 64 : 1;
    }
  }

  Life life_;
  std::vector<Rot> rots_;
  std::map<std::string, Bytes> spoiled_;  // what each file rotted into
  std::string log_;                       // the newest
  std::vector<Frame> frames_;
  uint64_t covered_ = 0;        // records, by the checkpoint
  uint64_t kept_ = UINT64_MAX;  // records that no recovery has cut
  std::string wrong_;
};

class BitRotTest : public ::testing::Test {
 protected:
  BitRotTest()
      : tally_(std::string("bit rot: ") +
               ::testing::UnitTest::GetInstance()->current_test_info()->name()) {}

  // False after a failure: the first one is enough.
  bool IsFound(uint64_t seed, Step::Kind end,
               const std::function<void(Rotten&, env::testing::Seeded&)>& spoil);

  Tally tally_;
};

bool BitRotTest::IsFound(uint64_t seed, Step::Kind end,
                         const std::function<void(Rotten&, env::testing::Seeded&)>& spoil) {
  Rotten rotten(seed, end);
  env::testing::Seeded choices(seed, 25);
  spoil(rotten, choices);
  const std::string wrong = rotten.Check();
  ++tally_.points;
  tally_.cuts += rotten.cuts();
  tally_.faults += rotten.bits();
  if (!wrong.empty()) ++tally_.violations;
  EXPECT_EQ(wrong, "") << "seed " << seed;
  return wrong.empty();
}

Step::Kind EndOf(uint64_t seed) {
  return seed % 2 == 0 ? Step::Kind::kStop : Step::Kind::kKill;
}

TEST_F(BitRotTest, OneBit) {
  ForEachPoint(kOneBit, 1, [&](uint64_t seed, int) {
    return IsFound(seed, EndOf(seed),
                   [](Rotten& rotten, auto& choices) { rotten.Spoil(choices, 1); });
  });
}

TEST_F(BitRotTest, SeveralBits) {
  ForEachPoint(kSeveralBits, 1, [&](uint64_t seed, int) {
    return IsFound(seed, EndOf(seed),
                   [](Rotten& rotten, auto& choices) { rotten.Spoil(choices, 6); });
  });
}

TEST_F(BitRotTest, WhatNoCheckpointCovers) {
  ForEachPoint(kUncovered, 1, [&](uint64_t seed, int) {
    return IsFound(seed, Step::Kind::kKill,
                   [](Rotten& rotten, auto& choices) { rotten.SpoilUncovered(choices); });
  });
}

}  // namespace
}  // namespace sealtrail::sim
