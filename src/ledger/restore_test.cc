// Backup and restore in a simulated world.
#include "ledger/restore.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "env/testing/sim_env.h"
#include "ledger/backup_folder.h"
#include "ledger/folder_reader.h"
#include "ledger/ledger.h"
#include "ledger/signing_record.h"
#include "ledger/testing/batches.h"
#include "ledger/trail.h"
#include "tlog/note.h"

namespace sealtrail::ledger {
namespace {

using env::testing::SimEnv;
using ledger::testing::Batch;

constexpr char kData[] = "/data";
constexpr char kBackup[] = "/backup";
constexpr char kNew[] = "/new";
constexpr char kSafe[] = "/safe";  // the folder of a signing record elsewhere

Options OptionsFor(const std::string& dir, const std::string& signing = "") {
  return {.data_dir = dir, .segment_bytes_max = 9'000, .signing_state_dir = signing};
}

// A running store.
struct Store {
  Store(SimEnv& world, const Options& options) : world(world) {
    auto opened = Ledger::Open(world.env(), options, metrics, [](const Status&) {});
    status = opened.status();
    if (opened.ok()) ledger = *std::move(opened);
  }

  void Write(int first, int count) {
    ledger->Submit(Batch(first, count), [](const Result<record::CommitOutcome>&) {});
    world.executor().RunFor(kNanosPerSecond);
  }

  Result<BackupPlan> Plan() {
    Result<BackupPlan> plan = Unavailable("no answer");
    ledger->PlanBackup([&](Result<BackupPlan> made) { plan = std::move(made); });
    world.executor().RunFor(kNanosPerSecond / 2);
    return plan;
  }

  Status Close() {
    Status result = Unavailable("not closed");
    ledger->Close([&](const Status& s) { result = s; });
    world.executor().RunUntilIdle();
    return result;
  }

  SimEnv& world;
  MetricSet metrics;
  Status status;
  std::unique_ptr<Ledger> ledger;
};

std::string TextOf(SimEnv& world, const std::string& path) {
  const auto bytes = env::ReadFile(world.files(), path, kMiB);
  return bytes.ok() ? std::string(AsText(*bytes)) : "";
}

Result<BackupResult> TakeBackup(SimEnv& world, const Result<BackupPlan>& plan, bool check = false,
                                const std::string& from = kData) {
  SEAL_RETURN_IF_ERROR(plan.status());
  SEAL_ASSIGN_OR_RETURN(
      BackupFolder folder,
      BackupFolder::Open(world.env(), kBackup, TextOf(world, std::string(kData) + "/trail")));
  return folder.Take(from, *plan, check);
}

// Leaves of all records in a folder that nobody runs.
std::vector<std::string> LeavesIn(SimEnv& world, const std::string& dir, Status* status = nullptr) {
  auto reader = FolderReader::Open(world.env(), dir);
  if (status != nullptr) *status = reader.status();
  std::vector<std::string> leaves;
  if (!reader.ok()) return leaves;
  for (uint64_t at = 0; at < Value((*reader)->heights().durable);) {
    const auto range = (*reader)->Read(Seq{at}, 100, kMiB);
    EXPECT_TRUE(range.ok()) << range.status().ToString();
    if (!range.ok()) break;
    for (const RecordView& record : range->records) leaves.emplace_back(record.leaf);
    at += range->records.size();
  }
  return leaves;
}

// A store that has sealed segments and changed its key, its backup, and what it wrote after it.
struct Lost {
  std::vector<std::string> backed_up;
  std::string key;  // its signing key
};
Lost LoseStore(SimEnv& world, const std::string& signing = "") {
  EXPECT_TRUE(world.files().MakeDir(kSafe).ok());
  Lost lost;
  Store store(world, OptionsFor(kData, signing));
  EXPECT_TRUE(store.status.ok()) << store.status.ToString();
  for (int i = 0; i < 4; ++i) {
    store.Write(i * 20, 20);
    if (i == 1) store.ledger->RotateKey("local:somebody", [](const Status&) {});
  }
  EXPECT_TRUE(TakeBackup(world, store.Plan()).ok());
  lost.backed_up = LeavesIn(world, kBackup);
  lost.key = TextOf(world, std::string(kData) + "/keys/log.key");
  store.Write(100, 20);
  EXPECT_TRUE(store.Close().ok());
  return lost;
}

void ExpectBeginsWith(const std::vector<std::string>& all, const std::vector<std::string>& first) {
  ASSERT_GE(all.size(), first.size());
  for (size_t i = 0; i < first.size(); ++i) ASSERT_EQ(all[i], first[i]) << i;
}

TEST(BackupTest, ARunningStoreIsCopiedAsItsCheckpointSaysAndBroughtUpToDate) {
  SimEnv world(1);
  Store store(world, OptionsFor(kData));
  ASSERT_TRUE(store.status.ok()) << store.status.ToString();
  for (int i = 0; i < 4; ++i) store.Write(i * 20, 20);
  const auto plan = store.Plan();
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  store.Write(80, 5);  // while it is copied
  const auto first = TakeBackup(world, plan);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->copied, first->files);
  EXPECT_EQ(LeavesIn(world, kBackup).size(), Value(plan->checkpoint.size));
  EXPECT_FALSE(world.files().Stat("/backup/keys/log.key").ok()) << "only when asked for";

  for (int i = 5; i < 9; ++i) store.Write(i * 20, 20);
  const auto later = store.Plan();
  const auto second = TakeBackup(world, later);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_LT(second->copied, second->files) << "what is sealed stays";
  const auto leaves = LeavesIn(world, kBackup);
  EXPECT_EQ(leaves.size(), Value(later->checkpoint.size));
  const auto again = TakeBackup(world, later, true);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->copied, 0u);
  ASSERT_TRUE(store.Close().ok());
  ExpectBeginsWith(LeavesIn(world, kData), leaves);
}

TEST(BackupTest, CheckFindsASealedFileThatRotted) {
  SimEnv world(2);
  LoseStore(world);
  const auto plan = PlanFolder(world.env(), kData);
  world.files().FlipBit("/backup/segments/00000000000000000000.seg", 500, 1);
  auto result = TakeBackup(world, plan);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->differed.empty()) << "its length alone was looked at";
  result = TakeBackup(world, plan, true);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->differed, std::vector<std::string>{"segments/00000000000000000000.seg"});
  EXPECT_TRUE(TakeBackup(world, plan, true)->differed.empty());
}

