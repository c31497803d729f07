// Goal: what is signed is signed beside the writer, whoever holds the key and however long that takes; and a trail whose
// keys go from a file to one that is elsewhere, to another, and back, keeps what it promised wherever it is cut off.
// Method: the simulated world of the other sweeps, with keys behind a function that can let the world go on while it
// signs. The power is cut at, and an error injected into, every disk operation of a life with three hand-overs; after the
// restart verify, with the first key alone, must find the folder sound and its authorship passed on.
//
// SEALTRAIL_SIM_SEEDS (default 4) says how many seeds each sweep runs.
#include <cstdlib>
#include <functional>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "batches.h"
#include "env/testing/sim_env.h"
#include "ledger/ledger.h"
#include "verify/verify.h"

namespace sealtrail::sim {
namespace {

using env::testing::SimEnv;
using env::testing::Survival;

constexpr char kData[] = "/data";
constexpr char kOrigin[] = "sim.example/trail";

uint64_t Seeds() {
  const char* text = std::getenv("SEALTRAIL_SIM_SEEDS");
  return text == nullptr ? 4 : std::strtoull(text, nullptr, 10);
}

// A key that is elsewhere. `meanwhile` happens while it signs a text.
struct Holder {
  explicit Holder(uint8_t seed)
      : signer(tlog::Signer::FromSeed(kOrigin, Bytes(32, seed)).value()) {}

  ledger::ExternalSigner External() {
    return {.vkey = signer.verifier().vkey(),
            .sign = [this](std::string_view text) -> Result<Bytes> {
              if (meanwhile) meanwhile(text);
              return tlog::ParseNote(signer.Sign(text))->signatures[0].signature;
            }};
  }

  tlog::Signer signer;
  std::function<void(std::string_view)> meanwhile;
};

struct Process {
  Process(SimEnv& world, ledger::Options options) : world(world) {
    options.data_dir = kData;
    options.origin = kOrigin;
    auto opened = ledger::Ledger::Open(world.env(), options, metrics, [](const Status&) {});
    status = opened.status();
    if (opened.ok()) ledger = *std::move(opened);
  }

  void Submit(const std::string& name, int records) {
    const record::RecordBatch& batch = BatchOf(name, records, false);
    ledger->Submit(batch, [this, &batch](const Result<record::CommitOutcome>& outcome) {
      if (!outcome.ok()) return;
      const std::vector<std::string> leaves = LeavesOf(batch);
      for (size_t i = 0; i < leaves.size(); ++i) acknowledged[(*outcome)[i].seq] = leaves[i];
    });
  }

