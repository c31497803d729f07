// Keys that are elsewhere: which one signs, how one takes over from another, and what happens while one does not sign.
#include <map>

#include <gtest/gtest.h>

#include "env/testing/sim_env.h"
#include "format/manifest.h"
#include "ledger/ledger.h"
#include "ledger/testing/batches.h"
#include "ledger/trail.h"

namespace sealtrail::ledger {
namespace {

using env::testing::SimEnv;
using ledger::testing::Batch;

constexpr char kData[] = "/data";
constexpr char kOrigin[] = "trail.example/a";

// A holder of a key, which may be away.
struct Holder {
  explicit Holder(uint8_t seed, const std::string& name = kOrigin)
      : signer(tlog::Signer::FromSeed(name, Bytes(32, seed)).value()) {}

  std::string vkey() const { return signer.verifier().vkey(); }
  ExternalSigner External() {
    return {.vkey = vkey(), .sign = [this](std::string_view text) { return Sign(text); }};
  }
  Result<Bytes> Sign(std::string_view text) {
    ++asked;
    if (away || (away_for_manifests && text.starts_with("sealtrail/manifest/")))
      return Unavailable("nobody is there");
    const auto note = tlog::ParseNote(signer.Sign(forge ? "another text\n" : text));
    return note->signatures[0].signature;
  }

  tlog::Signer signer;
  bool away = false;
  bool away_for_manifests = false;
  bool forge = false;
  int asked = 0;
};

struct Store {
  explicit Store(SimEnv& world, Options options = {}) : world(world) {
    options.data_dir = kData;
    auto opened = Ledger::Open(world.env(), options, metrics,
                               [this](const Status& failed) { status = failed; });
    status = opened.status();
    if (opened.ok()) ledger = *std::move(opened);
  }

  // Whether the records were acknowledged within the second that passes.
  bool Write(int first, int count) {
    bool acknowledged = false;
    ledger->Submit(Batch(first, count), [&](const Result<record::CommitOutcome>& outcome) {
      acknowledged = outcome.ok();
    });
    world.executor().RunFor(kNanosPerSecond);
    return acknowledged;
  }

  Status Rotate(bool to_file = false) {
    Status result = Unavailable("no answer");
    ledger->RotateKey(
        "local:somebody", [&](const Status& s) { result = s; }, to_file);
    world.executor().RunUntilIdle();
    return result;
  }

  Status Close() {
    Status result = Unavailable("not closed");
    ledger->Close([&](const Status& s) { result = s; });
    world.executor().RunUntilIdle();
    return result;
  }

  bool Covered() const { return ledger->heights().checkpointed == ledger->heights().durable; }
  uint64_t Failures() { return metrics.GetCounter("sealtrail_signer_failures_total", "").value(); }

