// Goal: the simulated file system keeps exactly what POSIX promises to keep, loses what it may
// lose, and fails as told; and without faults nobody can tell it from the real one.
#include "env/testing/sim_fs.h"

#include <array>
#include <bit>
#include <cerrno>
#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "env/real_files.h"
#include "env/testing/temp_folder.h"

namespace sealtrail::env::testing {
namespace {

constexpr int kSeeds = 200;

Bytes Pattern(size_t size, uint64_t seed) {
  Seeded choices(seed, 9);
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(1 + choices.Below(255));  // never zero
  return bytes;
}

// A file with its name, synced as far as `durable` says.
std::unique_ptr<WritableFile> MustCreate(FileSystem& fs, const std::string& path) {
  auto file = fs.Create(path);
  SEAL_CHECK(file.ok());
  return std::move(file).value();
}

Bytes MustRead(FileSystem& fs, const std::string& path) {
  auto content = ReadFile(fs, path, kMiB);
  SEAL_CHECK(content.ok());
  return std::move(content).value();
}

bool IsThere(FileSystem& fs, const std::string& path) {
  return fs.Stat(path).ok();
}

bool IsPrefix(ByteView prefix, ByteView whole) {
  return prefix.size() <= whole.size() && Equal(prefix, whole.first(prefix.size()));
}

// --- Reads.

TEST(SimFsTest, AReadThatIsToldToFailsOnceAndNothingElse) {
  using Call = std::function<Status(SimFs&, const ReadableFile&)>;
  const std::vector<Call> calls = {
      [](SimFs& fs, const ReadableFile&) { return fs.OpenRead("/f").status(); },
      [](SimFs& fs, const ReadableFile&) { return fs.OpenRead("/none").status(); },
      [](SimFs&, const ReadableFile& file) {
        Bytes out(5);
        return file.ReadAt(0, out).status();
      },
      [](SimFs&, const ReadableFile& file) { return file.Size().status(); },
      [](SimFs& fs, const ReadableFile&) { return fs.List("/").status(); },
      [](SimFs& fs, const ReadableFile&) { return fs.Stat("/f").status(); },
      [](SimFs& fs, const ReadableFile&) { return fs.RealPath("/f").status(); }};
  for (size_t i = 0; i < calls.size(); ++i) {
    SCOPED_TRACE(i);
    SimFs fs;
    ASSERT_TRUE(MustCreate(fs, "/f")->Append(Pattern(5, 1)).ok());
    const auto file = fs.OpenRead("/f");
    const int reads = fs.reads();
    const int operations = fs.operations();
    const Status without = calls[i](fs, **file);
    ASSERT_EQ(fs.reads(), reads + 1);
    fs.FailRead(fs.reads() + 1);
    EXPECT_EQ(calls[i](fs, **file).code(), without.code());
    fs.CountReads(false);
    EXPECT_EQ(calls[i](fs, **file).code(), without.code()) << "of one who looks on";
    fs.CountReads(true);
    const Status failed = calls[i](fs, **file);
    EXPECT_EQ(failed.code(), StatusCode::kUnavailable);
    EXPECT_NE(failed.message().find("Input/output error"), std::string::npos) << failed.message();
    EXPECT_EQ(calls[i](fs, **file).code(), without.code());
    fs.FailRead(fs.reads());
    fs.ClearFaults();
    EXPECT_EQ(calls[i](fs, **file).code(), without.code());
    EXPECT_EQ(fs.operations(), operations);
  }
}

// --- What is durable.

TEST(SimFsTest, SyncedContentUnderASyncedNameSurvivesEveryCut) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    auto file = MustCreate(fs, "/f");
    ASSERT_TRUE(file->Append(Pattern(5'000, 1)).ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(fs.SyncDir("/").ok());
    ASSERT_TRUE(file->Append(Pattern(9'000, 2)).ok());
    fs.PowerOn();
    const Bytes left = MustRead(fs, "/f");
    EXPECT_TRUE(IsPrefix(Pattern(5'000, 1), left)) << fs.trace();
    EXPECT_LE(left.size(), 14'000u) << fs.trace();
  }
}

TEST(SimFsTest, UnsyncedBytesAreKeptLostTornAndGarbled) {
  bool whole = false, none = false, zeros = false, garbage = false, between = false, torn = false;
  const Bytes pattern = Pattern(20'000, 1);
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    auto file = MustCreate(fs, "/f");
    ASSERT_TRUE(fs.SyncDir("/").ok());
    ASSERT_TRUE(file->Append(pattern).ok());
    fs.PowerOn();
    const Bytes left = MustRead(fs, "/f");
    whole |= left == pattern;
    none |= left.empty();
    between |= !left.empty() && left.size() < pattern.size();
    for (size_t page = 0; page + 512 <= left.size(); page += 512) {
      size_t kept = 0, zero = 0;
      for (size_t i = page; i < page + 512; ++i) {
        kept += left[i] == pattern[i];
        zero += left[i] == 0;
      }
      zeros |= zero == 512;
      torn |= kept > 0 && zero > 0 && kept + zero == 512;
      garbage |= kept + zero < 400;
    }
  }
  EXPECT_TRUE(whole && none && zeros && garbage && between && torn)
      << whole << none << zeros << garbage << between << torn;
}

TEST(SimFsTest, ANameIsDurableOnlyAfterSyncOfItsFolder) {
  std::set<bool> synced_file, synced_name;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    auto lost = MustCreate(fs, "/lost");
    ASSERT_TRUE(lost->Append(Pattern(100, 1)).ok());
    ASSERT_TRUE(lost->Sync().ok());
    fs.PowerOn();
    synced_file.insert(IsThere(fs, "/lost"));
    if (IsThere(fs, "/lost")) {
      EXPECT_EQ(MustRead(fs, "/lost"), Pattern(100, 1));
    }

    ASSERT_TRUE(fs.Create("/kept").ok());
    ASSERT_TRUE(fs.SyncDir("/").ok());
    fs.PowerOn();
    synced_name.insert(IsThere(fs, "/kept"));
  }
  EXPECT_EQ(synced_file, (std::set{false, true}));
  EXPECT_EQ(synced_name, (std::set{true}));
}

TEST(SimFsTest, AFolderVanishesWithAllItHoldsUntilItsParentIsSynced) {
  std::set<bool> there;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    ASSERT_TRUE(fs.MakeDir("/d").ok());
    auto file = MustCreate(fs, "/d/f");
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(fs.SyncDir("/d").ok());
    fs.PowerOn();
    EXPECT_EQ(IsThere(fs, "/d"), IsThere(fs, "/d/f"));
    there.insert(IsThere(fs, "/d"));
  }
  EXPECT_EQ(there, (std::set{false, true}));
}

TEST(SimFsTest, AnUnsyncedRenameHappenedOrNotAndNeverHalf) {
  std::set<std::string> contents;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    ASSERT_TRUE(ReplaceFile(fs, "/", "f", AsBytes("old")).ok());
    auto file = MustCreate(fs, "/f.new");
    ASSERT_TRUE(file->Append(AsBytes("new")).ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(fs.SyncDir("/").ok());
    ASSERT_TRUE(fs.Rename("/f.new", "/f").ok());
    fs.PowerOn();
    const std::string content(AsText(MustRead(fs, "/f")));
    EXPECT_EQ(IsThere(fs, "/f.new"), content == "old") << fs.trace();
    contents.insert(content);
  }
  EXPECT_EQ(contents, (std::set<std::string>{"new", "old"}));
}

// The classic mistake: rename without a sync of the content first.
TEST(SimFsTest, ARenameCanOutliveTheContentBehindIt) {
  bool seen = false;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    auto file = MustCreate(fs, "/f.new");
    ASSERT_TRUE(file->Append(AsBytes("new")).ok());
    ASSERT_TRUE(fs.Rename("/f.new", "/f").ok());
    ASSERT_TRUE(fs.SyncDir("/").ok());
    fs.PowerOn();
    ASSERT_TRUE(IsThere(fs, "/f"));
    seen |= MustRead(fs, "/f") != Bytes({'n', 'e', 'w'});
  }
  EXPECT_TRUE(seen);
}

TEST(SimFsTest, AnUnsyncedRemovalMayComeBack) {
  std::set<bool> there;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    ASSERT_TRUE(ReplaceFile(fs, "/", "f", AsBytes("x")).ok());
    ASSERT_TRUE(fs.Remove("/f").ok());
    EXPECT_FALSE(IsThere(fs, "/f"));
    fs.PowerOn();
    there.insert(IsThere(fs, "/f"));
  }
  EXPECT_EQ(there, (std::set{false, true}));
}

TEST(SimFsTest, ChangesOfDifferentNamesDoNotWaitForEachOther) {
  std::set<std::vector<std::string>> lists;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    ASSERT_TRUE(fs.Create("/a").ok());
    ASSERT_TRUE(fs.Create("/b").ok());
    fs.PowerOn();
    lists.insert(*fs.List("/"));
  }
  EXPECT_EQ(lists, (std::set<std::vector<std::string>>{{}, {"a"}, {"b"}, {"a", "b"}}));
}

TEST(SimFsTest, ChangesOfOneFileKeepTheirOrder) {
  std::set<std::vector<std::string>> lists;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    ASSERT_TRUE(fs.Create("/a").ok());
    ASSERT_TRUE(fs.Rename("/a", "/b").ok());
    ASSERT_TRUE(fs.Rename("/b", "/c").ok());
    fs.PowerOn();
    lists.insert(*fs.List("/"));
  }
  EXPECT_EQ(lists, (std::set<std::vector<std::string>>{{}, {"a"}, {"b"}, {"c"}}));
}

// The new file must not take the name before the old one has left it: the old one is durable.
TEST(SimFsTest, ANameIsNotTakenBeforeItIsFree) {
  std::set<std::vector<std::string>> lists;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    ASSERT_TRUE(ReplaceFile(fs, "/", "a", AsBytes("old")).ok());
    ASSERT_TRUE(fs.Rename("/a", "/b").ok());
    ASSERT_TRUE(fs.Create("/a").ok());
    fs.PowerOn();
    lists.insert(*fs.List("/"));
    EXPECT_EQ(AsText(MustRead(fs, IsThere(fs, "/b") ? "/b" : "/a")), "old") << fs.trace();
  }
  EXPECT_EQ(lists, (std::set<std::vector<std::string>>{{"a"}, {"b"}, {"a", "b"}}));
}

TEST(SimFsTest, ASyncedRemovalStaysRemoved) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    ASSERT_TRUE(fs.Create("/f").ok());
    ASSERT_TRUE(fs.SyncDir("/").ok());
    ASSERT_TRUE(fs.Remove("/f").ok());
    ASSERT_TRUE(fs.SyncDir("/").ok());
    fs.PowerOn();
    EXPECT_FALSE(IsThere(fs, "/f"));
  }
}

TEST(SimFsTest, AQuarterOfTheCutsTakesAllAndAQuarterNothing) {
  int none = 0, all = 0;
  for (uint64_t seed = 0; seed < 1'000; ++seed) {
    SimFs fs({.seed = seed});
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(fs.Create(fmt::format("/{}", i)).ok());
    fs.PowerOn();
    none += fs.List("/")->empty();
    all += fs.List("/")->size() == 20;
  }
  EXPECT_NEAR(none, 250, 60);
  EXPECT_NEAR(all, 250, 60);
}

TEST(SimFsTest, TruncateIsDurable) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    ASSERT_TRUE(ReplaceFile(fs, "/", "f", Pattern(10'000, 1)).ok());
    ASSERT_TRUE(fs.Truncate("/f", 4'000).ok());
    fs.PowerOn();
    const Bytes left = MustRead(fs, "/f");
    EXPECT_EQ(left.size(), 4'000u);
    EXPECT_TRUE(IsPrefix(left, Pattern(10'000, 1)));
  }
}

TEST(SimFsTest, SurvivalCanBeForced) {
  for (const auto& [survival, size] :
       {std::pair{Survival::kNothing, 0u}, {Survival::kEverything, 9'000u}}) {
    SimFs fs({.survival = survival});
    auto file = MustCreate(fs, "/f");
    ASSERT_TRUE(fs.SyncDir("/").ok());
    ASSERT_TRUE(file->Append(Pattern(9'000, 1)).ok());
    ASSERT_TRUE(fs.Create("/g").ok());
    fs.PowerOn();
    EXPECT_EQ(MustRead(fs, "/f").size(), size);
    EXPECT_EQ(IsThere(fs, "/g"), size > 0);
  }
}

// --- Power.

TEST(SimFsTest, NothingWorksWhileThePowerIsOff) {
  SimFs fs;
  auto file = MustCreate(fs, "/f");
  auto reader = *fs.OpenRead("/f");
  fs.CutPower();
  EXPECT_FALSE(fs.powered());
  const int before = fs.operations();
  uint8_t byte;
  for (const Status& status :
       {file->Append(AsBytes("x")), file->Sync(), file->Close(),
        reader->ReadAt(0, {&byte, 1}).status(), reader->Size().status(), fs.Create("/g").status(),
        fs.OpenAppend("/f").status(), fs.OpenRead("/f").status(), fs.Truncate("/f", 0),
        fs.Rename("/f", "/g"), fs.Remove("/f"), fs.MakeDir("/d"), fs.List("/").status(),
        fs.Stat("/f").status(), fs.SyncDir("/"), fs.FreeBytes("/").status(),
        fs.Lock("/l").status()}) {
    EXPECT_EQ(status.ToString(), "UNAVAILABLE: power is off");
  }
  EXPECT_EQ(fs.operations(), before);
}

TEST(SimFsTest, FilesOpenedBeforeACutAreDeadAfterIt) {
  SimFs fs({.survival = Survival::kEverything});
  auto file = MustCreate(fs, "/f");
  auto reader = *fs.OpenRead("/f");
  fs.PowerOn();
  uint8_t byte;
  EXPECT_EQ(file->Append(AsBytes("x")).code(), StatusCode::kUnavailable);
  EXPECT_EQ(file->Sync().code(), StatusCode::kUnavailable);
  EXPECT_EQ(reader->ReadAt(0, {&byte, 1}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(MustRead(fs, "/f").size(), 0u);
}

TEST(SimFsTest, TheCutOperationIsDoneInPartAndNeverConfirmed) {
  std::set<size_t> sizes;
  std::set<bool> created, synced;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs append({.seed = static_cast<uint64_t>(seed),
                  .power_cut_at = 2,
                  .survival = Survival::kEverything});
    auto file = MustCreate(append, "/f");
    ASSERT_TRUE(append.SyncDir("/").ok());
    EXPECT_EQ(file->Append(Pattern(100, 1)).ToString(), "UNAVAILABLE: power is off");
    append.PowerOn();
    sizes.insert(MustRead(append, "/f").size());
    EXPECT_TRUE(IsPrefix(MustRead(append, "/f"), Pattern(100, 1)));

    SimFs create({.seed = static_cast<uint64_t>(seed),
                  .power_cut_at = 0,
                  .survival = Survival::kEverything});
    EXPECT_FALSE(create.Create("/f").ok());
    create.PowerOn();
    created.insert(IsThere(create, "/f"));

    SimFs sync(
        {.seed = static_cast<uint64_t>(seed), .power_cut_at = 3, .survival = Survival::kNothing});
    file = MustCreate(sync, "/f");
    ASSERT_TRUE(sync.SyncDir("/").ok());
    ASSERT_TRUE(file->Append(AsBytes("x")).ok());
    EXPECT_FALSE(file->Sync().ok());
    sync.PowerOn();
    synced.insert(!MustRead(sync, "/f").empty());
  }
  EXPECT_GT(sizes.size(), 50u);
  EXPECT_EQ(created, (std::set{false, true}));
  EXPECT_EQ(synced, (std::set{false, true}));
}

TEST(SimFsTest, PowerCanFailAgainDuringRecovery) {
  SimFs fs({.power_cut_at = 0});
  EXPECT_FALSE(fs.MakeDir("/d").ok());
  fs.PowerOn();
  fs.CutPowerAt(fs.operations() + 1);
  EXPECT_TRUE(fs.MakeDir("/e").ok());
  EXPECT_FALSE(fs.SyncDir("/").ok());
  EXPECT_FALSE(fs.powered());
}

TEST(SimFsTest, LocksExcludeAndEndWithTheirHolderOrThePower) {
  SimFs fs({.survival = Survival::kEverything});
  auto lock = fs.Lock("/LOCK");
  ASSERT_TRUE(lock.ok());
  EXPECT_TRUE(fs.IsLocked("/LOCK"));
  EXPECT_EQ(fs.Lock("/LOCK").status().ToString(), "UNAVAILABLE: /LOCK is held by another process");
  lock = Unavailable("gone");
  EXPECT_FALSE(fs.IsLocked("/LOCK"));
  EXPECT_FALSE(fs.IsLocked("/none"));
  lock = fs.Lock("/LOCK");
  ASSERT_TRUE(lock.ok());

  fs.PowerOn();
  auto next = fs.Lock("/LOCK");
  ASSERT_TRUE(next.ok());
  lock = Unavailable("gone");  // the dead process's lock must not free the new one
  EXPECT_FALSE(fs.Lock("/LOCK").ok());
}

// --- Faults.

TEST(SimFsTest, OperationsFailAsTheRealOnesWould) {
  SimFs fs({.fail_at = 0, .fail_with = ENOSPC});
  EXPECT_EQ(fs.Create("/f").status().ToString(), "UNAVAILABLE: create /f: No space left on device");
  EXPECT_FALSE(IsThere(fs, "/f"));
  auto file = MustCreate(fs, "/f");
  fs.FailOperation(fs.operations(), EIO);
  EXPECT_EQ(file->Append(AsBytes("x")).ToString(), "UNAVAILABLE: write /f: Input/output error");
  fs.FailOperation(fs.operations(), EIO);
  EXPECT_EQ(file->Sync().ToString(), "UNAVAILABLE: fdatasync /f: Input/output error");
  EXPECT_TRUE(file->Sync().ok());
}

TEST(SimFsTest, AFailedAppendMayHaveWrittenAPart) {
  std::set<size_t> sizes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed), .fail_at = 1});
    auto file = MustCreate(fs, "/f");
    EXPECT_FALSE(file->Append(Pattern(100, 1)).ok());
    EXPECT_EQ(file->size(), MustRead(fs, "/f").size());
    sizes.insert(file->size());
  }
  EXPECT_GT(sizes.size(), 50u);
}

TEST(SimFsTest, AfterAFailedSyncTheNextOneMayLie) {
  int lost = 0, kept = 0;
  const Bytes pattern = Pattern(8'192, 1);
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed), .survival = Survival::kNothing, .fail_at = 3});
    auto file = MustCreate(fs, "/f");
    ASSERT_TRUE(fs.SyncDir("/").ok());
    ASSERT_TRUE(file->Append(pattern).ok());
    ASSERT_FALSE(file->Sync().ok());
    ASSERT_TRUE(file->Sync().ok());
    EXPECT_EQ(MustRead(fs, "/f"), pattern) << "programs still see it";
    fs.PowerOn();
    ++(MustRead(fs, "/f") == pattern ? kept : lost);
  }
  EXPECT_GT(lost, 100);
  EXPECT_GT(kept, 0);
}

TEST(SimFsTest, BytesAppendedAfterAFailedSyncAreSyncedWithTheirPage) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed), .survival = Survival::kNothing, .fail_at = 3});
    auto file = MustCreate(fs, "/f");
    ASSERT_TRUE(fs.SyncDir("/").ok());
    ASSERT_TRUE(file->Append(Pattern(4'000, 1)).ok());
    ASSERT_FALSE(file->Sync().ok());
    ASSERT_TRUE(file->Append(Pattern(50, 2)).ok());  // makes the page dirty again
    ASSERT_TRUE(file->Sync().ok());
    fs.PowerOn();
    Bytes expected = Pattern(4'000, 1);
    AppendTo(expected, Pattern(50, 2));
    EXPECT_EQ(MustRead(fs, "/f"), expected);
  }
}

TEST(SimFsTest, RewriteMakesDurableWhatAFailedSyncLeftBehind) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed), .survival = Survival::kNothing, .fail_at = 3});
    auto file = MustCreate(fs, "/f");
    ASSERT_TRUE(fs.SyncDir("/").ok());
    ASSERT_TRUE(file->Append(Pattern(20'000, 1)).ok());
    ASSERT_FALSE(file->Sync().ok());
    ASSERT_TRUE(fs.Rewrite("/f", 0).ok());
    fs.PowerOn();
    EXPECT_EQ(MustRead(fs, "/f"), Pattern(20'000, 1));
  }
}

TEST(SimFsTest, AfterAFailedRewriteASyncMayLie) {
  std::set<bool> durable;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed), .survival = Survival::kNothing, .fail_at = 3});
    auto file = MustCreate(fs, "/f");
    ASSERT_TRUE(fs.SyncDir("/").ok());
    ASSERT_TRUE(file->Append(Pattern(100, 1)).ok());
    ASSERT_FALSE(fs.Rewrite("/f", 0).ok());
    ASSERT_TRUE(file->Sync().ok());
    fs.PowerOn();
    durable.insert(MustRead(fs, "/f") == Pattern(100, 1));
  }
  EXPECT_EQ(durable, (std::set{false, true}));
}

TEST(SimFsTest, ATruncateCutShortIsDurableOrNot) {
  std::set<size_t> left;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed), .survival = Survival::kNothing});
    ASSERT_TRUE(ReplaceFile(fs, "/", "f", Pattern(100, 1)).ok());
    fs.CutPowerAt(fs.operations());
    ASSERT_FALSE(fs.Truncate("/f", 0).ok());
    fs.PowerOn();
    left.insert(MustRead(fs, "/f").size());
  }
  EXPECT_EQ(left, (std::set<size_t>{0, 100}));
}

