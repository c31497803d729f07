#include "anchor/watched_log.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "anchor/testing/memory_tree.h"
#include "env/testing/sim_env.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor {
namespace {

using enum tlog::WitnessAnswer;
using env::testing::SimEnv;
using env::testing::Survival;
using testing::MemoryTree;

const std::string kDir = "/witness";

tlog::Cosigner TestCosigner() {
  return tlog::Cosigner::FromSeed("witness.example/w1", Bytes(32, 0x22)).value();
}

void MakeFolders(SimEnv& world) {
  auto& files = world.files();
  for (const char* name : {"/witness", "/witness/logs", "/witness/evidence"}) {
    ASSERT_TRUE(files.MakeDir(name).ok());
  }
  ASSERT_TRUE(files.SyncDir("/").ok() && files.SyncDir(kDir).ok());
}

tlog::AddCheckpointRequest Request(const MemoryTree& tree, size_t old_size, size_t size) {
  tlog::AddCheckpointRequest request{.old_size = TreeSize{old_size},
                                     .checkpoint = tree.At(size).note};
  if (old_size > 0 && old_size <= size) {
    request.proof = tree.ConsistencyProof(TreeSize{old_size}, TreeSize{size}).value();
  }
  return request;
}

class WatchedLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MakeFolders(world_);
    tree_.Grow(20);
    fork_.GrowUnpublished(5);
    fork_.Grow(20, "another");
    log_ = Reopen();
  }

  std::unique_ptr<WatchedLog> Reopen(WitnessedLog options = {}) {
    if (options.vkeys.empty()) options.vkeys = {tree_.verifier().vkey()};
    auto log = WatchedLog::Open(world_.env(), kDir, options, cosigner_);
    EXPECT_TRUE(log.ok()) << log.status().ToString();
    return log.ok() ? std::move(*log) : nullptr;
  }

  tlog::AddCheckpointAnswer Add(const tlog::AddCheckpointRequest& request) {
    const auto reply = log_->Add(request);
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    return reply.ok() ? reply->answer : tlog::AddCheckpointAnswer{};
  }

  SimEnv world_{1};
  const tlog::Cosigner cosigner_ = TestCosigner();
  MemoryTree tree_;
  MemoryTree fork_;
  std::unique_ptr<WatchedLog> log_;
};