  SimEnv& world;
  MetricSet metrics;
  Status status;
  std::unique_ptr<Ledger> ledger;
};

bool HasFile(SimEnv& world, const std::string& name) {
  return world.files().Stat(env::JoinPath(kData, name)).ok();
}

bool Says(const Status& status, std::string_view text) {
  return status.message().find(text) != std::string::npos;
}

TEST(ExternalKeyTest, SignsFromTheFirstStartOn) {
  SimEnv world(1);
  Holder a(1), other(2);
  {
    Store store(world, {.origin = "trail.example/b", .signer = a.External()});
    EXPECT_EQ(store.status.code(), StatusCode::kFailedPrecondition);
    EXPECT_TRUE(Says(store.status, "trail.example/b")) << store.status.ToString();
  }
  {
    Store store(world, {.signer = a.External(), .next_signer = other.External()});
    ASSERT_NE(store.ledger, nullptr) << store.status.ToString();
    EXPECT_EQ(store.ledger->origin(), kOrigin);
    EXPECT_EQ(store.ledger->vkey(), a.vkey());
    EXPECT_FALSE(store.ledger->key_in_file());
    EXPECT_TRUE(store.Write(0, 5));
    EXPECT_TRUE(store.Covered());
    EXPECT_TRUE(a.signer.verifier().Open(store.ledger->checkpoint().note).ok());
    EXPECT_TRUE(store.Close().ok());
  }
  EXPECT_FALSE(HasFile(world, "keys/log.key"));
  EXPECT_EQ(other.asked, 0);
  for (const Options& options : {Options{}, Options{.signer = other.External()}}) {
    Store store(world, options);
    EXPECT_EQ(store.status.code(), StatusCode::kFailedPrecondition);
    EXPECT_TRUE(Says(store.status, a.vkey())) << store.status.ToString();
    EXPECT_FALSE(HasFile(world, "keys/log.key"));
  }
  Store store(world, {.next_signer = a.External()});  // wherever it is configured
  ASSERT_NE(store.ledger, nullptr) << store.status.ToString();
  EXPECT_TRUE(store.Write(5, 5));
  EXPECT_TRUE(store.Covered());
}

TEST(ExternalKeyTest, ASignatureThatIsWrongIsNotUsed) {
  SimEnv world(2);
  Holder a(1);
  Store store(world, {.signer = a.External()});
  ASSERT_NE(store.ledger, nullptr);
  const CheckpointInfo before = store.ledger->checkpoint();
  a.forge = true;
  EXPECT_TRUE(store.Write(0, 5));
  EXPECT_TRUE(Says(store.ledger->Signing(), "wrong signature"))
      << store.ledger->Signing().ToString();
  EXPECT_EQ(store.ledger->checkpoint().note, before.note);
}

TEST(ExternalKeyTest, OneThatIsAwayIsAskedEverySecondAndRecordsAreAcceptedMeanwhile) {
  SimEnv world(3);
  Holder a(1);
  Store store(world, {.segment_bytes_max = 9'000, .signer = a.External()});
  ASSERT_NE(store.ledger, nullptr);
  a.away = true;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.Write(i * 30, 30));
  EXPECT_TRUE(store.status.ok()) << store.status.ToString();
  EXPECT_FALSE(store.Covered());
  EXPECT_TRUE(Says(store.ledger->Signing(), "nobody is there"));
  EXPECT_TRUE(Says(store.ledger->Signing(), a.vkey()));
  EXPECT_GE(store.Failures(), 9u);
  EXPECT_LE(store.Failures(), 11u);
  EXPECT_EQ(store.ledger->segments().size(), 1u) << "a seal was begun";
  Status asked;
  store.ledger->CheckpointNow([&](const Status& s) { asked = s; });
  world.executor().RunUntilIdle();
  EXPECT_TRUE(Says(asked, "nobody is there"));
  Status planned;
  store.ledger->PlanBackup([&](const Result<BackupPlan>& plan) { planned = plan.status(); });
  world.executor().RunUntilIdle();
  EXPECT_TRUE(Says(planned, "nobody is there"));

  a.away = false;
  world.executor().RunFor(3 * kNanosPerSecond);
  EXPECT_TRUE(store.ledger->Signing().ok());
  EXPECT_TRUE(store.Covered());
  EXPECT_GT(store.ledger->segments().size(), 1u);
  EXPECT_TRUE(store.Close().ok());
}

// The records of the segment are still accepted, and it is sealed later, anew.
TEST(ExternalKeyTest, AManifestThatIsNotSignedIsMadeAgain) {
  SimEnv world(4);
  Holder a(1);
  {
    Store store(world, {.segment_bytes_max = 9'000, .signer = a.External()});
    ASSERT_NE(store.ledger, nullptr);
    a.away_for_manifests = true;
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.Write(i * 30, 30));
    EXPECT_EQ(store.Failures(), 1u);
    EXPECT_TRUE(store.Covered());
    EXPECT_EQ(store.ledger->segments().size(), 1u);
    a.away_for_manifests = false;
    world.executor().RunFor(60 * kNanosPerSecond);
    for (int i = 10; i < 14; ++i) ASSERT_TRUE(store.Write(i * 30, 30));
    EXPECT_GT(store.ledger->segments().size(), 1u);
    EXPECT_TRUE(store.status.ok()) << store.status.ToString();
    a.away_for_manifests = true;
    for (int i = 14; i < 24; ++i) ASSERT_TRUE(store.Write(i * 30, 30));
  }
  a.away_for_manifests = false;
  Store store(world, {.segment_bytes_max = 9'000, .signer = a.External()});
  ASSERT_NE(store.ledger, nullptr) << store.status.ToString();
  for (int i = 24; i < 28; ++i) ASSERT_TRUE(store.Write(i * 30, 30));
  EXPECT_TRUE(store.ledger->segments().front().sealed);
  EXPECT_TRUE(store.Close().ok());
}

TEST(ExternalKeyTest, AStopWithoutAKeyKeepsEverythingAndSaysWhatIsNotCovered) {
  SimEnv world(5);
  Holder a(1);
  {
    Store store(world, {.signer = a.External()});
    ASSERT_NE(store.ledger, nullptr);
    EXPECT_TRUE(store.Write(0, 4));
    a.away = true;
    EXPECT_TRUE(store.Write(4, 5));
    const Status closed = store.Close();
    EXPECT_EQ(closed.code(), StatusCode::kUnavailable);
    EXPECT_TRUE(Says(closed, "does not cover records 5 to 10")) << closed.ToString();
    EXPECT_TRUE(store.status.ok()) << "the disk has not failed: " << store.status.ToString();
  }
  world.Crash();
  world.files().PowerOn();
  {
    Store store(world, {.signer = a.External()});  // still away
    ASSERT_NE(store.ledger, nullptr) << store.status.ToString();
    EXPECT_FALSE(store.ledger->Signing().ok());
    EXPECT_EQ(Value(store.ledger->heights().durable), 12u);
    EXPECT_TRUE(store.Write(9, 5));
    a.away = false;
    world.executor().RunFor(2 * kNanosPerSecond);
    EXPECT_TRUE(store.Covered());
    EXPECT_TRUE(store.Close().ok());
  }
}

TEST(ExternalKeyTest, AFirstStartNeedsItsSignature) {
  SimEnv world(6);
  Holder a(1);
  a.away = true;
  for (int i = 0; i < 2; ++i) {
    Store store(world, {.signer = a.External()});
    EXPECT_EQ(store.ledger, nullptr);
    EXPECT_TRUE(Says(store.status, "nobody is there")) << store.status.ToString();
  }
  EXPECT_FALSE(HasFile(world, "trail"));
  a.away = false;
  Store store(world, {.signer = a.External()});
  ASSERT_NE(store.ledger, nullptr) << store.status.ToString();
  EXPECT_TRUE(HasFile(world, "trail"));
}

TEST(ExternalKeyTest, TakesOverFromAFileAndHandsOverToOne) {
  SimEnv world(7);
  Holder a(1), b(2);
  std::vector<std::string> vkeys;
  {
    Store store(world, {.origin = kOrigin, .next_signer = a.External()});
    ASSERT_NE(store.ledger, nullptr) << store.status.ToString();
    EXPECT_TRUE(store.ledger->key_in_file());
    EXPECT_TRUE(HasFile(world, "keys/log.key"));
    ASSERT_TRUE(store.Rotate().ok());
    EXPECT_EQ(store.ledger->vkey(), a.vkey());
    EXPECT_FALSE(store.ledger->key_in_file());
    EXPECT_FALSE(HasFile(world, "keys/log.key")) << "nobody needs it any more";
    EXPECT_TRUE(store.Write(0, 5));
    EXPECT_TRUE(store.Covered());
    ASSERT_TRUE(store.Close().ok());
  }
  {
    Store store(world, {.signer = a.External(), .next_signer = b.External()});
    ASSERT_NE(store.ledger, nullptr) << store.status.ToString();
    ASSERT_TRUE(store.Rotate().ok());
    EXPECT_EQ(store.ledger->vkey(), b.vkey());
    a.away = true;
    EXPECT_TRUE(store.Write(5, 5));
    EXPECT_TRUE(store.Covered());
    const Status refused = store.Rotate();
    EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition) << "next_signer has had its turn";
    EXPECT_TRUE(Says(refused, "--to-file")) << refused.ToString();
    EXPECT_FALSE(store.ledger->key_in_file());
    EXPECT_FALSE(HasFile(world, "keys/next.key"));
    EXPECT_EQ(store.ledger->vkey(), b.vkey());
    EXPECT_TRUE(store.Write(20, 5));
    EXPECT_TRUE(store.Covered());
    ASSERT_TRUE(store.Rotate(true).ok());
    EXPECT_TRUE(store.ledger->key_in_file());
    EXPECT_TRUE(HasFile(world, "keys/log.key"));
    b.away = true;
    EXPECT_TRUE(store.Write(10, 5));
    EXPECT_TRUE(store.Covered());
    vkeys = store.ledger->vkeys();
    EXPECT_EQ(vkeys.size(), 4u);
    ASSERT_TRUE(store.Close().ok());
  }
  Store store(world, {.signer = a.External()});  // its turn is over
  ASSERT_NE(store.ledger, nullptr) << store.status.ToString();
  EXPECT_EQ(store.ledger->vkeys(), vkeys);
}

// Before the record that names it, for there is no way back from that.
TEST(ExternalKeyTest, ANextKeyThatCannotSignChangesNothing) {
  SimEnv world(8);
  Holder away(1), forger(2), stranger(3, "trail.example/b");
  away.away = forger.forge = true;
  for (Holder* next : {&away, &forger, &stranger}) {
    Store store(world, {.origin = kOrigin, .next_signer = next->External()});
    ASSERT_NE(store.ledger, nullptr) << store.status.ToString();
    const TreeSize before = store.ledger->heights().durable;
    const Status rotated = store.Rotate();
    EXPECT_FALSE(rotated.ok());
    EXPECT_TRUE(Says(rotated, next->vkey())) << rotated.ToString();
    EXPECT_EQ(store.ledger->heights().durable, before);
    EXPECT_EQ(store.ledger->vkeys().size(), 1u);
    EXPECT_TRUE(store.Write(0, 5));
    EXPECT_TRUE(store.Covered());
    EXPECT_TRUE(store.Close().ok());
  }
}

// The record is written, and then the old key, or the new one, does not sign: it takes over when both do, also after a
// restart, and no larger tree is signed before it.
TEST(ExternalKeyTest, AHandOverWaitsForBothKeys) {
  for (const bool new_one : {false, true}) {
    for (const bool restart : {false, true}) {
      SCOPED_TRACE(fmt::format("the new one {}, restart {}", new_one, restart));
      SimEnv world(9);
      Holder a(1), b(2);
      Holder& culprit = new_one ? b : a;
      const Options options{
          .segment_bytes_max = 9'000,
          .signer = a.External(),
          .next_signer = ExternalSigner{.vkey = b.vkey(), .sign = [&](std::string_view text) {
                                          const auto signature = b.Sign(text);
                                          if (text.starts_with("sealtrail/key-test/"))
                                            culprit.away = true;
                                          return signature;
                                        }}};
      auto store = std::make_unique<Store>(world, options);
      ASSERT_NE(store->ledger, nullptr);
      const Status rotated = store->Rotate();
      EXPECT_EQ(rotated.code(), StatusCode::kFailedPrecondition);
      EXPECT_TRUE(Says(rotated, "takes over once both sign")) << rotated.ToString();
      EXPECT_TRUE(Says(store->Rotate(), "nothing can be signed")) << "another one";
      for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->Write(i * 50, 50));
      EXPECT_EQ(store->ledger->vkey(), a.vkey());
      EXPECT_EQ(Value(store->ledger->heights().checkpointed), 1u);
      if (restart) {
        EXPECT_FALSE(store->Close().ok());
        store.reset();
        EXPECT_TRUE(Says(Store(world, {.signer = a.External()}).status, b.vkey()))
            << "it is needed";
        store = std::make_unique<Store>(world, options);
        ASSERT_NE(store->ledger, nullptr) << store->status.ToString();
        EXPECT_FALSE(store->ledger->Signing().ok());
        ASSERT_TRUE(store->Write(250, 50));
      }
      culprit.away = false;
      world.executor().RunFor(3 * kNanosPerSecond);
      EXPECT_EQ(store->ledger->vkey(), b.vkey());
      const auto note = env::ReadFile(world.files(), "/data/epochs/1", kMiB);
      ASSERT_TRUE(note.ok());
      for (const Holder* key : {&a, &b}) {
        const auto text = key->signer.verifier().Open(AsText(*note));
        ASSERT_TRUE(text.ok());
        EXPECT_EQ(Value(tlog::ParseCheckpointText(*text)->size), 2u);
      }
      EXPECT_TRUE(store->Write(300, 5));
      EXPECT_TRUE(store->Covered());
      EXPECT_GT(store->ledger->segments().size(), 1u) << "sealing goes on";
      EXPECT_TRUE(store->Close().ok());
    }
  }
}

}  // namespace
}  // namespace sealtrail::ledger
