#include "anchor/witness_client.h"

#include <gtest/gtest.h>

#include "anchor/testing/fake_transport.h"
#include "anchor/testing/memory_tree.h"
#include "anchor/testing/toy_witness.h"
#include "env/testing/sim_env.h"
#include "tlog/testing/vectors.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor {
namespace {

using env::testing::SimEnv;
using testing::FakeTransport;
using testing::MemoryTree;
using testing::ToyWitness;

class WitnessClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.files().MakeDir("/anchors").ok());
    ASSERT_TRUE(world_.files().SyncDir("/").ok());
    tree_.Grow(10);
    Reopen();
  }

  void Reopen() {
    client_ = WitnessClient::Open(world_.env(), "/anchors",
                                  {.name = "w1",
                                   .vkey = toy_.cosigner.verifier().vkey(),
                                   .url = "https://witness.example/prefix"},
                                  transport_)
                  .value();
  }

  WitnessClient::Outcome Submit() { return client_->Submit(tree_.checkpoint(), tree_); }
  bool Due() { return client_->Due(world_.clock().Monotonic()); }
  // In how many seconds it is due; -1: never.
  int64_t DueIn() {
    for (int64_t seconds = 0; seconds <= 4'000; ++seconds) {
      if (client_->Due(world_.clock().Monotonic() + seconds * kNanosPerSecond)) return seconds;
    }
    return -1;
  }
  static net::FetchResponse Status_(int status, std::string body = "",
                                    std::string type = "text/plain") {
    return {.status = status, .headers = {{"content-type", type}}, .body = std::move(body)};
  }

  SimEnv world_{1};
  MemoryTree tree_;
  ToyWitness toy_;
  // Answers in turn; the toy answers once they are used up.
  std::vector<Result<net::FetchResponse>> script_;
  FakeTransport transport_{[this](const net::FetchRequest& request) {
    if (script_.empty()) return Result<net::FetchResponse>(toy_.Answer(request));
    auto answer = std::move(script_.front());
    script_.erase(script_.begin());
    return answer;
  }};
  std::unique_ptr<WitnessClient> client_;
};

TEST_F(WitnessClientTest, GetsACosignature) {
  const auto outcome = Submit();
  ASSERT_NE(outcome.lines, "") << client_->report().error;
  const auto requests = transport_.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].url, "https://witness.example/prefix/add-checkpoint");
  EXPECT_EQ(requests[0].body, "old 0\n\n" + tree_.checkpoint().note);

  const tlog::NoteVerifier* known = &toy_.cosigner.verifier();
  EXPECT_TRUE(tlog::OpenNote(tree_.checkpoint().note + outcome.lines, {&known, 1}).ok());
  const WitnessReport report = client_->report();
  EXPECT_EQ(report.acknowledged, TreeSize{10});
  EXPECT_EQ(report.success, env::testing::SimClock::kStart);
  EXPECT_EQ(report.error + report.alarm, "");
}

// One request a checkpoint, over restarts too: the size acknowledged is remembered.
TEST_F(WitnessClientTest, GoesOnFromWhereItWas) {
  ASSERT_NE(Submit().lines, "");
  for (size_t size = 11; size < 20; ++size) {
    tree_.Grow(size);
    if (size % 3 == 0) Reopen();
    EXPECT_NE(Submit().lines, "") << client_->report().error;
  }
  EXPECT_EQ(transport_.requests().size(), 10u);
}

TEST_F(WitnessClientTest, TakesUpAStaleSizeOnce) {
  ASSERT_NE(Submit().lines, "");
  tree_.Grow(15);
  toy_.held = {TreeSize{4}, tree_.RootAt(TreeSize{4}).value()};  // it was restored from a backup
  EXPECT_NE(Submit().lines, "") << client_->report().error;
  EXPECT_EQ(transport_.requests().size(), 3u);

  // And from zero, where we have forgotten.
  ASSERT_TRUE(world_.files().Remove("/anchors/" + WitnessStateName(client_->target().vkey)).ok());
  Reopen();
  tree_.Grow(16);
  EXPECT_NE(Submit().lines, "") << client_->report().error;
  EXPECT_EQ(transport_.requests().size(), 5u);
}