TEST_F(WatchedLogTest, CosignsWhatContinues) {
  EXPECT_EQ(log_->checkpoint(), "");
  for (const auto& [old_size, size] : {std::pair{0, 3}, {3, 3}, {3, 7}, {7, 20}}) {
    const auto request = Request(tree_, old_size, size);
    const auto answer = Add(request);
    ASSERT_EQ(answer.answer, kCosigned);
    // The whole note, log's signature and ours, opens with both keys and is what monitors get.
    const std::string note = request.checkpoint + answer.signature_lines;
    EXPECT_EQ(log_->checkpoint(), note);
    const tlog::NoteVerifier* known[] = {&tree_.verifier(), &cosigner_.verifier()};
    const auto opened = tlog::OpenNote(note, known);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    ASSERT_EQ(opened->signatures.size(), 2u);
    EXPECT_EQ(tlog::CosignatureTime(opened->signatures[1].signature).value(), 1'767'225'600);
  }
}

TEST_F(WatchedLogTest, RefusesWhatDoesNot) {
  ASSERT_EQ(Add(Request(tree_, 0, 7)).answer, kCosigned);
  EXPECT_EQ(Add(Request(tree_, 8, 7)).answer, kBadRequest);
  const auto stale = Add(Request(tree_, 3, 20));
  EXPECT_EQ(stale.answer, kStaleSize);
  EXPECT_EQ(stale.size, TreeSize{7});
  EXPECT_EQ(Add(Request(fork_, 7, 20)).answer, kBadProof);
  EXPECT_EQ(Add(Request(fork_, 7, 7)).answer, kFork);
  // And nothing of that has moved it.
  EXPECT_EQ(Add(Request(tree_, 7, 20)).answer, kCosigned);
}

TEST_F(WatchedLogTest, BelievesOnlyItsLogsKeys) {
  auto request = Request(tree_, 0, 7);
  const std::string good = request.checkpoint;
  const auto other = tlog::Signer::FromSeed("log.example/test", Bytes(32, 0x33)).value();
  const std::string text = good.substr(0, good.find("\n\n") + 1);

  request.checkpoint = other.Sign(text);
  EXPECT_EQ(Add(request).answer, kNotTrusted);
  // A wrong signature by a known key spoils the note, whatever else is there.
  request.checkpoint = good + other.SignatureLine(text);
  const size_t at = request.checkpoint.find("— ") + 40;
  request.checkpoint[at] = request.checkpoint[at] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Add(request).answer, kNotTrusted);
  // Strangers' lines are ignored, and not passed on.
  request.checkpoint = good + other.SignatureLine(text);
  const auto answer = Add(request);
  EXPECT_EQ(answer.answer, kCosigned);
  EXPECT_EQ(log_->checkpoint(), good + answer.signature_lines);

  // A log that changes its key: both are known for a while.
  log_ = Reopen({.vkeys = {tree_.verifier().vkey(), other.verifier().vkey()}});
  request = Request(tree_, 7, 9);
  request.checkpoint =
      other.Sign(request.checkpoint.substr(0, request.checkpoint.find("\n\n") + 1));
  EXPECT_EQ(Add(request).answer, kCosigned);
  // The old key is forgotten: what is held is still ours.
  log_ = Reopen({.vkeys = {other.verifier().vkey()}});
  EXPECT_EQ(Add(Request(tree_, 9, 20)).answer, kNotTrusted);
}

TEST_F(WatchedLogTest, AcceptsExtensionLines) {
  const auto signer = tlog::Signer::FromSeed("log.example/test", Bytes(32, 0x11)).value();
  tlog::AddCheckpointRequest request;
  request.checkpoint = signer.Sign(tlog::CheckpointText({.origin = "log.example/test",
                                                         .size = TreeSize{7},
                                                         .root = tree_.At(7).root,
                                                         .extensions = "more\nlines\n"}));
  EXPECT_EQ(Add(request).answer, kCosigned);
  EXPECT_EQ(Add(Request(tree_, 7, 20)).answer, kCosigned);
}

TEST_F(WatchedLogTest, KeepsBothSidesOfAFork) {
  ASSERT_EQ(Add(Request(tree_, 0, 7)).answer, kCosigned);
  const std::string held = log_->checkpoint();
  const auto bad = Request(fork_, 7, 7);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Add(bad).answer, kFork);
  const auto names = world_.files().List("/witness/evidence").value();
  ASSERT_EQ(names.size(), 2u);
  std::vector<std::string> notes;
  for (const std::string& name : names) {
    const auto bytes = env::ReadFile(world_.files(), "/witness/evidence/" + name, 10'000).value();
    notes.emplace_back(AsText(bytes));
  }
  EXPECT_TRUE((notes == std::vector{held, bad.checkpoint}) ||
              (notes == std::vector{bad.checkpoint, held}));
}

TEST_F(WatchedLogTest, EvidenceHasAnEnd) {
  ASSERT_EQ(Add(Request(tree_, 0, 7)).answer, kCosigned);
  for (int i = 0; i < 30; ++i) {
    MemoryTree other;
    other.Grow(7, std::to_string(i));
    EXPECT_EQ(Add(Request(other, 7, 7)).answer, kFork);
  }
  EXPECT_LE(world_.files().List("/witness/evidence").value().size(), 16u);
}

