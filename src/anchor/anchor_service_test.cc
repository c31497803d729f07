#include "anchor/anchor_service.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "anchor/testing/fake_transport.h"
#include "anchor/testing/memory_tree.h"
#include "anchor/testing/toy_witness.h"
#include "crypto/testing/timestamp_authority.h"
#include "env/testing/sim_env.h"

namespace sealtrail::anchor {
namespace {

using env::testing::SimClock;
using env::testing::SimEnv;
using testing::FakeTransport;
using testing::MemoryTree;
using testing::ToyWitness;

// Takes every record, or none.
class FakeSink : public record::RecordSink {
 public:
  void Submit(record::RecordBatch batch, record::CommitDone done) override {
    if (refuses) return done(Unavailable("the queue is full"));
    if (late) {
      waiting = std::move(done);
      return;
    }
    leaves.emplace_back(AsText(batch.bundle));
    done(record::CommitOutcome{{record::RecordOutcome::Kind::kStored, Seq{0}}});
  }

  // The actions recorded, in their order.
  std::vector<std::string> actions() const {
    std::vector<std::string> found;
    for (const std::string& leaf : leaves) {
      for (const char* name : {"fail", "recover", "fork"}) {
        if (leaf.find(fmt::format("\"sealtrail.anchor.{}\"", name)) != leaf.npos) {
          found.emplace_back(name);
        }
      }
    }
    return found;
  }

  bool refuses = false;
  bool late = false;
  record::CommitDone waiting;
  std::vector<std::string> leaves;
};

class AnchorServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.Grow(10);
    options_.dir = "/anchors";
    SetPolicy("all");
  }

  void SetPolicy(std::string_view quorum) {
    options_.policy = fmt::format(
        "witness w1 {} https://one.example\nwitness w2 {} https://two.example\n"
        "group both {} w1 w2\nquorum {}\n",
        one_.cosigner.verifier().vkey(), two_.cosigner.verifier().vkey(),
        quorum == "none" ? "any" : quorum, quorum == "none" ? "none" : "both");
  }
  void UseAuthorities() {
    options_.policy = "";
    for (const char* name : {"tsa-one", "tsa-two"}) {
      const std::string path = fmt::format("/{}.pem", name);
      auto file = world_.files().Create(path).value();
      ASSERT_TRUE(file->Append(AsBytes(authority_.ca_pem())).ok() && file->Sync().ok());
      options_.authorities.push_back(
          {.url = fmt::format("https://{}.example", name), .ca_file = path});
    }
  }

  // What the world answers.
  Result<net::FetchResponse> Answer(const net::FetchRequest& request) {
    ++asked_[request.url.substr(0, request.url.find(".example"))];
    if (request.url.starts_with("https://one.example")) {
      if (one_down_) return Unavailable("one is down");
      one_.time_s = Seconds();
      return one_.Answer(request);
    }
    if (request.url.starts_with("https://two.example")) {
      if (two_down_) return Unavailable("two is down");
      two_.time_s = Seconds();
      return two_.Answer(request);
    }
    if (tsa_status_ != 200) return net::FetchResponse{.status = tsa_status_};
    if (!tsa_replay_.empty()) return net::FetchResponse{.status = 200, .body = tsa_replay_};
    const Bytes reply = authority_.Reply(AsBytes(request.body), world_.clock().Now());
    return net::FetchResponse{.status = 200, .headers = {}, .body = std::string(AsText(reply))};
  }
  int64_t Seconds() { return Value(world_.clock().Now()) / kNanosPerSecond; }
  int asked(const std::string& who) { return asked_["https://" + who]; }