TEST_F(WitnessClientTest, AWitnessThatChangesItsSizeAllTheTimeIsLeftAlone) {
  script_ = {Status_(409, "3\n", "text/x.tlog.size"), Status_(409, "4\n", "text/x.tlog.size")};
  EXPECT_EQ(Submit().lines, "");
  EXPECT_EQ(transport_.requests().size(), 2u);
  EXPECT_FALSE(Due());
  EXPECT_NE(client_->report().error, "");
}

// Every row of the table, at once and at the second request.
TEST_F(WitnessClientTest, EveryRefusal) {
  struct Row {
    std::string name;
    Result<net::FetchResponse> answer;
    int64_t due_in;  // seconds; -1: never, an alarm
  };
  net::FetchResponse push_back = Status_(429, "slowly");
  push_back.headers.emplace_back("retry-after", "77");
  const Row rows[] = {
      {"bad request", Status_(400, "old above new"), 300},
      {"forbidden", Status_(403), 300},
      {"unknown", Status_(404), 300},
      {"certificate", FailedPrecondition("certificate"), 300},
      {"push-back", push_back, 77},
      {"push-back without a time", Status_(429), 60},
      {"time-out", Unavailable("the time ran out"), 15},
      {"server error", Status_(500), 15},
      {"gateway", Status_(502), 15},
      {"conflict without a size", Status_(409, "conflict"), 15},
      {"fork, as deployed", Status_(409), -1},
      {"fork or bad proof", Status_(422, "no"), -1},
      {"it has seen more than there is", Status_(409, "11\n", "text/x.tlog.size"), -1},
  };
  for (const Row& row : rows) {
    for (const bool second : {false, true}) {
      SCOPED_TRACE(row.name + (second ? ", second request" : ""));
      ASSERT_TRUE(client_->ClearAlarm().ok());
      script_ = {row.answer};
      if (second) script_.insert(script_.begin(), Status_(409, "4\n", "text/x.tlog.size"));
      const auto outcome = Submit();
      EXPECT_EQ(outcome.lines, "");
      EXPECT_EQ(outcome.alarm.has_value(), row.due_in < 0);
      EXPECT_EQ(DueIn(), row.due_in);
      const WitnessReport report = client_->report();
      EXPECT_NE(report.error + report.alarm, "");
      EXPECT_EQ(report.alarm != "", row.due_in < 0);
      EXPECT_TRUE(script_.empty());
    }
  }
}

TEST_F(WitnessClientTest, BacksOffAndComesBack) {
  std::vector<int64_t> waits;
  for (int i = 0; i < 6; ++i) {
    script_ = {Unavailable("down")};
    Submit();
    waits.push_back(DueIn());
  }
  EXPECT_EQ(waits, (std::vector<int64_t>{15, 30, 60, 120, 120, 120}));
  EXPECT_NE(Submit().lines, "");
  EXPECT_EQ(DueIn(), 0);
  script_ = {Unavailable("down")};
  Submit();
  EXPECT_EQ(DueIn(), 15);
}

TEST_F(WitnessClientTest, AnAlarmLastsUntilAnOperatorActs) {
  script_ = {Status_(422, "no")};
  EXPECT_TRUE(Submit().alarm.has_value());
  Reopen();
  EXPECT_EQ(DueIn(), -1);
  EXPECT_NE(client_->report().alarm, "");
  ASSERT_TRUE(client_->ClearAlarm().ok());
  EXPECT_EQ(client_->report().alarm, "");
  Reopen();
  EXPECT_EQ(DueIn(), 0);
  EXPECT_NE(Submit().lines, "");
}

// What a witness says to a log that shows two histories.
TEST_F(WitnessClientTest, AFork) {
  ASSERT_NE(Submit().lines, "");
  MemoryTree other;
  other.GrowUnpublished(5);
  other.Grow(12, "another");
  toy_.held = {TreeSize{12}, other.RootAt(TreeSize{12}).value()};
  tree_.Grow(15);
  const auto outcome = Submit();
  ASSERT_TRUE(outcome.alarm.has_value());
  EXPECT_EQ(transport_.requests().size(), 3u);  // stale, proof from 12, refused
}