TEST_F(WatchedLogTest, PushesBack) {
  log_ = Reopen({.vkeys = {tree_.verifier().vkey()}, .requests_per_minute_max = 2});
  EXPECT_EQ(Add(Request(tree_, 0, 1)).answer, kCosigned);
  EXPECT_EQ(Add(Request(tree_, 1, 2)).answer, kCosigned);
  const auto reply = log_->Add(Request(tree_, 2, 3)).value();
  EXPECT_EQ(reply.answer.answer, kPushBack);
  EXPECT_EQ(reply.retry_after_ns, 30 * kNanosPerSecond);
  world_.clock().Advance(reply.retry_after_ns);
  EXPECT_EQ(Add(Request(tree_, 2, 3)).answer, kCosigned);
}

// Nobody without the log's key can use up what the log may ask for.
TEST_F(WatchedLogTest, AStrangersRequestsDoNotCount) {
  log_ = Reopen({.vkeys = {tree_.verifier().vkey()}, .requests_per_minute_max = 1});
  const auto other = tlog::Signer::FromSeed("log.example/test", Bytes(32, 0x33)).value();
  tlog::AddCheckpointRequest bad;
  bad.checkpoint = other.Sign("log.example/test\n1\n" + std::string(43, 'A') + "=\n");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Add(bad).answer, kNotTrusted);
  EXPECT_EQ(Add(Request(tree_, 0, 1)).answer, kCosigned);
}

// What the log has signed is public: whoever sends it again, or with a wrong proof, takes nothing from the log.
TEST_F(WatchedLogTest, ReplaysDoNotCount) {
  log_ = Reopen({.vkeys = {tree_.verifier().vkey()}, .requests_per_minute_max = 2});
  ASSERT_EQ(Add(Request(tree_, 0, 7)).answer, kCosigned);
  auto wrong = Request(tree_, 7, 20);
  wrong.proof[0][0] ^= 1;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Add(Request(tree_, 3, 7)).answer, kStaleSize);
    EXPECT_EQ(Add(Request(tree_, 8, 7)).answer, kBadRequest);
    EXPECT_EQ(Add(Request(fork_, 7, 7)).answer, kFork);
    EXPECT_EQ(Add(wrong).answer, kBadProof);
    EXPECT_EQ(Add(Request(tree_, 7, 7)).answer, i < 2 ? kCosigned : kPushBack);
  }
  EXPECT_EQ(Add(Request(tree_, 7, 20)).answer, kCosigned);
}

TEST_F(WatchedLogTest, AClockBefore1970SignsNothing) {
  world_.clock().SetWall(UnixNanos{0});
  EXPECT_EQ(Add(Request(tree_, 0, 1)).answer, kOther);
  world_.clock().SetWall(UnixNanos{kNanosPerSecond});
  EXPECT_EQ(Add(Request(tree_, 0, 1)).answer, kCosigned);
}