TEST(BackupTest, FoldersThatAreNoBackupOfThisTrailAreLeftAlone) {
  SimEnv world(3);
  LoseStore(world);
  const auto open = [&](const std::string& dir, const std::string& note) {
    return BackupFolder::Open(world.env(), dir, note).status();
  };
  const Status other = open(kBackup, "the note of another trail");
  EXPECT_EQ(other.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(other.message().find("another trail"), std::string::npos);
  EXPECT_EQ(open(kData, TextOf(world, "/data/trail")).code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(world.files().MakeDir("/full").ok());
  ASSERT_TRUE(world.files().MakeDir("/full/photos").ok());
  EXPECT_EQ(open("/full", TextOf(world, "/data/trail")).code(), StatusCode::kFailedPrecondition);
}

// Goal: whenever the power fails, the folder holds the old backup or the new one, and the next backup succeeds.
// The list is a file in the backup, where others may have written: it must not move files elsewhere.
TEST(BackupTest, AListThatLeadsOutOfTheFolderIsRefused) {
  for (const std::string path : {"../victim", "/victim", "segments/../../victim", "segments/",
                                 "segments/..", "", "..", "other/file"}) {
    SimEnv world({.seed = 1});
    env::FileSystem& files = world.files();
    ASSERT_TRUE(files.MakeDir(kBackup).ok());
    ASSERT_TRUE(env::ReplaceFile(files, "/", "victim", AsBytes("theirs")).ok());
    ASSERT_TRUE(env::ReplaceFile(files, "/", "victim.incoming", AsBytes("planted")).ok());
    const std::string list = "sealtrail/backup/v1\n" + path + "\n";
    ASSERT_TRUE(env::ReplaceFile(files, kBackup, "incoming", AsBytes(list)).ok());
    EXPECT_EQ(FinishBackup(files, kBackup).code(), StatusCode::kDataLoss) << path;
    EXPECT_EQ(env::ReadText(files, "/victim", 100).value(), "theirs") << path;
  }
}

TEST(BackupTest, APowerCutLeavesTheOldBackupOrTheNewOne) {
  const auto run = [](SimEnv& world, std::optional<int> cut) {
    LoseStore(world);
    if (cut) world.files().CutPowerAt(world.files().operations() + *cut);
    const int before = world.files().operations();
    (void)TakeBackup(world, PlanFolder(world.env(), kData));
    return world.files().operations() - before;
  };
  SimEnv clean(4);
  const int operations = run(clean, std::nullopt);
  ASSERT_GT(operations, 15);
  const auto newest = LeavesIn(clean, kBackup);
  int old = 0, updated = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    for (int cut = 0; cut < operations; ++cut) {
      SCOPED_TRACE(fmt::format("power cut at operation {}, seed {}", cut, seed));
      SimEnv world(seed);
      run(world, cut);
      world.Crash();
      world.files().PowerOn();
      // As restore does.
      ASSERT_TRUE(FinishBackup(world.files(), kBackup).ok()) << world.Describe();
      const auto plan = PlanFolder(world.env(), kBackup);
      ASSERT_TRUE(plan.ok()) << plan.status().ToString() << world.Describe();
      ++(plan->checkpoint.note == TextOf(world, "/data/checkpoint") ? updated : old);
      const auto again = TakeBackup(world, PlanFolder(world.env(), kData), true);
      ASSERT_TRUE(again.ok()) << again.status().ToString();
      ASSERT_EQ(LeavesIn(world, kBackup).size(), newest.size());
    }
  }
  EXPECT_GT(old, 0);
  EXPECT_GT(updated, 0);
}

TEST(RestoreTest, GoesOnAsANewEpoch) {
  SimEnv world(5);
  const Lost lost = LoseStore(world);
  const auto restored =
      Restore(world.env(), {.from = kBackup, .data_dir = kNew, .epoch = {.actor = "local:admin"}});
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_TRUE(restored->recovered);
  const std::string origin = tlog::Verifier::FromVkey(restored->vkeys[0])->name();
  const auto key = tlog::Verifier::FromVkey(restored->vkeys.back());
  ASSERT_EQ(restored->vkeys.size(), 3u) << "one was changed before";
  EXPECT_EQ(key->name(), origin + "/epoch-2");

  const auto leaves = LeavesIn(world, kNew);
  ExpectBeginsWith(leaves, lost.backed_up);
  ASSERT_EQ(leaves.size(), lost.backed_up.size() + 1);
  for (const std::string& part :
       {std::string("sealtrail.recovery.epoch"), restored->vkeys[2], restored->vkeys[1],
        fmt::format(R"(["sealtrail.tree.size","{}"])", lost.backed_up.size()),
        Base64Encode(restored->from.root), std::string("local:admin")}) {
    EXPECT_NE(leaves.back().find(part), std::string::npos) << part << " in " << leaves.back();
  }
  EXPECT_EQ(TextOf(world, "/new/epochs/2"), restored->checkpoint.note);
  EXPECT_EQ(TextOf(world, "/new/epochs/2.before"), restored->from.note);
  EXPECT_TRUE(key->Open(restored->checkpoint.note).ok());
  EXPECT_EQ(restored->checkpoint.note.find("\n— "), restored->checkpoint.note.rfind("\n— "))
      << "the old key is not trusted to be ours";
  EXPECT_EQ(Value(restored->checkpoint.size), leaves.size());

  // It is a store like any other: it seals, changes its key, stops and starts, and is backed up.
  for (int start = 0; start < 2; ++start) {
    Store store(world, OptionsFor(kNew));
    ASSERT_TRUE(store.status.ok()) << store.status.ToString();
    for (int i = 0; i < 4; ++i) store.Write(120 + i * 20, 20);
    store.ledger->RotateKey("local:somebody", [](const Status&) {});
    store.Write(10, 20);
    EXPECT_EQ(store.ledger->origin(), origin);
    EXPECT_EQ(tlog::Verifier::FromVkey(store.ledger->vkey())->name(), origin + "/epoch-2");
    EXPECT_TRUE(store.ledger->checkpoint().note.starts_with(origin + "/epoch-2\n"));
    ASSERT_TRUE(store.Close().ok());
  }
  ExpectBeginsWith(LeavesIn(world, kNew), leaves);
  const auto plan = PlanFolder(world.env(), kNew);
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  EXPECT_TRUE(TakeBackup(world, plan, true, kNew).ok())
      << "the backup from before the loss goes on";
}

TEST(RestoreTest, GoesOnUnderItsKeyOnlyWhereTheSigningRecordSaysThatNothingWasSignedSince) {
  SimEnv world(6);
  const Lost lost = LoseStore(world, kSafe);
  RestoreOptions options{.from = kBackup, .data_dir = kNew, .key = lost.key, .epoch = {}};
  const auto refused = [&] {
    const auto restored = Restore(world.env(), options);
    EXPECT_EQ(restored.status().code(), StatusCode::kFailedPrecondition);
    EXPECT_NE(restored.status().message().find("--new-epoch"), std::string::npos)
        << restored.status().ToString();
    EXPECT_FALSE(world.files().Stat("/new/trail").ok());
  };
  refused();  // without a record
  options.epoch.signing_state_dir = kSafe;
  refused();  // the store went on after its backup

  ASSERT_TRUE(TakeBackup(world, PlanFolder(world.env(), kData)).ok());
  options.key = TextOf(world, "/data/keys/log.key");
  const auto restored = Restore(world.env(), options);
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_FALSE(restored->recovered);
  {
    Store store(world, OptionsFor(kNew));
    ASSERT_TRUE(store.status.ok()) << store.status.ToString();
    EXPECT_EQ(store.ledger->vkeys(), restored->vkeys);
    EXPECT_EQ(Store(world, OptionsFor(kData, kSafe)).status.code(), StatusCode::kUnavailable);
    ASSERT_TRUE(store.Close().ok());
  }
  Store old(world, OptionsFor(kData, kSafe));
  EXPECT_NE(old.status.message().find("the signing record"), std::string::npos)
      << "one of the two folders goes on: " << old.status.ToString();
}

// Goal: whoever signs by the record meanwhile would have signed after the look at it.
TEST(RestoreTest, ARecordThatSomebodySignsByIsNotGoneOnWith) {
  SimEnv world(23);
  const Lost lost = LoseStore(world, kSafe);
  const auto held = LockSigningFolder(world.files(), kSafe);
  ASSERT_TRUE(held.ok()) << held.status().ToString();
  for (const std::string& key : {lost.key, std::string()}) {
    const auto restored = Restore(
        world.env(),
        {.from = kBackup, .data_dir = kNew, .key = key, .epoch = {.signing_state_dir = kSafe}});
    EXPECT_EQ(restored.status().code(), StatusCode::kUnavailable) << restored.status().ToString();
    EXPECT_FALSE(world.files().Stat(kNew).ok()) << "nothing was begun";
  }
}

TEST(RestoreTest, ANameThatTheSigningRecordKnowsIsNotTakenAgain) {
  SimEnv world(7);
  LoseStore(world, kSafe);
  RestoreOptions options{
      .from = kBackup, .data_dir = kNew, .epoch = {.actor = "a", .signing_state_dir = kSafe}};
  ASSERT_TRUE(Restore(world.env(), options).ok());
  EXPECT_NE(TextOf(world, "/safe/state-0"), "") << "what the lost store had signed is evidence";
  {
    Store store(world, OptionsFor(kNew, kSafe));
    ASSERT_TRUE(store.status.ok()) << store.status.ToString();
    store.Write(0, 10);
    ASSERT_TRUE(store.Close().ok());
  }
  // Lost again, before there was another backup.
  options.data_dir = "/newer";
  const auto second = Restore(world.env(), options);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_EQ(second->vkeys.size(), 3u);
  EXPECT_TRUE(tlog::Verifier::FromVkey(second->vkeys.back())->name().ends_with("/epoch-3"));
  EXPECT_NE(TextOf(world, "/safe/state-2"), "");
  EXPECT_TRUE(Store(world, OptionsFor("/newer", kSafe)).status.ok());
}

// A folder as a machine left it that died between a segment and the record that seals it.
TEST(RestoreTest, WritesASealRecordThatIsMissingBeforeItsOwn) {
  SimEnv world(10);
  LoseStore(world);
  const Bytes checkpoint = env::ReadFile(world.files(), "/backup/checkpoint", kMiB).value();
  {
    Store store(world, OptionsFor(kData));
    for (int i = 0; i < 4; ++i) store.Write(i * 20, 20);
    ASSERT_TRUE(store.Close().ok());
  }
  const auto plan = PlanFolder(world.env(), kData);
  ASSERT_TRUE(plan.ok() && TakeBackup(world, plan).ok());
  ASSERT_TRUE(plan->files[0].path.ends_with(".log"));
  ASSERT_TRUE(world.files().Remove("/backup/" + plan->files[0].path).ok());
  ASSERT_TRUE(env::ReplaceFile(world.files(), kBackup, "checkpoint", checkpoint).ok());
  const auto sealed = LeavesIn(world, kBackup);
  ASSERT_GT(sealed.size(), 100u);

  const auto restored = Restore(world.env(), {.from = kBackup, .data_dir = kNew, .epoch = {}});
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  const auto leaves = LeavesIn(world, kNew);
  ASSERT_EQ(leaves.size(), sealed.size() + 2);
  EXPECT_NE(leaves[sealed.size()].find("sealtrail.segment.seal"), std::string::npos);
  EXPECT_NE(leaves.back().find(fmt::format(R"(["sealtrail.tree.size","{}"])", sealed.size() + 1)),
            std::string::npos);
  Store store(world, OptionsFor(kNew));
  EXPECT_TRUE(store.status.ok()) << store.status.ToString();
}

TEST(RestoreTest, AFolderThatIsNotEmptyIsLeftAlone) {
  SimEnv world(8);
  LoseStore(world);
  ASSERT_TRUE(world.files().MakeDir(kNew).ok());
  ASSERT_TRUE(world.files().MakeDir("/new/photos").ok());
  const auto restored = Restore(world.env(), {.from = kBackup, .data_dir = kNew, .epoch = {}});
  EXPECT_EQ(restored.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(restored.status().message().find("photos"), std::string::npos);
  EXPECT_EQ(world.files().List(kNew)->size(), 1u);
}

// All tree heads that were signed, by the log's name and the size.
class SignedHeads {
 public:
  explicit SignedHeads(SimEnv& world) : world_(world) {
    world.files().Observe([this](int, const std::string&, ByteView bytes) {
      const auto note = tlog::ParseNote(AsText(bytes));
      if (!note.ok()) return;
      const auto checkpoint = tlog::ParseCheckpointText(note->text);
      if (!checkpoint.ok()) return;
      const auto [at, fresh] = roots_.try_emplace(
          std::pair(checkpoint->origin, Value(checkpoint->size)), checkpoint->root);
      if (!fresh && at->second != checkpoint->root) twice_ = note->text;
    });
  }
  ~SignedHeads() { world_.files().Observe(nullptr); }
  const std::string& twice() const { return twice_; }

 private:
  SimEnv& world_;
  std::map<std::pair<std::string, uint64_t>, crypto::Hash> roots_;
  std::string twice_;
};

// Goal: whenever the power fails in a restore, there is no trail in the folder or the whole one; and whatever is done
// next, no log ever signs two trees of one size.
// Method: cut the power at each operation; then start what is there, or restore once more into another folder.
TEST(RestoreTest, APowerCutLeavesNoTrailOrTheWholeOne) {
  const auto restore = [](SimEnv& world, const std::string& to, const std::string& signing) {
    return Restore(
        world.env(),
        {.from = kBackup, .data_dir = to, .epoch = {.actor = "a", .signing_state_dir = signing}});
  };
  for (const std::string signing : {"", kSafe}) {
    SimEnv clean(9);
    LoseStore(clean, signing);
    const int before = clean.files().operations();
    ASSERT_TRUE(restore(clean, kNew, signing).ok());
    const int operations = clean.files().operations() - before;
    ASSERT_GT(operations, 20);
    int whole = 0, none = 0;
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      for (int cut = 0; cut < operations; ++cut) {
        SCOPED_TRACE(fmt::format("power cut at operation {}, seed {}", cut, seed));
        SimEnv world(seed);
        const Lost lost = LoseStore(world, signing);
        const SignedHeads heads(world);
        world.files().CutPowerAt(world.files().operations() + cut);
        (void)restore(world, kNew, signing);
        world.Crash();
        world.files().PowerOn();
        std::string data = kNew;
        if (!world.files().Stat("/new/trail").ok()) {
          ++none;
          const auto names = world.files().List(kNew);
          if (names.ok() && std::ranges::count(*names, kRestoringNote) != 0) {
            const Store refused(world, OptionsFor(kNew, signing));
            ASSERT_NE(refused.status.message().find("interrupted"), std::string::npos)
                << refused.status.ToString();
          } else if (names.ok()) {
            for (const std::string& name : *names)
              ASSERT_TRUE(name == "LOCK" || name.ends_with(".tmp")) << name << world.Describe();
          }
          if (signing.empty()) continue;
          data = "/again";
          const auto again = restore(world, data, signing);
          ASSERT_TRUE(again.ok()) << again.status().ToString() << world.Describe();
        } else {
          ++whole;
        }
        Store store(world, OptionsFor(data, signing));
        ASSERT_TRUE(store.status.ok()) << store.status.ToString() << world.Describe();
        ASSERT_TRUE(store.Close().ok());
        ExpectBeginsWith(LeavesIn(world, data), lost.backed_up);
        ASSERT_EQ(heads.twice(), "") << world.Describe();
        if (HasFatalFailure()) return;
      }
    }
    EXPECT_GT(whole, 0);
    EXPECT_GT(none, 0);
  }
}

}  // namespace
}  // namespace sealtrail::ledger
