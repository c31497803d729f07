#include "anchor/start_check.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "anchor/testing/fake_transport.h"
#include "anchor/testing/memory_tree.h"
#include "anchor/testing/toy_witness.h"
#include "anchor/witness_state.h"
#include "base/encoding.h"
#include "crypto/sha256.h"
#include "env/testing/sim_env.h"
#include "tlog/cosignature.h"

namespace sealtrail::anchor {
namespace {

using env::testing::SimEnv;
using testing::FakeTransport;
using testing::MemoryTree;
using State = WitnessedHead::State;

class StartCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.Grow(20);
    options_.dir = "/anchors";
    options_.policy = fmt::format(
        "witness w1 {} https://one.example/w/\nwitness w2 {} https://two.example\n"
        "group any any w1 w2\nquorum any\n",
        one_.verifier().vkey(), two_.verifier().vkey());
    options_.monitoring_urls["w2"] = "https://cdn.example/two/";
  }

  static std::string Cosigned(const SignedCheckpoint& checkpoint, const tlog::Cosigner& by) {
    const std::string text = checkpoint.note.substr(0, checkpoint.note.find("\n\n") + 1);
    return checkpoint.note + by.SignatureLine(text, 1'700'000'000).value();
  }
  static net::FetchResponse Shows(std::string note) { return {.status = 200, .body = note}; }

  Result<std::vector<WitnessedHead>> Check() {
    return CheckStart(world_.env(), options_, MemoryTree::kOrigin, tree_, &transport_);
  }
  std::vector<State> States() {
    std::vector<State> states;
    const auto heads = Check();
    EXPECT_TRUE(heads.ok()) << heads.status().ToString();
    if (heads.ok()) {
      for (const auto& head : *heads) states.push_back(head.state);
    }
    return states;
  }
  std::vector<std::string> Evidence() {
    std::vector<std::string> notes;
    for (const auto& name : world_.files().List("/anchors/evidence").value()) {
      const auto bytes = env::ReadFile(world_.files(), "/anchors/evidence/" + name, 9999).value();
      notes.emplace_back(AsText(bytes));
    }
    return notes;
  }
  void ExpectRefused() {
    const Status status = Check().status();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.ToString();
    EXPECT_TRUE(status.message().starts_with("rollback or fork detected: ")) << status.message();
  }

  SimEnv world_{1};
  MemoryTree tree_;
  const tlog::Cosigner one_ = tlog::Cosigner::FromSeed("one.example/w", Bytes(32, 1)).value();
  const tlog::Cosigner two_ = tlog::Cosigner::FromSeed("two.example/w", Bytes(32, 2)).value();
  Options options_;
  Result<net::FetchResponse> answer_one_ = Unavailable("down");
  Result<net::FetchResponse> answer_two_ = Unavailable("down");
  FakeTransport transport_{[this](const net::FetchRequest& request) {
    return request.url.starts_with("https://one.example/w/") ? answer_one_ : answer_two_;
  }};
};

TEST_F(StartCheckTest, AsksWhereTheyShowIt) {
  EXPECT_EQ(States(), (std::vector{State::kUnreachable, State::kUnreachable}));
  const auto requests = transport_.requests();
  const std::string hex = HexEncode(crypto::Sha256(AsBytes(MemoryTree::kOrigin)));
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].method + " " + requests[0].url,
            "GET https://one.example/w/" + hex + "/checkpoint");
  EXPECT_EQ(requests[1].url, "https://cdn.example/two/" + hex + "/checkpoint");
}

TEST_F(StartCheckTest, GoesOnWhereNobodyContradicts) {
  answer_one_ = Shows(Cosigned(tree_.At(20), one_));
  answer_two_ = net::FetchResponse{.status = 404};
  EXPECT_EQ(States(), (std::vector{State::kConsistent, State::kNothing}));
  answer_one_ = Shows(Cosigned(tree_.At(7), one_));
  answer_two_ = net::FetchResponse{.status = 500};
  EXPECT_EQ(States(), (std::vector{State::kConsistent, State::kUnreachable}));
  // The durable tree counts, not the published checkpoint.
  tree_.GrowUnpublished(25);
  answer_one_ = Shows(Cosigned(tree_.At(25), one_));
  EXPECT_EQ(States()[0], State::kConsistent);
  EXPECT_TRUE(Evidence().empty());
}