  Status TryStart() {
    service_.reset();
    auto transport = std::make_unique<FakeTransport>(
        [this](const net::FetchRequest& request) { return Answer(request); });
    auto service =
        AnchorService::Start(world_.env(), options_, tree_, sink_, metrics_, std::move(transport));
    if (service.ok()) service_ = std::move(*service);
    return service.status();
  }
  void Start() {
    const Status started = TryStart();
    ASSERT_TRUE(started.ok()) << started.ToString();
    world_.executor().RunUntilIdle();
  }
  // Each read of a start fails in turn: what is kept must not count as absent.
  void ExpectEveryReadCounts() {
    int reads = 0;
    for (;; ++reads) {
      const int number = world_.files().reads() + reads;
      world_.files().FailRead(number);
      const Status started = TryStart();
      if (world_.files().reads() <= number) break;
      ASSERT_EQ(started.code(), StatusCode::kUnavailable) << reads << ": " << started.ToString();
    }
    EXPECT_GT(reads, 5);
  }
  void RunFor(int64_t seconds) { world_.executor().RunFor(seconds * kNanosPerSecond); }

  std::string File(const std::string& name) {
    const auto bytes = env::ReadFile(world_.files(), "/anchors/" + name, 1 * kMiB);
    return bytes.ok() ? std::string(AsText(*bytes)) : "";
  }
  std::vector<std::string> Files(std::string_view suffix) {
    std::vector<std::string> found;
    for (const auto& name : world_.files().List("/anchors").value()) {
      if (name.ends_with(suffix)) found.push_back(name);
    }
    return found;
  }
  double Metric(const std::string& name) {
    for (const auto& sample : metrics_.Collect()) {
      if (sample.name == name) return sample.value;
    }
    return -1;
  }

  SimEnv world_{1};
  MemoryTree tree_;
  ToyWitness one_{"one.example/w", 1}, two_{"two.example/w", 2};
  bool one_down_ = false, two_down_ = false;
  crypto::testing::TimestampAuthority authority_;
  int tsa_status_ = 200;
  std::string tsa_replay_;
  std::map<std::string, int> asked_;
  FakeSink sink_;
  MetricSet metrics_;
  Options options_;
  std::unique_ptr<AnchorService> service_;
};

constexpr char kTen[] = "00000000000000000010.checkpoint";

TEST_F(AnchorServiceTest, KeepsWhatAQuorumCosigned) {
  Start();
  const auto policy = tlog::Policy::Parse(options_.policy).value();
  const tlog::Verifier log = tree_.verifier();
  const auto verdict = policy.Judge(File(kTen), {&log, 1});
  ASSERT_TRUE(verdict.ok()) << verdict.status().ToString();
  EXPECT_TRUE(verdict->quorum_met);
  EXPECT_EQ(verdict->cosignatures.size(), 2u);

  // Nothing new, nothing asked; something new, with the next round.
  RunFor(300);
  EXPECT_EQ(asked("one"), 1);
  tree_.Grow(12);
  RunFor(30);
  EXPECT_EQ(asked("one"), 2);
  EXPECT_EQ(Files(".checkpoint").size(), 2u);
  const AnchorReport report = service_->report();
  ASSERT_EQ(report.kinds.size(), 1u);
  EXPECT_EQ(report.kinds[0].size, TreeSize{12});
  EXPECT_TRUE(report.kinds[0].last.has_value());
  EXPECT_EQ(report.witnesses.size(), 2u);
  EXPECT_EQ(Metric("sealtrail_anchor_size"), 12);
  EXPECT_TRUE(sink_.leaves.empty());  // a success is no record
}

TEST_F(AnchorServiceTest, WaitsForTheQuorum) {
  two_down_ = true;
  Start();
  EXPECT_EQ(File(kTen), "");
  RunFor(60);
  EXPECT_EQ(asked("one"), 1);  // it has cosigned this one
  EXPECT_GT(asked("two"), 1);
  two_down_ = false;
  RunFor(120);
  EXPECT_EQ(asked("one"), 1);
  EXPECT_NE(File(kTen).find("— one.example/w "), std::string::npos);
  EXPECT_NE(File(kTen).find("— two.example/w "), std::string::npos);
}

TEST_F(AnchorServiceTest, OneOfTwoIsEnoughWhereThePolicySaysSo) {
  SetPolicy("any");
  two_down_ = true;
  Start();
  EXPECT_NE(File(kTen).find("— one.example/w "), std::string::npos);
  EXPECT_EQ(service_->report().kinds[0].size, TreeSize{10});
}