  SimEnv& world;
  MetricSet metrics;
  Status status;
  std::unique_ptr<ledger::Ledger> ledger;
  std::map<Seq, std::string> acknowledged;
};

// While one signature is made, which takes as long as all of this does.
TEST(SigningPathTest, ASlowSignatureKeepsNobodyWaiting) {
  SimEnv world(1);
  Holder slow(1);
  Process p(world, {.segment_bytes_max = 20'000, .signer = slow.External()});
  ASSERT_NE(p.ledger, nullptr) << p.status.ToString();
  const ledger::CheckpointInfo before = p.ledger->checkpoint();
  Status rotated = Unavailable("no answer"), closed = Unavailable("no answer");
  int within = 0;
  slow.meanwhile = [&](std::string_view text) {
    if (!text.starts_with(kOrigin) || ++within != 1) return;  // a checkpoint, the first one
    for (int i = 0; i < 5; ++i) {
      p.Submit(fmt::format("meanwhile{}", i), 20);
      world.executor().RunFor(kNanosPerSecond);
    }
    EXPECT_EQ(p.acknowledged.size(), 110u) << "all while it was being made";
    EXPECT_GT(p.ledger->segments().size(), 1u) << "sealing goes on, too";
    EXPECT_EQ(within, 1) << "one at a time";
    EXPECT_EQ(p.ledger->checkpoint().note, before.note) << "what is not signed is not shown";
    p.ledger->RotateKey(
        "local:somebody", [&](const Status& s) { rotated = s; }, true);
    world.executor().RunFor(kNanosPerSecond);
    EXPECT_FALSE(rotated.ok());
    EXPECT_EQ(p.ledger->vkeys().size(), 1u) << "the key is in use";
  };
  p.Submit("first", 10);
  world.executor().RunFor(2 * kNanosPerSecond);
  EXPECT_GE(within, 1);
  EXPECT_TRUE(rotated.ok()) << rotated.ToString();
  EXPECT_EQ(p.ledger->vkeys().size(), 2u);

  // A stop waits too, and its checkpoint covers what came meanwhile.
  p.ledger->Close([&](const Status& s) { closed = s; });
  world.executor().RunUntilIdle();
  EXPECT_TRUE(closed.ok()) << closed.ToString();
  EXPECT_EQ(p.ledger->heights().checkpointed, p.ledger->heights().durable);
}

TEST(SigningPathTest, AStopWaitsForTheSignatureAndCoversEverything) {
  SimEnv world(2);
  Holder slow(1);
  Process p(world, {.signer = slow.External()});
  ASSERT_NE(p.ledger, nullptr) << p.status.ToString();
  Status closed = Unavailable("no answer");
  bool first = true;
  slow.meanwhile = [&](std::string_view) {
    if (!std::exchange(first, false)) return;
    p.Submit("meanwhile", 20);
    p.ledger->Close([&](const Status& s) { closed = s; });
    world.executor().RunFor(kNanosPerSecond);
    EXPECT_FALSE(closed.ok());
  };
  p.Submit("first", 10);
  world.executor().RunFor(2 * kNanosPerSecond);
  EXPECT_TRUE(closed.ok()) << closed.ToString();
  EXPECT_EQ(p.acknowledged.size(), 30u);
  EXPECT_EQ(p.ledger->heights().checkpointed, p.ledger->heights().durable);
  EXPECT_EQ(Value(p.ledger->heights().durable), 32u);
}

// A backup is of a checkpoint that covers all of it, so it waits for one of its own.
TEST(SigningPathTest, ABackupEndsWithItsCheckpoint) {
  SimEnv world(3);
  Holder slow(1);
  Process p(world, {.segment_bytes_max = 20'000, .signer = slow.External()});
  ASSERT_NE(p.ledger, nullptr) << p.status.ToString();
  std::optional<ledger::BackupPlan> plan;
  std::map<std::string, Bytes> copied;
  int signatures = 0;
  slow.meanwhile = [&](std::string_view text) {
    if (!text.starts_with(kOrigin) || ++signatures > 3) return;
    for (int i = 0; i < 3; ++i) {
      p.Submit(fmt::format("meanwhile{}-{}", signatures, i), 60);
      world.executor().RunFor(kNanosPerSecond);
    }
    if (signatures != 1) return;
    p.ledger->PlanBackup([&](Result<ledger::BackupPlan> made) {
      ASSERT_TRUE(made.ok()) << made.status().ToString();
      plan = *std::move(made);
      EXPECT_EQ(plan->checkpoint.note, p.ledger->checkpoint().note);
      for (const ledger::BackupFile& file : plan->files) {
        Bytes bytes = env::ReadFile(world.files(), env::JoinPath(kData, file.path), kMiB).value();
        bytes.resize(file.bytes);
        copied[file.path] = std::move(bytes);
      }
    });
  };
  p.Submit("first", 10);
  world.executor().RunFor(2 * kNanosPerSecond);
  slow.meanwhile = nullptr;
  world.executor().RunFor(2 * kNanosPerSecond);
  ASSERT_TRUE(plan);
  SimEnv copy(4);
  for (const char* dir : {"/data", "/data/keys", "/data/segments"})
    ASSERT_TRUE(copy.files().MakeDir(dir).ok());
  for (const auto& [path, text] : plan->Texts()) {
    const std::string place = env::JoinPath(kData, path);
    ASSERT_TRUE(env::ReplaceFile(copy.files(), env::ParentPath(place),
                                 path.substr(path.rfind('/') + 1), AsBytes(text))
                    .ok());
  }
  for (const auto& [path, bytes] : copied) {
    const std::string place = env::JoinPath(kData, path);
    ASSERT_TRUE(copy.files().MakeDir(env::ParentPath(place)).ok());
    ASSERT_TRUE(env::ReplaceFile(copy.files(), env::ParentPath(place),
                                 path.substr(path.rfind('/') + 1), bytes)
                    .ok());
  }
  const verify::Report report = verify::Verify(verify::FolderSource(copy.files(), kData), {});
  EXPECT_EQ(report.verdict, verify::Verdict::kSound) << verify::ReportText(report);
  EXPECT_EQ(report.size, Value(plan->checkpoint.size)) << verify::ReportText(report);
}

// Two holders, and the trail that goes from a file to the one, to the other, and back.
struct Keys {
  Holder a{1}, b{2};
  ledger::Options ToTheFirst() { return {.segment_bytes_max = 9'000, .next_signer = a.External()}; }
  ledger::Options ToTheSecond() {
    return {.segment_bytes_max = 9'000, .signer = a.External(), .next_signer = b.External()};
  }
};

struct History {
  std::map<Seq, std::string> acknowledged;
  std::vector<std::string> vkeys;
};

History RunWorkload(SimEnv& world) {
  Keys keys;
  History run;
  const auto rotate_and_write = [&](Process& p, const std::string& name, bool to_file) {
    p.Submit(name + "before", 10);
    p.ledger->RotateKey(
        "local:somebody", [](const Status&) {}, to_file);
    p.Submit(name + "after", 15);
    world.executor().RunFor(kNanosPerSecond);
    const std::vector<std::string> vkeys = p.ledger->vkeys();
    if (vkeys.size() > run.vkeys.size()) run.vkeys = vkeys;
  };
  const auto end = [&](Process& p) {
    p.ledger->Close([](const Status&) {});
    world.executor().RunUntilIdle();
    run.acknowledged.merge(p.acknowledged);
  };
  {
    Process p(world, keys.ToTheFirst());
    if (p.ledger == nullptr) return run;
    rotate_and_write(p, "one", false);
    end(p);
  }
  Process p(world, keys.ToTheSecond());
  if (p.ledger == nullptr) return run;
  rotate_and_write(p, "two", false);
  rotate_and_write(p, "three", true);
  end(p);
  return run;
}

void ExpectNothingLost(SimEnv& world, const History& run) {
  Keys keys;
  std::string first;
  {
    Process p(world, keys.ToTheSecond());
    ASSERT_NE(p.ledger, nullptr) << p.status.ToString() << "\n" << world.Describe();
    for (const auto& [seq, leaf] : run.acknowledged) {
      const auto range = p.ledger->Read(seq, 1, kMiB);
      ASSERT_TRUE(range.ok()) << range.status().ToString() << "\n" << world.Describe();
      ASSERT_EQ(range->records[0].leaf, leaf) << world.Describe();
    }
    const std::vector<std::string> vkeys = p.ledger->vkeys();
    ASSERT_GE(vkeys.size(), run.vkeys.size());
    ASSERT_TRUE(std::equal(run.vkeys.begin(), run.vkeys.end(), vkeys.begin()));
    first = vkeys.front();
    // A private key is there while it signs, and not longer.
    ASSERT_EQ(world.files().Stat("/data/keys/log.key").ok(), p.ledger->key_in_file())
        << world.Describe();
    ASSERT_FALSE(world.files().Stat("/data/keys/next.key").ok()) << world.Describe();
    ASSERT_TRUE(p.ledger->Signing().ok());
    p.ledger->Close([](const Status&) {});
    world.executor().RunUntilIdle();
  }
  const verify::Report report =
      verify::Verify(verify::FolderSource(world.files(), kData), {.vkey = first});
  ASSERT_EQ(report.verdict, verify::Verdict::kSound)
      << verify::ReportText(report) << world.Describe();
  ASSERT_EQ(report.authorship.answer, verify::Answer::kPass)
      << verify::ReportText(report) << world.Describe();
}

int OperationsOfACleanRun() {
  SimEnv clean(1);
  const History run = RunWorkload(clean);
  EXPECT_EQ(run.acknowledged.size(), 75u);
  EXPECT_EQ(run.vkeys.size(), 4u);
  return clean.files().operations();
}

TEST(SigningPathTest, APowerCutAnywhereWhileKeysChangeHands) {
  const int operations = OperationsOfACleanRun();
  for (const Survival survival : {Survival::kSeeded, Survival::kNothing}) {
    for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
      for (int cut = 0; cut < operations; ++cut) {
        SCOPED_TRACE(fmt::format("power cut at operation {}, seed {}", cut, seed));
        SimEnv world({.seed = seed, .power_cut_at = cut, .survival = survival});
        const History run = RunWorkload(world);
        world.Crash();
        world.files().PowerOn();
        ExpectNothingLost(world, run);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// The process ends with the error; the next one finds what the page cache holds, and the power goes after it.
TEST(SigningPathTest, AFailedOperationAnywhereWhileKeysChangeHands) {
  const int operations = OperationsOfACleanRun();
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    for (int at = 0; at < operations; ++at) {
      SCOPED_TRACE(fmt::format("operation {} fails, seed {}", at, seed));
      SimEnv world({.seed = seed,
                    .survival = Survival::kNothing,
                    .fail_at = at,
                    .fail_with = at % 2 == 0 ? EIO : ENOSPC});
      const History run = RunWorkload(world);
      {
        Keys keys;
        const Process again(world, keys.ToTheSecond());
        ASSERT_NE(again.ledger, nullptr) << again.status.ToString() << "\n" << world.Describe();
        world.Crash();
      }
      world.files().PowerOn();
      ExpectNothingLost(world, run);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace sealtrail::sim