TEST_F(StartCheckTest, BelievesOnlyTheWitnessItself) {
  MemoryTree other;
  other.Grow(30, "another");
  answer_one_ = Shows(other.checkpoint().note);             // no cosignature
  answer_two_ = Shows(Cosigned(other.checkpoint(), one_));  // another witness's
  EXPECT_EQ(States(), (std::vector{State::kNotBelieved, State::kNotBelieved}));
  answer_one_ = Shows("nonsense");
  EXPECT_EQ(States()[0], State::kNotBelieved);
  // Of another log.
  const auto signer = tlog::Signer::FromSeed("log.example/other", Bytes(32, 3)).value();
  SignedCheckpoint elsewhere = other.checkpoint();
  elsewhere.note = signer.Sign(tlog::CheckpointText(
      {.origin = "log.example/other", .size = elsewhere.size, .root = elsewhere.root}));
  answer_one_ = Shows(Cosigned(elsewhere, one_));
  EXPECT_EQ(States()[0], State::kNotBelieved);
}

TEST_F(StartCheckTest, ARollback) {
  const std::string newest = Cosigned(tree_.At(20), two_);
  tree_.RollBack(12);
  answer_one_ = Shows(Cosigned(tree_.At(9), one_));
  answer_two_ = Shows(newest);
  ExpectRefused();
  const auto evidence = Evidence();
  EXPECT_EQ(evidence.size(), 2u);
  EXPECT_NE(std::ranges::find(evidence, newest), evidence.end());
  EXPECT_NE(std::ranges::find(evidence, tree_.checkpoint().note), evidence.end());
  ExpectRefused();  // and again
  EXPECT_EQ(Evidence().size(), 2u);
}

TEST_F(StartCheckTest, AFork) {
  const std::string before = Cosigned(tree_.At(9), one_);
  tree_.RollBack(5);
  tree_.Grow(30, "another");
  answer_one_ = Shows(before);
  answer_two_ = Shows(Cosigned(tree_.At(30), two_));  // the other half of the world saw this one
  ExpectRefused();
  EXPECT_EQ(Evidence().size(), 2u);
}

// A history written anew, longer than before, with witnesses that cannot be reached: what is kept
// here still speaks.
TEST_F(StartCheckTest, AgainstWhatIsKept) {
  EXPECT_EQ(States().size(), 2u);  // makes the folder
  const std::string kept = Cosigned(tree_.At(20), one_);
  const auto put = [&](TreeSize size, const std::string& note) {
    auto files = AnchorFiles::Open(world_.files(), "/anchors").value();
    ASSERT_TRUE(files.Put(CosignedName(size), AsBytes(note)).ok());
  };
  put(TreeSize{20}, kept);
  EXPECT_EQ(States(), (std::vector{State::kUnreachable, State::kUnreachable, State::kConsistent}));
  tree_.RollBack(19);
  ExpectRefused();
  tree_.Grow(40, "another");
  ExpectRefused();
  EXPECT_EQ(Evidence().size(), 3u);

  // A file that no witness vouches for says nothing.
  for (const std::string& name : world_.files().List("/anchors/evidence").value())
    ASSERT_TRUE(world_.files().Remove("/anchors/evidence/" + name).ok());
  put(TreeSize{21}, tree_.At(21).note);
  EXPECT_EQ(States().size(), 2u);
}

// What is kept here contradicts the tree, and no read that fails hides that.
TEST_F(StartCheckTest, WhatIsKeptAndCannotBeReadRefusesTheStart) {
  EXPECT_EQ(States().size(), 2u);  // makes the folder
  const std::string kept = Cosigned(tree_.At(20), one_);
  auto files = AnchorFiles::Open(world_.files(), "/anchors").value();
  ASSERT_TRUE(files.Put(CosignedName(TreeSize{20}), AsBytes(kept)).ok());
  tree_.RollBack(19);
  for (int read = 0;; ++read) {
    const int number = world_.files().reads() + read;
    world_.files().FailRead(number);
    const Status status = Check().status();
    if (world_.files().reads() <= number) break;
    ASSERT_FALSE(status.ok()) << "read " << read;
  }
}

