// A read that fails says nothing: neither that something is absent, nor that it is damaged. Whoever meets it stops with that
// error, and has changed nothing that counts. Each read of a piece of work fails in turn.
#include <map>

#include <gtest/gtest.h>

#include "env/testing/sim_env.h"
#include "ledger/backup_folder.h"
#include "ledger/folder_reader.h"
#include "ledger/ledger.h"
#include "ledger/testing/batches.h"
#include "ledger/trail.h"

namespace sealtrail::ledger {
namespace {

using env::testing::SimEnv;
using ledger::testing::Batch;

constexpr char kData[] = "/data";
constexpr char kBackup[] = "/backup";
constexpr std::string_view kCannotBeRead = "Input/output error";

struct Store {
  explicit Store(SimEnv& world, std::optional<ExternalSigner> signer = {}) : world(world) {
    auto opened = Ledger::Open(
        world.env(), {.data_dir = kData, .segment_bytes_max = 30'000, .signer = std::move(signer)},
        metrics, [](const Status&) {});
    status = opened.status();
    if (opened.ok()) ledger = *std::move(opened);
  }

  void Write(int first, int count) {
    ledger->Submit(Batch(first, count), [](const Result<record::CommitOutcome>&) {});
    world.executor().RunFor(kNanosPerSecond);
  }

  // In order.
  void Stop() {
    ledger->Close([](const Status&) {});
    world.executor().RunUntilIdle();
    ledger.reset();
    world.executor().DropAll();
  }

  SimEnv& world;
  MetricSet metrics;
  Status status;
  std::unique_ptr<Ledger> ledger;
};

// With sealed segments, tiles, and two keys; nobody runs it.
void MakeTrail(SimEnv& world) {
  Store store(world);
  ASSERT_TRUE(store.status.ok()) << store.status.ToString();
  for (int i = 0; i < 4; ++i) {
    store.Write(i * 100, 100);
    if (i == 1) store.ledger->RotateKey("local:somebody", [](const Status&) {});
  }
  store.Stop();
  ASSERT_TRUE(world.files().Stat("/data/tiles/1").ok());
}

// All files of a folder and the folders in it.
std::map<std::string, Bytes> FilesIn(SimEnv& world, const std::string& dir) {
  std::map<std::string, Bytes> found;
  for (const std::string& name : *world.files().List(dir)) {
    const std::string path = env::JoinPath(dir, name);
    if (world.files().Stat(path)->is_directory) {
      found.merge(FilesIn(world, path));
    } else {
      found[path] = *env::ReadFile(world.files(), path, kGiB);
    }
  }
  return found;
}

// The files that are not the same in both.
std::vector<std::string> Differing(std::map<std::string, Bytes> a, std::map<std::string, Bytes> b) {
  std::vector<std::string> names;
  for (const auto& [path, bytes] : a) {
    const auto other = b.find(path);
    if (other == b.end() || other->second != bytes) names.push_back(path);
    if (other != b.end()) b.erase(other);
  }
  for (const auto& [path, bytes] : b) names.push_back(path);
  return names;
}

// Does `work` in a world of its own with each of its reads failing, and `at_once - 1` after it; returns how many there are.
template <typename Prepare, typename Work>
int FailEach(int at_once, const Prepare& prepare, const Work& work) {
  for (int read = 0;; ++read) {
    SCOPED_TRACE(fmt::format("read {}", read));
    SimEnv world(61);
    prepare(world);
    const int before = world.files().reads();
    for (int i = 0; i < at_once; ++i) world.files().FailRead(before + read + i);
    const auto failed = [&, begin = before + read] { return world.files().reads() > begin; };
    if (!work(world, failed) || ::testing::Test::HasFailure()) return read;
  }
}

TEST(FailedReadTest, AStartSaysWhatCouldNotBeRead) {
  for (const int at_once : {1, 2}) {
    int refused = 0;
    const int reads = FailEach(at_once, MakeTrail, [&](SimEnv& world, const auto& failed) {
      {
        Store store(world);
        if (!failed()) return false;
        if (store.ledger == nullptr) {
          ++refused;
          EXPECT_EQ(store.status.code(), StatusCode::kUnavailable) << store.status.ToString();
          EXPECT_NE(store.status.message().find(kCannotBeRead), std::string::npos)
              << store.status.ToString();
        }
      }
      world.executor().DropAll();
      world.files().ClearFaults();
      Store next(world);
      EXPECT_NE(next.ledger, nullptr) << next.status.ToString();
      return true;
    });
    EXPECT_GT(refused, 30);
    EXPECT_GT(reads, refused);
  }
}

// A bad inode can be neither opened nor looked at. The trail's key is held by a command, which is not asked here.
TEST(FailedReadTest, AKeyThatCannotBeReadIsNotReplaced) {
  const auto signer = tlog::Signer::FromSeed("trail.example/a", Bytes(32, 1)).value();
  const auto prepare = [&](SimEnv& world) {
    Store store(world,
                ExternalSigner{.vkey = signer.verifier().vkey(),
                               .sign = [&](std::string_view text) -> Result<Bytes> {
                                 return tlog::ParseNote(signer.Sign(text))->signatures[0].signature;
                               }});
    ASSERT_TRUE(store.status.ok()) << store.status.ToString();
    store.Stop();
  };
  const int reads = FailEach(2, prepare, [&](SimEnv& world, const auto& failed) {
    world.files().CountReads(false);
    const auto keys = FilesIn(world, "/data/keys");
    world.files().CountReads(true);
    Store store(world);
    EXPECT_EQ(store.ledger, nullptr) << "nothing signs for it";
    if (!failed()) return false;
    world.files().ClearFaults();
    EXPECT_EQ(Differing(FilesIn(world, "/data/keys"), keys), std::vector<std::string>())
        << store.status.ToString();
    return true;
  });
  EXPECT_GT(reads, 9);
}

// --- Backups --------------------------------------------------------------------------------------

Result<BackupResult> TakeBackup(SimEnv& world) {
  SEAL_ASSIGN_OR_RETURN(const BackupPlan plan, PlanFolder(world.env(), kData));
  SEAL_ASSIGN_OR_RETURN(const std::string note, env::ReadText(world.files(), "/data/trail", kMiB));
  SEAL_ASSIGN_OR_RETURN(BackupFolder folder, BackupFolder::Open(world.env(), kBackup, note));
  return folder.Take(kData, plan, false);
}

// What a backup has of a trail that it is up to date with.
std::map<std::string, Bytes> WholeBackup() {
  SimEnv world(61);
  MakeTrail(world);
  EXPECT_TRUE(TakeBackup(world).ok());
  return FilesIn(world, kBackup);
}

TEST(FailedReadTest, ABackupIsWholeOrAnError) {
  const auto whole = WholeBackup();
  ASSERT_TRUE(whole.contains("/backup/tiles/1"));
  int refused = 0;
  const int reads = FailEach(1, MakeTrail, [&](SimEnv& world, const auto& failed) {
    const auto taken = TakeBackup(world);
    if (!failed()) return false;
    world.files().ClearFaults();
    refused += !taken.ok();
    if (taken.ok()) {
      EXPECT_EQ(Differing(FilesIn(world, kBackup), whole), std::vector<std::string>());
    }
    const auto again = TakeBackup(world);
    EXPECT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_EQ(Differing(FilesIn(world, kBackup), whole), std::vector<std::string>());
    return true;
  });
  EXPECT_GT(refused, 30);
  EXPECT_GT(reads, refused);
}

TEST(FailedReadTest, AStoreIsNotTakenForABackup) {
  const int reads = FailEach(1, MakeTrail, [&](SimEnv& world, const auto& failed) {
    const auto files = [&] {
      world.files().CountReads(false);
      auto found = FilesIn(world, kData);
      world.files().CountReads(true);
      return found;
    };
    const auto before = files();
    const std::string note(AsText(before.at("/data/trail")));
    EXPECT_FALSE(BackupFolder::Open(world.env(), kData, note).ok());
    EXPECT_EQ(Differing(files(), before), std::vector<std::string>());
    return failed();
  });
  EXPECT_GT(reads, 0);
}

}  // namespace
}  // namespace sealtrail::ledger