// No quorum is demanded, but a checkpoint that nobody cosigned is no anchor.
TEST_F(AnchorServiceTest, NobodysCosignatureIsNoAnchor) {
  SetPolicy("none");
  one_down_ = two_down_ = true;
  Start();
  EXPECT_TRUE(Files(".checkpoint").empty());
  one_down_ = false;
  RunFor(120);
  EXPECT_NE(File(kTen), "");
}

TEST_F(AnchorServiceTest, AChangeOfHealthIsARecord) {
  Start();
  one_down_ = true;
  for (int i = 0; i < 20; ++i) {
    tree_.Grow(11 + static_cast<size_t>(i));
    RunFor(30);
  }
  EXPECT_EQ(sink_.actions(), (std::vector<std::string>{"fail"}));
  EXPECT_NE(sink_.leaves[0].find("one is down"), std::string::npos);
  EXPECT_TRUE(service_->report().kinds[0].failing);
  EXPECT_GT(Metric("sealtrail_anchor_age_seconds"), 100);
  EXPECT_GT(Metric("sealtrail_anchor_failures_total"), 3);
  one_down_ = false;
  RunFor(300);
  EXPECT_EQ(sink_.actions(), (std::vector<std::string>{"fail", "recover"}));
  EXPECT_FALSE(service_->report().kinds[0].failing);
  EXPECT_LE(Metric("sealtrail_anchor_age_seconds"), 30);
}