// Refused once, with the witness's word kept, and asked again while it is away.
TEST_F(StartCheckTest, AgainstTheEvidence) {
  answer_one_ = Shows(Cosigned(tree_.At(20), one_));
  tree_.RollBack(12);
  ExpectRefused();
  answer_one_ = Unavailable("down");
  ExpectRefused();
  EXPECT_EQ(Evidence().size(), 2u);
  tree_.Grow(30, "another");
  ExpectRefused();

  const std::string policy = options_.policy;
  options_.policy =
      fmt::format("witness w2 {} https://two.example\nquorum w2\n", two_.verifier().vkey());
  EXPECT_EQ(States().size(), 1u) << "its word counts no more";
  options_.policy = policy;
  tree_.RollBack(0);
  tree_.Grow(20);
  EXPECT_EQ(States().size(), 2u) << "the right folder is back";
  EXPECT_TRUE(
      CheckStart(world_.env(), options_, "log.example/other", MemoryTree(), &transport_).ok())
      << "of the log that a recovery ended";
}

TEST_F(StartCheckTest, AgainstWhatIsRememberedOfAWitness) {
  EXPECT_EQ(States().size(), 2u);  // makes the folder
  const auto remember = [&](const std::string& vkey, size_t size) {
    const WitnessState state{
        .vkey = vkey, .size = TreeSize{size}, .root = tree_.RootAt(TreeSize{size}).value()};
    ASSERT_TRUE(env::ReplaceFile(world_.files(), "/anchors", WitnessStateName(vkey),
                                 AsBytes(FormatWitnessState(state)))
                    .ok());
  };
  remember("stranger+00000000+AAAA", 20);
  remember(one_.verifier().vkey(), 20);
  EXPECT_EQ(States().size(), 2u);
  tree_.RollBack(12);
  ExpectRefused();
  tree_.Grow(30, "another");
  ExpectRefused();
  EXPECT_EQ(Evidence().size(), 2u) << "our own checkpoints";
  remember(one_.verifier().vkey(), 30);
  EXPECT_EQ(States().size(), 2u);
}

TEST(PolicyTest, IsKeptUntilThereIsNone) {
  SimEnv world{1};
  ASSERT_TRUE(world.files().MakeDir("/anchors").ok());
  for (const char* policy : {"quorum none\n", "# another\nquorum none\n"}) {
    ASSERT_TRUE(KeepPolicy(world.files(), "/anchors", policy).ok());
    EXPECT_EQ(env::ReadText(world.files(), PolicyPath("/anchors"), 99).value(), policy);
  }
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(KeepPolicy(world.files(), "/anchors", "").ok());
    EXPECT_TRUE(world.files().List("/anchors").value().empty());
  }
}

// Deployed witnesses cosign, and show nothing (404): they are offered what was published.
class SilentWitnessTest : public StartCheckTest {
 protected:
  void SetUp() override {
    StartCheckTest::SetUp();
    options_.policy = fmt::format("witness w1 {} https://one.example\nquorum w1\n",
                                  witness_.cosigner.verifier().vkey());
    silent_ = std::make_unique<FakeTransport>([this](const net::FetchRequest& request) {
      if (request.method == "GET") return net::FetchResponse{.status = 404};
      return override_ ? *override_ : witness_.Answer(request);
    });
  }
  void HoldsTreeOf(size_t size) {
    witness_.held = {.size = TreeSize{size}, .root = tree_.RootAt(TreeSize{size}).value()};
  }
  Result<WitnessedHead> Ask() {
    SEAL_ASSIGN_OR_RETURN(const auto heads, CheckStart(world_.env(), options_, MemoryTree::kOrigin,
                                                       tree_, silent_.get()));
    return heads.at(0);
  }