// Our own tree is not the one that was cosigned: found without asking.
TEST_F(WitnessClientTest, ARollbackHere) {
  ASSERT_NE(Submit().lines, "");
  tree_.RollBack(4);
  Reopen();
  EXPECT_TRUE(Submit().alarm.has_value());
  ASSERT_TRUE(client_->ClearAlarm().ok());

  // As many records as before, and others.
  toy_.held = {};
  ASSERT_NE(Submit().lines, "");
  tree_.RollBack(2);
  tree_.Grow(30, "another");
  Reopen();
  const size_t asked = transport_.requests().size();
  EXPECT_TRUE(Submit().alarm.has_value());
  EXPECT_EQ(transport_.requests().size(), asked);
}

TEST_F(WitnessClientTest, VerifiesBeforeUse) {
  const auto other = tlog::Cosigner::FromSeed("witness.example/w2", Bytes(32, 0x33)).value();
  const auto text_of = [](const std::string& note) {
    return note.substr(0, note.find("\n\n") + 1);
  };
  const std::string text = text_of(tree_.checkpoint().note);
  const std::string good = toy_.cosigner.SignatureLine(text, 1'700'000'000).value();
  const std::string strange = other.SignatureLine(text, 1'700'000'000).value();
  const std::string misfit =
      toy_.cosigner.SignatureLine(text_of(tree_.At(9).note), 1'700'000'000).value();

  const auto submit = [&](std::string body) {
    script_ = {Status_(200, std::move(body))};
    const std::string lines = Submit().lines;
    const bool left_alone = DueIn() == kOperatorWaitNs / kNanosPerSecond;
    EXPECT_EQ(lines.empty(), left_alone);
    return lines;
  };
  EXPECT_EQ(submit(""), "");
  EXPECT_EQ(submit("thanks\n"), "");
  EXPECT_EQ(submit(strange), "");
  EXPECT_EQ(submit(misfit), "");
  EXPECT_EQ(submit(good + misfit), "");  // one wrong signature spoils all
  EXPECT_EQ(submit(tlog::testing::TlogVector("witness/add-checkpoint.response.txt")), "");
  EXPECT_EQ(client_->report().acknowledged, TreeSize{0});
  EXPECT_EQ(submit(strange + good + strange), good);  // strangers' lines are ignored
}

// A wish for a proof that cannot be read here is no fault of the witness, and no alarm.
TEST_F(WitnessClientTest, ATreeThatCannotBeRead) {
  ASSERT_NE(Submit().lines, "");
  SignedCheckpoint ahead = tree_.checkpoint();
  ahead.size = TreeSize{99};
  const auto outcome = client_->Submit(ahead, tree_);
  EXPECT_FALSE(outcome.alarm.has_value());
  EXPECT_EQ(outcome.lines, "");
  EXPECT_NE(client_->report().error, "");
}

// Nor is a file of ours that nobody may read.
TEST_F(WitnessClientTest, ATreeThatCannotBeReadIsNoFork) {
  ASSERT_NE(Submit().lines, "");
  Reopen();
  tree_.Grow(12);
  tree_.FailReads(FailedPrecondition("open tiles/1: Permission denied"));
  const auto outcome = Submit();
  EXPECT_FALSE(outcome.alarm.has_value()) << *outcome.alarm;
  EXPECT_EQ(client_->report().alarm, "");
  EXPECT_NE(client_->report().error.find("Permission denied"), std::string::npos);
  tree_.FailReads(OkStatus());
  world_.clock().Advance(3600 * kNanosPerSecond);
  EXPECT_NE(Submit().lines, "");
}

TEST_F(WitnessClientTest, ADamagedStateIsBegunAnew) {
  ASSERT_NE(Submit().lines, "");
  world_.files().FlipBit("/anchors/" + WitnessStateName(client_->target().vkey), 60, 3);
  Reopen();
  EXPECT_EQ(client_->report().acknowledged, TreeSize{0});
  EXPECT_NE(Submit().lines, "");
}

TEST_F(WitnessClientTest, ACosignatureCountsThoughTheStateCannotBeKept) {
  world_.files().SetReadOnly(true);
  EXPECT_NE(Submit().lines, "");
  EXPECT_NE(client_->report().error, "");
}

TEST_F(WitnessClientTest, RefusesKeysThatAreNoWitnesss) {
  for (const std::string& vkey : {tree_.verifier().vkey(), std::string("nonsense")}) {
    EXPECT_EQ(
        WitnessClient::Open(world_.env(), "/anchors", {.vkey = vkey}, transport_).status().code(),
        StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace sealtrail::anchor