TEST_F(AnchorServiceTest, AnIdleTrailDoesNotFail) {
  options_.fail_mode = FailMode::kClosed;
  Start();
  one_down_ = two_down_ = true;
  RunFor(7'200);
  EXPECT_TRUE(sink_.actions().empty());
  EXPECT_TRUE(service_->Accepting().ok());
  EXPECT_LE(Metric("sealtrail_anchor_age_seconds"), 30);
}

TEST_F(AnchorServiceTest, FailClosed) {
  options_.fail_mode = FailMode::kClosed;
  options_.age_max_ns = 120 * kNanosPerSecond;
  one_down_ = true;
  Start();
  EXPECT_TRUE(service_->Accepting().ok());
  RunFor(119);
  EXPECT_TRUE(service_->Accepting().ok());
  RunFor(2);
  EXPECT_EQ(service_->Accepting().code(), StatusCode::kUnavailable);
  one_down_ = false;
  RunFor(121);
  EXPECT_TRUE(service_->Accepting().ok()) << service_->Accepting().ToString();

  options_.fail_mode = FailMode::kOpen;
  one_down_ = true;
  tree_.Grow(11);
  Start();
  RunFor(1'000);
  EXPECT_TRUE(service_->Accepting().ok());
}

TEST_F(AnchorServiceTest, WhatWitnessesCosignedAndCannotBeReadRefusesTheStart) {
  Start();
  RunFor(10);
  ASSERT_FALSE(Files(".checkpoint").empty());
  ExpectEveryReadCounts();
}

TEST_F(AnchorServiceTest, ATimeStampThatCannotBeReadRefusesTheStart) {
  UseAuthorities();
  Start();
  RunFor(10);
  ASSERT_FALSE(Files(".tsr").empty());
  ExpectEveryReadCounts();
}

// A process that starts anew does not begin to count anew.
TEST_F(AnchorServiceTest, AgesOverARestart) {
  options_.fail_mode = FailMode::kClosed;
  Start();
  tree_.Grow(11);
  one_down_ = two_down_ = true;
  service_.reset();
  world_.clock().Advance(3'600 * kNanosPerSecond);
  Start();
  EXPECT_EQ(service_->Accepting().code(), StatusCode::kUnavailable);
  EXPECT_GE(service_->report().kinds[0].age_ns, 3'600 * kNanosPerSecond);
  one_down_ = two_down_ = false;
  RunFor(60);
  EXPECT_TRUE(service_->Accepting().ok()) << service_->Accepting().ToString();
}

TEST_F(AnchorServiceTest, AFork) {
  options_.fail_mode = FailMode::kClosed;
  SetPolicy("any");
  Start();
  // The other half of the world was shown another tree.
  MemoryTree other;
  other.Grow(12, "another");
  two_.held = {TreeSize{12}, other.checkpoint().root};
  const std::string shown =
      other.checkpoint().note + two_.cosigner
                                    .SignatureLine(other.checkpoint().note.substr(
                                                       0, other.checkpoint().note.find("\n\n") + 1),
                                                   Seconds())
                                    .value();
  two_.shown = shown;
  tree_.Grow(15);
  RunFor(31);
  EXPECT_EQ(sink_.actions(), (std::vector<std::string>{"fork"}));
  EXPECT_TRUE(service_->report().kinds[0].forked);
  EXPECT_EQ(Metric("sealtrail_anchor_forked"), 1);
  EXPECT_EQ(service_->Accepting().code(), StatusCode::kUnavailable);
  std::vector<std::string> evidence;
  for (const auto& name : world_.files().List("/anchors/evidence").value()) {
    evidence.push_back(File("evidence/" + name));
  }
  EXPECT_EQ(evidence, (std::vector{shown, tree_.checkpoint().note}));  // by size

  // Left alone from now on, over a restart too.
  const int before = asked("two");
  tree_.Grow(20);
  RunFor(600);
  Start();
  tree_.Grow(21);
  RunFor(600);
  EXPECT_EQ(asked("two"), before);
  EXPECT_TRUE(service_->report().kinds[0].forked);
  EXPECT_EQ(service_->report().kinds[0].size, TreeSize{21});  // the other goes on

  // An operator acts.
  two_.held = {};
  std::optional<Status> cleared, unknown;
  service_->ClearAlarm("w2", [&](const Status& status) { cleared = status; });
  service_->ClearAlarm("w9", [&](const Status& status) { unknown = status; });
  world_.executor().RunUntilIdle();
  EXPECT_TRUE(cleared && cleared->ok());
  EXPECT_TRUE(unknown && unknown->code() == StatusCode::kNotFound);
  EXPECT_EQ(Metric("sealtrail_anchor_forked"), 0);
  tree_.Grow(22);
  RunFor(31);
  EXPECT_GT(asked("two"), before);
  EXPECT_TRUE(service_->Accepting().ok());
}

TEST_F(AnchorServiceTest, RecordsAreNotLostWhereTheLedgerIsBusy) {
  sink_.refuses = true;
  one_down_ = true;
  Start();
  RunFor(400);
  one_down_ = false;
  RunFor(400);
  EXPECT_TRUE(sink_.leaves.empty());
  sink_.refuses = false;
  RunFor(120);
  EXPECT_EQ(sink_.actions(), (std::vector<std::string>{"fail", "recover"}));
}

// The ledger may answer when we are gone.
TEST_F(AnchorServiceTest, ALateAnswerOfTheLedger) {
  sink_.late = true;
  one_down_ = true;
  Start();
  RunFor(400);
  ASSERT_TRUE(sink_.waiting);
  service_.reset();
  sink_.waiting(Unavailable("stopped"));
}

constexpr char kStamped[] = "00000000000000000010.stamped";

TEST_F(AnchorServiceTest, StampsCheckpoints) {
  UseAuthorities();
  Start();
  EXPECT_EQ(File(kStamped), tree_.checkpoint().note);
  const auto certificates = crypto::TimestampAuthorities::FromPem(authority_.ca_pem()).value();
  for (const char* name : {"00000000000000000010.0.tsr", "00000000000000000010.1.tsr"}) {
    const auto stamp = certificates.CheckReply(AsBytes(File(name)), AsBytes(File(kStamped)));
    ASSERT_TRUE(stamp.ok()) << stamp.status().ToString();
    EXPECT_EQ(stamp->time, SimClock::kStart);
  }
  // Hourly, and only what is new.
  RunFor(7'200);
  EXPECT_EQ(asked("tsa-one"), 1);
  tree_.Grow(11);
  RunFor(31);
  tree_.Grow(12);
  RunFor(3'500);
  EXPECT_EQ(asked("tsa-one"), 2);
  RunFor(200);
  EXPECT_EQ(asked("tsa-one"), 3);
  EXPECT_EQ(service_->report().kinds[0].size, TreeSize{12});
  EXPECT_TRUE(sink_.leaves.empty());
}

TEST_F(AnchorServiceTest, StampsASealedSegmentSoon) {
  UseAuthorities();
  Start();
  tree_.Grow(12);
  service_->StampSoon(TreeSize{12});
  world_.executor().RunUntilIdle();
  EXPECT_EQ(Files(".stamped").size(), 2u);
  // Not checkpointed yet: as soon as it is.
  service_->StampSoon(TreeSize{14});
  world_.executor().RunUntilIdle();
  EXPECT_EQ(Files(".stamped").size(), 2u);
  tree_.Grow(15);
  RunFor(1);
  EXPECT_EQ(Files(".stamped").size(), 3u);
  tree_.Grow(16);
  RunFor(600);
  EXPECT_EQ(Files(".stamped").size(), 3u);
}

// The first checkpoint of a new log comes a moment after the start: nobody waits a whole interval for it.
TEST_F(AnchorServiceTest, ANewLogIsAnchoredSoon) {
  UseAuthorities();
  MemoryTree fresh;
  service_ =
      AnchorService::Start(
          world_.env(), options_, fresh, sink_, metrics_,
          std::make_unique<FakeTransport>([this](const auto& request) { return Answer(request); }))
          .value();
  RunFor(5);
  EXPECT_TRUE(Files(".stamped").empty());
  fresh.Grow(1);
  RunFor(1);
  EXPECT_EQ(Files(".stamped").size(), 1u);
}

TEST_F(AnchorServiceTest, StampsAreNotRepeatedAfterARestart) {
  UseAuthorities();
  Start();
  RunFor(1'800);
  tree_.Grow(11);
  Start();
  RunFor(1'700);
  EXPECT_EQ(asked("tsa-one"), 1);
  RunFor(200);
  EXPECT_EQ(asked("tsa-one"), 2);
  // A token that is not what it should be does not count.
  ASSERT_GT(File("00000000000000000011.0.tsr").size(), 500u);
  world_.files().FlipBit("/anchors/00000000000000000011.0.tsr", 400, 1);
  tree_.Grow(12);
  Start();
  EXPECT_EQ(asked("tsa-one"), 3);
  EXPECT_EQ(asked("tsa-two"), 2);
}

TEST_F(AnchorServiceTest, VerifiesStampsBeforeTheyAreKept) {
  UseAuthorities();
  Start();
  tsa_replay_ = File("00000000000000000010.0.tsr");  // good, for other bytes and another nonce
  tree_.Grow(11);
  RunFor(4'000);
  EXPECT_EQ(Files(".tsr").size(), 2u);
  EXPECT_NE(service_->report().authorities[0].error, "");
  // For the right bytes, but asked for by somebody else.
  const Bytes query = crypto::MakeTimestampQuery(AsBytes(tree_.checkpoint().note), 42);
  tsa_replay_ = AsText(authority_.Reply(query, world_.clock().Now()));
  RunFor(4'000);
  EXPECT_EQ(Files(".tsr").size(), 2u);
  tsa_replay_ = "";
  RunFor(600);
  EXPECT_EQ(Files(".tsr").size(), 4u);
  EXPECT_EQ(service_->report().authorities[0].error, "");
}

TEST_F(AnchorServiceTest, AnAuthorityThatFailsIsLeftAloneForAWhile) {
  UseAuthorities();
  tsa_status_ = 500;
  Start();
  RunFor(3'600);
  EXPECT_GT(asked("tsa-one"), 20);
  EXPECT_LE(asked("tsa-one"), 35);
  tsa_status_ = 403;
  RunFor(600);
  const int before = asked("tsa-one");
  RunFor(3'600);
  EXPECT_LE(asked("tsa-one") - before, 13);
  EXPECT_EQ(sink_.actions(), (std::vector<std::string>{"fail"}));  // after two hours
  tsa_status_ = 200;
  RunFor(600);
  EXPECT_EQ(sink_.actions(), (std::vector<std::string>{"fail", "recover"}));
}

// A full disk is no alarm and no anchor.
TEST_F(AnchorServiceTest, ADiskThatTakesNothing) {
  Start();
  world_.files().SetReadOnly(true);
  tree_.Grow(11);
  RunFor(300);
  EXPECT_EQ(service_->report().kinds[0].size, TreeSize{10});
  EXPECT_TRUE(service_->report().kinds[0].failing);
  world_.files().SetReadOnly(false);
  tree_.Grow(12);
  RunFor(60);
  EXPECT_EQ(service_->report().kinds[0].size, TreeSize{12});
}

TEST_F(AnchorServiceTest, RefusesBadOptions) {
  const auto code = [&](auto change) {
    const Options before = options_;
    change();
    const StatusCode code = TryStart().code();
    options_ = before;
    return code;
  };
  const auto kInvalid = StatusCode::kInvalidArgument;
  EXPECT_EQ(code([&] { options_.policy = "nonsense"; }), kInvalid);
  EXPECT_EQ(code([&] { options_.witness_interval_ns = 0; }), kInvalid);
  EXPECT_EQ(code([&] {
              options_.fail_mode = FailMode::kClosed;
              options_.age_max_ns = 60 * kNanosPerSecond;
            }),
            kInvalid);
  // What would never close.
  for (const char* policy : {"", "quorum none\n"}) {
    EXPECT_EQ(code([&] {
                options_.policy = policy;
                options_.fail_mode = FailMode::kClosed;
                options_.age_max_ns = 3 * 3'600 * kNanosPerSecond;
              }),
              kInvalid);
  }
  // A quorum that cannot be met by those who can be asked.
  EXPECT_EQ(code([&] {
              options_.policy =
                  fmt::format("witness w1 {}\nquorum w1\n", one_.cosigner.verifier().vkey());
            }),
            kInvalid);
  EXPECT_EQ(code([&] { options_.authorities = {{.url = "https://t", .ca_file = "/none"}}; }),
            StatusCode::kNotFound);
  EXPECT_EQ(code([] {}), StatusCode::kOk);
}

// Nothing configured: nothing done, nothing refused.
TEST_F(AnchorServiceTest, WithoutAnchors) {
  options_.policy = "";
  Start();
  RunFor(100'000);
  EXPECT_TRUE(service_->Accepting().ok());
  EXPECT_TRUE(service_->report().kinds.empty());
}

// Goal: wherever the power fails, no token is without what it stamps, and no file is half.
TEST_F(AnchorServiceTest, AnyPowerCut) {
  const auto certificates = crypto::TimestampAuthorities::FromPem(authority_.ca_pem()).value();
  const std::string policy = options_.policy;
  UseAuthorities();
  options_.policy = policy;
  ASSERT_TRUE(world_.files().SyncDir("/").ok());
  for (int cut = 0; cut < 60; ++cut) {
    SCOPED_TRACE(cut);
    tree_.Grow(11 + static_cast<size_t>(cut));
    options_.stamp_interval_ns = kNanosPerSecond;
    world_.files().CutPowerAt(world_.files().operations() + cut);
    if (TryStart().ok()) {
      RunFor(200);
      service_.reset();
    }
    world_.Crash();
    world_.files().PowerOn();
    if (!world_.files().Stat("/anchors").ok()) continue;
    for (const std::string& name : Files(".tsr")) {
      const std::string stamped = File(name.substr(0, 20) + ".stamped");
      EXPECT_TRUE(certificates.CheckReply(AsBytes(File(name)), AsBytes(stamped)).ok()) << name;
    }
    for (const std::string& name : Files(".checkpoint")) {
      EXPECT_TRUE(File(name).ends_with("\n")) << name;
    }
  }
  EXPECT_GT(Files(".tsr").size(), 20u);
}

}  // namespace
}  // namespace sealtrail::anchor