  testing::ToyWitness witness_;
  std::optional<net::FetchResponse> override_;
  std::unique_ptr<FakeTransport> silent_;
};

TEST_F(SilentWitnessTest, HoldsWhatContinuesHere) {
  for (const size_t size : {0, 1, 7, 20}) {
    HoldsTreeOf(size);
    const auto head = Ask();
    ASSERT_TRUE(head.ok()) << head.status().ToString();
    EXPECT_EQ(head->state, State::kConsistent) << size << ": " << head->why;
    EXPECT_EQ(head->size, TreeSize{20});
    EXPECT_EQ(witness_.held.size, TreeSize{20});
  }
}

TEST_F(SilentWitnessTest, ARollback) {
  HoldsTreeOf(20);
  tree_.RollBack(12);
  const Status status = Ask().status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.ToString();
  EXPECT_TRUE(status.message().starts_with(
      "rollback or fork detected: w1 has seen 20 records, and there are 12; "))
      << status.message();
  EXPECT_EQ(Evidence(), std::vector{tree_.checkpoint().note});
  EXPECT_EQ(witness_.held.size, TreeSize{20});
}

// Restored, and grown again past what the witness holds; then with the very same size.
TEST_F(SilentWitnessTest, AFork) {
  for (const size_t size : {15, 20}) {
    tree_.RollBack(0);
    tree_.Grow(20);
    HoldsTreeOf(size);
    tree_.RollBack(12);
    tree_.Grow(20, "another");
    const Status status = Ask().status();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << size << status.ToString();
    EXPECT_TRUE(
        status.message().starts_with("rollback or fork detected: w1: it holds another tree"))
        << status.message();
  }
}

// A crash between signing and writing the checkpoint down: the records are there, and the witness is
// ahead of what can be offered.
TEST_F(SilentWitnessTest, AheadOfTheCheckpointOnly) {
  tree_.GrowUnpublished(25);
  HoldsTreeOf(23);
  const auto head = Ask();
  ASSERT_TRUE(head.ok()) << head.status().ToString();
  EXPECT_EQ(head->state, State::kUnreachable);
  EXPECT_NE(head->why, "");
}

TEST_F(SilentWitnessTest, WhatSaysNothingStopsNothing) {
  const auto state_after = [this](net::FetchResponse answer) {
    override_ = std::move(answer);
    const auto head = Ask();
    EXPECT_TRUE(head.ok()) << head.status().ToString();
    return head.ok() ? head->state : State::kForked;
  };
  EXPECT_EQ(state_after({.status = 404}), State::kNothing);
  EXPECT_EQ(state_after({.status = 403}), State::kUnreachable);
  EXPECT_EQ(state_after({.status = 429}), State::kUnreachable);
  EXPECT_EQ(state_after({.status = 500}), State::kUnreachable);
  EXPECT_EQ(state_after({.status = 200, .body = "nonsense"}), State::kUnreachable);
  const std::string by_another = Cosigned(tree_.checkpoint(), two_);
  EXPECT_EQ(state_after({.status = 200, .body = by_another.substr(by_another.rfind("\u2014"))}),
            State::kNotBelieved);
  // A size that it names again and again ends the questions too.
  const auto before = silent_->requests().size();
  EXPECT_EQ(state_after({.status = 409,
                         .headers = {{"content-type", std::string(tlog::kTreeSizeContentType)}},
                         .body = "7\n"}),
            State::kUnreachable);
  EXPECT_EQ(silent_->requests().size() - before, 3u);

  // Without a checkpoint there is nothing to offer.
  override_.reset();
  MemoryTree unsigned_tree;
  unsigned_tree.GrowUnpublished(5);
  const auto heads =
      CheckStart(world_.env(), options_, MemoryTree::kOrigin, unsigned_tree, silent_.get());
  ASSERT_TRUE(heads.ok());
  EXPECT_EQ(heads->at(0).state, State::kNothing);
}

TEST_F(StartCheckTest, WithoutWitnesses) {
  options_.policy = "";
  EXPECT_EQ(States().size(), 0u);
  options_.policy = "nonsense";
  EXPECT_EQ(Check().status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sealtrail::anchor