TEST(SimFsTest, AFailedTruncateMayHaveCutTheFile) {
  std::set<size_t> seen, left;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed)});
    ASSERT_TRUE(ReplaceFile(fs, "/", "f", Pattern(100, 1)).ok());
    fs.FailOperation(fs.operations(), EIO);
    ASSERT_FALSE(fs.Truncate("/f", 0).ok());
    seen.insert(MustRead(fs, "/f").size());
    fs.PowerOn();
    left.insert(MustRead(fs, "/f").size());
  }
  EXPECT_EQ(seen, (std::set<size_t>{0, 100}));
  EXPECT_TRUE(left.contains(0) && left.contains(100));
}

TEST(SimFsTest, PagesAFailedSyncLeftBehindHoldWhatWasDurableThere) {
  bool seen = false;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimFs fs({.seed = static_cast<uint64_t>(seed), .survival = Survival::kNothing});
    ASSERT_TRUE(ReplaceFile(fs, "/", "f", Pattern(4'096, 1)).ok());
    fs.LoseSync(fs.operations());
    ASSERT_TRUE(fs.Truncate("/f", 0).ok());
    auto file = *fs.OpenAppend("/f");
    ASSERT_TRUE(file->Append(Pattern(4'096, 2)).ok());
    fs.FailOperation(fs.operations(), EIO);
    ASSERT_FALSE(file->Sync().ok());
    ASSERT_TRUE(file->Sync().ok());
    fs.PowerOn();
    const Bytes left = MustRead(fs, "/f");
    EXPECT_TRUE(left == Pattern(4'096, 1) || left == Pattern(4'096, 2));
    seen |= left == Pattern(4'096, 1);
  }
  EXPECT_TRUE(seen);
}

TEST(SimFsTest, ALostSyncClaimsSuccess) {
  SimFs fs({.survival = Survival::kNothing});
  auto file = MustCreate(fs, "/f");
  ASSERT_TRUE(fs.SyncDir("/").ok());
  ASSERT_TRUE(file->Append(AsBytes("x")).ok());
  fs.LoseSync(fs.operations());
  EXPECT_TRUE(file->Sync().ok());
  fs.PowerOn();
  EXPECT_TRUE(MustRead(fs, "/f").empty());

  for (const bool lose_names : {false, true}) {
    SimFs other({.survival = Survival::kNothing,
                 .lose_file_syncs = !lose_names,
                 .lose_dir_syncs = lose_names});
    file = MustCreate(other, "/f");
    ASSERT_TRUE(file->Append(AsBytes("x")).ok());
    EXPECT_TRUE(file->Sync().ok());
    EXPECT_TRUE(other.SyncDir("/").ok());
    other.PowerOn();
    EXPECT_EQ(IsThere(other, "/f"), !lose_names);
    if (!lose_names) {
      EXPECT_TRUE(MustRead(other, "/f").empty());
    }
  }
}

TEST(SimFsTest, TheDiskFillsAndIsEnlarged) {
  SimFs fs({.capacity_bytes = 100});
  auto file = MustCreate(fs, "/f");
  EXPECT_EQ(*fs.FreeBytes("/"), 100u);
  EXPECT_EQ(*fs.TotalBytes("/"), 100u);
  EXPECT_TRUE(file->Append(Pattern(60, 1)).ok());
  EXPECT_EQ(*fs.FreeBytes("/"), 40u);
  EXPECT_EQ(file->Append(Pattern(50, 2)).ToString(),
            "UNAVAILABLE: write /f: No space left on device");
  EXPECT_EQ(file->size(), 100u);
  EXPECT_EQ(*fs.FreeBytes("/"), 0u);
  fs.SetCapacity(1'000);
  EXPECT_TRUE(file->Append(Pattern(50, 2)).ok());
  ASSERT_TRUE(fs.Remove("/f").ok());
  EXPECT_EQ(*fs.FreeBytes("/"), 1'000u);
}

TEST(SimFsTest, AReadOnlyDiskRefusesChangesOnly) {
  SimFs fs;
  auto file = MustCreate(fs, "/f");
  ASSERT_TRUE(file->Append(AsBytes("x")).ok());
  ASSERT_TRUE(fs.Create("/l").ok());
  fs.SetReadOnly(true);
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(fs.SyncDir("/").ok());
  for (const Status& status :
       {file->Append(AsBytes("y")), fs.Create("/g").status(), fs.Truncate("/f", 0),
        fs.Rename("/f", "/g"), fs.Remove("/f"), fs.MakeDir("/d"), fs.Lock("/l").status(),
        fs.Lock("/new").status()}) {
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
    EXPECT_TRUE(status.message().ends_with("Read-only file system")) << status.ToString();
  }
  EXPECT_EQ(MustRead(fs, "/f"), Bytes{'x'});
  EXPECT_EQ(*fs.List("/"), (std::vector<std::string>{"f", "l"}));
  fs.SetReadOnly(false);
  EXPECT_TRUE(file->Append(AsBytes("y")).ok());
}

TEST(SimFsTest, BitsRot) {
  SimFs fs;
  ASSERT_TRUE(ReplaceFile(fs, "/", "f", AsBytes("abc")).ok());
  fs.FlipBit("/f", 1, 0);
  EXPECT_EQ(MustRead(fs, "/f"), (Bytes{'a', 'c', 'c'}));
  fs.PowerOn();
  EXPECT_EQ(MustRead(fs, "/f"), (Bytes{'a', 'c', 'c'}));
}

TEST(SimFsTest, ASpoiledWriteAnswersOkAndIsWrongByOneBit) {
  SimFs fs;
  auto file = MustCreate(fs, "/f");
  fs.SpoilWrite(fs.operations());
  ASSERT_TRUE(file->Append(Pattern(500, 1)).ok());
  ASSERT_TRUE(file->Append(Pattern(500, 2)).ok());
  const Bytes content = MustRead(fs, "/f");
  int wrong_bits = 0;
  for (size_t i = 0; i < 500; ++i)
    wrong_bits += std::popcount<uint8_t>(content[i] ^ Pattern(500, 1)[i]);
  EXPECT_EQ(wrong_bits, 1);
  EXPECT_TRUE(Equal(Pattern(500, 2), ByteView(content).subspan(500)));
}

TEST(SimFsTest, AnObserverIsToldOfEachAppendAlsoOfThoseThatFail) {
  SimFs fs;
  std::vector<std::string> told;
  fs.Observe([&](int number, const std::string& path, ByteView bytes) {
    told.push_back(fmt::format("{} {} {}", number, path, AsText(bytes)));
  });
  auto file = MustCreate(fs, "/f");
  const std::array<ByteView, 2> parts = {AsBytes("a"), AsBytes("b")};
  ASSERT_TRUE(file->Append(parts).ok());
  fs.FailOperation(fs.operations(), EIO);
  EXPECT_FALSE(file->Append(AsBytes("c")).ok());
  EXPECT_EQ(told, (std::vector<std::string>{"1 /f ab", "2 /f c"}));
}

TEST(SimFsTest, ClearedFaultsDoNotCome) {
  SimFs fs({.power_cut_at = 2, .fail_at = 0});
  fs.LoseSync(1);
  fs.ClearFaults();
  ASSERT_TRUE(ReplaceFile(fs, "/", "f", AsBytes("abc")).ok());
  EXPECT_TRUE(fs.powered());
}

TEST(SimFsTest, OneSeedGivesOneStory) {
  const auto story = [](uint64_t seed) {
    SimFs fs({.seed = seed, .power_cut_at = 9});
    for (int i = 0; i < 5; ++i) {
      auto file = fs.Create(fmt::format("/{}", i));
      if (file.ok()) (void)(*file)->Append(Pattern(3'000, 1)).ok();
    }
    fs.PowerOn();
    return fs.trace();
  };
  EXPECT_EQ(story(5), story(5));
  std::set<std::string> stories;
  for (uint64_t seed = 0; seed < 20; ++seed) stories.insert(story(seed));
  EXPECT_GT(stories.size(), 10u);
  EXPECT_NE(story(5).find("seed 5\n0 create /0\n1 write /0 3000 bytes\n"), std::string::npos)
      << story(5);
}

// The example of the manual: a writer that syncs as it should loses nothing that it confirmed, at
// no cut.
TEST(SimFsTest, ReplaceFileIsAtomicAtEveryCut) {
  SimFs clean;
  ASSERT_TRUE(ReplaceFile(clean, "/", "f", AsBytes("old")).ok());
  const int first = clean.operations();
  ASSERT_TRUE(ReplaceFile(clean, "/", "f", AsBytes("new")).ok());
  for (int cut = first; cut < clean.operations(); ++cut) {
    for (int seed = 0; seed < kSeeds; ++seed) {
      SimFs fs({.seed = static_cast<uint64_t>(seed), .power_cut_at = cut});
      ASSERT_TRUE(ReplaceFile(fs, "/", "f", AsBytes("old")).ok());
      ASSERT_FALSE(ReplaceFile(fs, "/", "f", AsBytes("new")).ok());
      fs.PowerOn();
      const std::string content(AsText(MustRead(fs, "/f")));
      ASSERT_TRUE(content == "old" || content == "new") << content << "\n" << fs.trace();
      ASSERT_TRUE(ReplaceFile(fs, "/", "f", AsBytes("newer")).ok())
          << "what lies about must not disturb";
      fs.PowerOn();
      ASSERT_EQ(AsText(MustRead(fs, "/f")), "newer");
    }
  }
}

// --- Without faults it is a file system like any other.

// Drives one file system by choices, and writes down what it answered, with its root taken out.
class Driver {
 public:
  Driver(FileSystem& fs, std::string root, uint64_t seed)
      : fs_(fs), root_(std::move(root)), choices_(seed, 3) {}

  std::string Run(int steps) {
    for (const char* name : {"d", "d/e"}) Log("mkdir", fs_.MakeDir(JoinPath(root_, name)));
    for (int i = 0; i < steps; ++i) Step();
    DescribeTree(root_);
    for (size_t at; (at = log_.find(root_)) != std::string::npos;) log_.erase(at, root_.size());
    return log_;
  }

 private:
  std::string Path() {
    static constexpr std::string_view kPaths[] = {"a", "b",   "c",   "d",     "d/a", "d/b",
                                                  "e", "e/a", "d/e", "d/e/a", "a/x"};
    return JoinPath(root_, kPaths[choices_.Below(std::size(kPaths))]);
  }

  // Also the text of an error must agree: operators read it.
  void Log(std::string_view what, const Status& status) {
    log_ += fmt::format("{} {}\n", what, status.ToString());
  }

  void Step() {
    const std::string path = Path();
    switch (choices_.Below(15)) {
      case 0: {
        auto file = fs_.Create(path);
        Log("create", file.status());
        if (file.ok()) files_[choices_.Below(4)] = std::move(file).value();
        break;
      }
      case 1: {
        auto file = fs_.OpenAppend(path);
        Log("open", file.status());
        if (file.ok()) files_[choices_.Below(4)] = std::move(file).value();
        break;
      }
      case 2:
      case 3: {
        auto& file = files_[choices_.Below(4)];
        const Bytes one = Pattern(choices_.Below(3'000), 1), two = Pattern(choices_.Below(10), 2);
        const std::vector<ByteView> parts{one, {}, two};
        if (file) Log(fmt::format("append at {}", file->size()), file->Append(parts));
        break;
      }
      case 4:
        if (auto& file = files_[choices_.Below(4)]; file) Log("sync", file->Sync());
        break;
      case 5:
        if (auto& file = files_[choices_.Below(4)]; file) Log("close", file->Close());
        break;
      case 14:
        Log("rewrite", fs_.Rewrite(path, choices_.Below(5'000)));
        break;
      case 6:
        Log("truncate", fs_.Truncate(path, choices_.Below(5'000)));
        break;
      case 7:
        Log("rename", fs_.Rename(path, Path()));
        break;
      case 8:
        Log("remove", fs_.Remove(path));
        break;
      case 9:
        Log("mkdir", fs_.MakeDir(path));
        break;
      case 10: {
        auto names = fs_.List(path);
        Log(fmt::format("list {}",
                        fmt::join(names.ok() ? *names : std::vector<std::string>{}, " ")),
            names.status());
        break;
      }
      case 11: {
        auto info = fs_.Stat(path);
        Log(info.ok() ? fmt::format("stat {} {}", info->size, info->is_directory) : "stat",
            info.status());
        break;
      }
      case 12:
        Log("syncdir", fs_.SyncDir(path));
        break;
      case 13: {
        auto lock = fs_.Lock(path);
        Log("lock", lock.status());
        if (lock.ok()) lock_ = std::move(lock).value();
        break;
      }
    }
  }

  void DescribeTree(const std::string& path) {
    const auto names = fs_.List(path);
    SEAL_CHECK(names.ok());
    for (const std::string& name : *names) {
      const std::string child = JoinPath(path, name);
      if (fs_.Stat(child)->is_directory) {
        DescribeTree(child);
        continue;
      }
      auto file = *fs_.OpenRead(child);
      Bytes out(2'000);
      const uint64_t offset = choices_.Below(4'000);
      const size_t got = *file->ReadAt(offset, out);
      log_ += fmt::format("{} {} bytes, {} at {}, hash {}\n", child, *file->Size(), got, offset,
                          std::hash<std::string_view>{}(AsText(MustRead(fs_, child))));
    }
  }

  FileSystem& fs_;
  const std::string root_;
  Seeded choices_;
  std::map<uint64_t, std::unique_ptr<WritableFile>> files_;
  std::unique_ptr<FileLock> lock_;
  std::string log_;
};

TEST(SimFsTest, WithoutFaultsItAnswersAsTheRealFileSystem) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    TempFolder folder;
    SimFs sim({.seed = seed});
    ASSERT_TRUE(sim.MakeDir("/root").ok());
    const std::string real_log = Driver(RealFiles(), folder.path(), seed).Run(150);
    const std::string sim_log = Driver(sim, "/root", seed).Run(150);
    ASSERT_EQ(sim_log, real_log);
  }
}

}  // namespace
}  // namespace sealtrail::env::testing