TEST_F(WatchedLogTest, RefusesBadOptions) {
  const auto open = [&](std::vector<std::string> vkeys) {
    return WatchedLog::Open(world_.env(), kDir, {.vkeys = std::move(vkeys)}, cosigner_)
        .status()
        .code();
  };
  EXPECT_EQ(
      WatchedLog::Open(world_.env(), kDir, {.vkeys = {"nonsense"}}, cosigner_).status().message(),
      "logs: vkey nonsense: a key has the form name+hash+base64");
  const auto elsewhere = tlog::Signer::FromSeed("log.example/other", Bytes(32, 0x33)).value();
  const auto own = tlog::Signer::FromSeed("log.example/test", Bytes(32, 0x22)).value();
  EXPECT_EQ(open({}), StatusCode::kInvalidArgument);
  EXPECT_EQ(open({"nonsense"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(open({cosigner_.verifier().vkey()}), StatusCode::kInvalidArgument);
  EXPECT_EQ(open({tree_.verifier().vkey(), elsewhere.verifier().vkey()}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(open({own.verifier().vkey()}), StatusCode::kInvalidArgument);  // the witness's own key
}

TEST_F(WatchedLogTest, EveryFlippedBitOfItsStateIsNoticed) {
  ASSERT_EQ(Add(Request(tree_, 0, 7)).answer, kCosigned);
  const std::string path = "/witness/logs/" + WatchedLog::HexOf(log_->origin());
  const size_t size = world_.files().Stat(path)->size;
  const size_t log_line = log_->checkpoint().find("\n\n") + 2;
  const size_t own_line = log_->checkpoint().find("— witness");
  for (size_t at = 0; at < size; ++at) {
    // The log's signature is no business of ours here: its key may have been forgotten.
    if (at >= log_line && at < own_line) continue;
    const int bit = static_cast<int>(at % 8);
    world_.files().FlipBit(path, at, bit);
    const auto log =
        WatchedLog::Open(world_.env(), kDir, {.vkeys = {tree_.verifier().vkey()}}, cosigner_);
    EXPECT_EQ(log.status().code(), StatusCode::kDataLoss) << at;
    world_.files().FlipBit(path, at, bit);
  }
  EXPECT_NE(Reopen(), nullptr);
}

TEST_F(WatchedLogTest, AnotherLogsStateIsNotTaken) {
  const auto elsewhere = tlog::Signer::FromSeed("log.example/other", Bytes(32, 0x33)).value();
  log_ = Reopen({.vkeys = {elsewhere.verifier().vkey()}});
  tlog::AddCheckpointRequest request;
  request.checkpoint = elsewhere.Sign(tlog::CheckpointText(
      {.origin = "log.example/other", .size = TreeSize{7}, .root = tree_.At(7).root}));
  ASSERT_EQ(Add(request).answer, kCosigned);
  ASSERT_TRUE(world_.files()
                  .Rename("/witness/logs/" + WatchedLog::HexOf("log.example/other"),
                          "/witness/logs/" + WatchedLog::HexOf("log.example/test"))
                  .ok());
  EXPECT_EQ(WatchedLog::Open(world_.env(), kDir, {.vkeys = {tree_.verifier().vkey()}}, cosigner_)
                .status()
                .code(),
            StatusCode::kDataLoss);
}

// --- Crashes ---

// What has left the witness: anybody may hold it against it for ever.
class Released {
 public:
  void Add(TreeSize size, const tlog::Hash& root) {
    EXPECT_GE(size, largest_) << "a smaller tree after a larger one";
    const auto [at, is_new] = roots_.emplace(Value(size), root);
    EXPECT_TRUE(is_new || at->second == root) << "two roots for size " << Value(size);
    largest_ = std::max(largest_, size);
  }
  void AddNote(const std::string& note) {
    if (note.empty()) return;
    const auto checkpoint = tlog::ParseCheckpointText(tlog::ParseNote(note).value().text).value();
    Add(checkpoint.size, checkpoint.root);
  }
  size_t count() const { return roots_.size(); }
  // Every tree cosigned was part of `tree`.
  bool AllIn(const MemoryTree& tree) const {
    return std::ranges::all_of(roots_, [&](const auto& one) {
      return tree.RootAt(TreeSize{one.first}).value() == one.second;
    });
  }

 private:
  std::map<uint64_t, tlog::Hash> roots_;
  TreeSize largest_{0};
};

struct Trees {
  Trees() {
    one.Grow(12, "one");
    two.Grow(12, "two");
  }
  MemoryTree one, two;
};

// Offers both trees to a witness started on what the disk holds, step by step, as a log would that
// shows each half of the world another tree. Ends at the first error.
void Offer(SimEnv& world, const Trees& trees, const tlog::Cosigner& cosigner, Released& released) {
  auto log =
      WatchedLog::Open(world.env(), kDir, {.vkeys = {trees.one.verifier().vkey()}}, cosigner);
  if (!log.ok()) return;
  released.AddNote((*log)->checkpoint());  // a monitor asks
  size_t held = 0;
  for (size_t size = 1; size <= 12; size += 3) {
    for (const MemoryTree* tree : {&trees.one, &trees.two}) {
      for (int attempt = 0; attempt < 2; ++attempt) {
        const auto reply = (*log)->Add(Request(*tree, held, std::max(held, size)));
        if (!reply.ok()) return;
        if (reply->answer.answer == kStaleSize) {
          held = Value(reply->answer.size);
        } else if (reply->answer.answer == kCosigned) {
          held = std::max(held, size);
          released.Add(TreeSize{held}, tree->At(held).root);
          released.AddNote((*log)->checkpoint());
        }
      }
    }
  }
}

// Goal: whenever the power fails, whatever left the witness before and after is one history.
// Method: count the disk operations of a clean run, then repeat it, cutting the power at each.
TEST(WatchedLogCrashTest, OneHistoryThroughAnyPowerCut) {
  const Trees trees;
  const tlog::Cosigner cosigner = TestCosigner();
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SimEnv clean(seed);
    MakeFolders(clean);
    const int first = clean.files().operations();
    Released all;
    Offer(clean, trees, cosigner, all);
    ASSERT_EQ(all.count(), 4u);
    ASSERT_TRUE(all.AllIn(trees.one));

    for (int cut = first; cut < clean.files().operations(); ++cut) {
      SimEnv world(seed);
      SCOPED_TRACE(fmt::format("power cut at operation {}, seed {}", cut, seed));
      MakeFolders(world);
      world.files().CutPowerAt(cut);
      Released released;
      Offer(world, trees, cosigner, released);
      world.files().PowerOn();
      Offer(world, trees, cosigner, released);
      EXPECT_TRUE(released.AllIn(trees.one) || released.AllIn(trees.two)) << world.Describe();
      EXPECT_GE(released.count(), 4u);
    }
  }
}

// A process that dies of a failed write leaves a disk that no sync vouches for. The next one shows
// what it finds there, so that must survive the power cut that comes then.
TEST(WatchedLogCrashTest, OneHistoryThroughAFailedWriteAndAPowerCut) {
  const Trees trees;
  const tlog::Cosigner cosigner = TestCosigner();
  for (const Survival survival : {Survival::kNothing, Survival::kSeeded}) {
    SimEnv clean(1);
    MakeFolders(clean);
    const int first = clean.files().operations();
    Released all;
    Offer(clean, trees, cosigner, all);
    for (int fail = first; fail < clean.files().operations(); ++fail) {
      SCOPED_TRACE(fmt::format("operation {} fails", fail));
      SimEnv world(env::testing::SimFsOptions{.seed = 1, .survival = survival});
      MakeFolders(world);
      world.files().FailOperation(fail, EIO);
      Released released;
      Offer(world, trees, cosigner, released);  // ends at the failure
      {
        const auto log =
            WatchedLog::Open(world.env(), kDir, {.vkeys = {trees.one.verifier().vkey()}}, cosigner);
        ASSERT_TRUE(log.ok()) << log.status().ToString();
        released.AddNote((*log)->checkpoint());
      }
      world.files().CutPower();
      world.files().PowerOn();
      Offer(world, trees, cosigner, released);
      EXPECT_TRUE(released.AllIn(trees.one) || released.AllIn(trees.two)) << world.Describe();
    }
  }
}

TEST_F(WatchedLogTest, AFailedWriteIsFinal) {
  ASSERT_EQ(Add(Request(tree_, 0, 3)).answer, kCosigned);
  const std::string held = log_->checkpoint();
  world_.files().FailOperation(world_.files().operations() + 1, EIO);
  const Status failed = log_->Add(Request(tree_, 3, 7)).status();
  EXPECT_FALSE(failed.ok());
  EXPECT_EQ(log_->Add(Request(tree_, 3, 7)).status().message(), failed.message());
  EXPECT_EQ(log_->checkpoint(), held);
}

}  // namespace
}  // namespace sealtrail::anchor
