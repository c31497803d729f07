#include "dedupe/deduper.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"
#include "env/testing/sim_env.h"
#include "ledger/ledger.h"
#include "record/batch_builder.h"

namespace sealtrail::dedupe {
namespace {

using env::testing::SimEnv;
using record::CommitOutcome;
using record::Identity;
using record::RecordBatch;
using record::RecordOutcome;
using Kind = RecordOutcome::Kind;

constexpr char kData[] = "/data";

// A record as a sender has it: a span with ids, or a log that is known by its delivery alone.
struct Sent {
  std::string name;
  uint64_t id = 0;  // 0: a log
  std::string volatile_text;
};

RecordBatch BatchOf(const std::vector<Sent>& all, const std::string& request, UnixNanos now) {
  auto builder = record::BatchBuilder::Make(record::RecordClass::kIngest,
                                            {.received_at = now, .principal = "local"});
  const crypto::Hash request_hash = crypto::Sha256(AsBytes(request));
  builder->SetRequestHash(request_hash);
  uint32_t unit = 0;
  for (const Sent& sent : all) {
    const std::string attributes =
        sent.volatile_text.empty()
            ? R"([["audit.action","X"]])"
            : fmt::format(R"([["audit.action","X"],["audit.pipeline","{}"]])", sent.volatile_text);
    record::Salt salt{};
    salt[0] = static_cast<uint8_t>(unit);
    if (sent.id == 0) {
      const std::string content = fmt::format(R"({{"a":{},"b":"{}"}})", attributes, sent.name);
      EXPECT_TRUE(builder
                      ->Add({.kind = record::Kind::kLog,
                             .salt = salt,
                             .content = content,
                             .span = {},
                             .identity = record::IdentityOfDelivery("local", request_hash, unit)})
                      .ok());
    } else {
      Bytes trace_id(16, 7), span_id(8, 0);
      PutBig64(span_id.data(), sent.id);
      const std::string content =
          fmt::format(R"({{"a":{},"i":"{}","n":"{}","t":"{}"}})", attributes, HexEncode(span_id),
                      sent.name, HexEncode(trace_id));
      EXPECT_TRUE(builder
                      ->Add({.kind = record::Kind::kSpan,
                             .salt = salt,
                             .content = content,
                             .span = {},
                             .identity = record::IdentityOfSpan(trace_id, span_id)})
                      .ok());
    }
    ++unit;
  }
  return std::move(*builder).Finish();
}

// A sink that refuses while it is told to, at once or later, and passes on otherwise.
class Gate : public record::RecordSink {
 public:
  explicit Gate(record::RecordSink& next) : next_(next) {}
  bool open = true;
  bool late = false;                        // refuse what comes only when told
  std::vector<record::CommitDone> refused;  // by then

  void Submit(RecordBatch batch, record::CommitDone done) override {
    if (late) return refused.push_back(std::move(done));
    if (!open) return done(Unavailable("closed"));
    next_.Submit(std::move(batch), std::move(done));
  }

 private:
  record::RecordSink& next_;
};

struct Answer {
  bool answered = false;
  Result<CommitOutcome> outcome = Unavailable("not answered");

  std::string Text() const {
    if (!answered) return "nothing";
    if (!outcome.ok()) return "refused";
    std::string text;
    for (const RecordOutcome& record : *outcome) {
      text += record.kind == Kind::kStored ? 's' : record.kind == Kind::kDuplicate ? 'd' : 'c';
    }
    return text;
  }
};

// A process with a ledger and a deduper before it.
struct Process {
  explicit Process(SimEnv& world, WindowLimits limits = {}, ledger::Options options = {})
      : world(world) {
    options.data_dir = kData;
    ledger = ledger::Ledger::Open(world.env(), options, metrics, [](const Status&) {}).value();
    gate.emplace(*ledger);
    deduper.emplace(world.env(), *gate, *ledger, limits, metrics);
    deduper->Rebuild();
  }
  ~Process() {
    deduper->Stop();
    ledger.reset();
  }

  std::shared_ptr<Answer> Begin(const std::vector<Sent>& all, const std::string& request) {
    auto answer = std::make_shared<Answer>();
    deduper->Submit(BatchOf(all, request, world.clock().Now()),
                    [answer](Result<CommitOutcome> outcome) {
                      EXPECT_FALSE(answer->answered);
                      answer->answered = true;
                      answer->outcome = std::move(outcome);
                    });
    return answer;
  }

  std::string Send(const std::vector<Sent>& all, const std::string& request) {
    last = Begin(all, request);
    world.executor().RunUntilIdle();
    return last->Text();
  }

  uint64_t SeqOf(size_t index) const { return Value((*last->outcome)[index].seq); }

  std::string Leaf(uint64_t seq) const {
    return std::string(ledger->Read(Seq{seq}, 1, kMiB)->records[0].leaf);
  }

  // What is stored of others, by name and body.
  std::vector<std::string> Stored() const {
    std::vector<std::string> leaves;
    for (uint64_t at = 0; at < Value(ledger->heights().durable);) {
      const auto range = ledger->Read(Seq{at}, 1000, kMiB).value();
      for (const auto& record : range.records) {
        if (record.leaf.find("\"k\":\"se") == record.leaf.npos) leaves.emplace_back(record.leaf);
      }
      at = Value(range.records.back().seq) + 1;
    }
    return leaves;
  }

  void Close() {
    Status closed = Unavailable("not closed");
    ledger->Close([&](const Status& status) { closed = status; });
    world.executor().RunUntilIdle();
    EXPECT_TRUE(closed.ok()) << closed.ToString();
  }

  double Metric(const std::string& name) const {
    for (const MetricSet::Sample& sample : metrics.Collect()) {
      if (sample.name == name) return sample.value;
    }
    ADD_FAILURE() << "no metric " << name;
    return -1;
  }

  SimEnv& world;
  MetricSet metrics;
  std::unique_ptr<ledger::Ledger> ledger;
  std::optional<Gate> gate;
  std::optional<Deduper> deduper;
  std::shared_ptr<Answer> last;
};

TEST(DeduperTest, ARepeatIsAcknowledgedAndNotStored) {
  SimEnv world(1);
  Process p(world);
  EXPECT_EQ(p.Send({{"a", 1}, {"b", 2}}, "r1"), "ss");
  const uint64_t b = p.SeqOf(1);
  EXPECT_EQ(p.Send({{"b", 2}}, "r2"), "d");
  EXPECT_EQ(p.SeqOf(0), b);
  EXPECT_EQ(p.Send({{"c", 3}, {"b", 2}, {"d", 4}, {"a", 1}}, "r3"), "sdsd");
  EXPECT_EQ(p.SeqOf(1), b);
  EXPECT_EQ(p.Stored().size(), 4u);
  EXPECT_NE(p.Leaf(p.SeqOf(2)).find("\"n\":\"d\""), std::string::npos);
}

TEST(DeduperTest, VolatileAttributesMakeNoDifference) {
  SimEnv world(1);
  Process p(world);
  EXPECT_EQ(p.Send({{"a", 1, "first"}}, "r1"), "s");
  EXPECT_EQ(p.Send({{"a", 1, "second"}}, "r2"), "d");
  EXPECT_EQ(p.Send({{"a", 1}}, "r3"), "d");
}

TEST(DeduperTest, OtherContentIsStoredAsAConflictAndThenKnownToo) {
  SimEnv world(1);
  Process p(world);
  EXPECT_EQ(p.Send({{"a", 1}}, "r1"), "s");
  EXPECT_EQ(p.Send({{"other", 1}}, "r2"), "c");
  const uint64_t conflict = p.SeqOf(0);
  EXPECT_TRUE(p.Leaf(conflict).starts_with(R"({"f":["conflict"],"k":"span",)")) << p.Leaf(conflict);
  EXPECT_EQ(p.Send({{"a", 1}, {"other", 1}, {"third", 1}}, "r3"), "ddc");
  EXPECT_EQ(p.SeqOf(1), conflict);
  EXPECT_EQ(p.Metric("sealtrail_identity_conflicts_total"), 2);
}

TEST(DeduperTest, ALogIsKnownByItsDelivery) {
  SimEnv world(1);
  Process p(world);
  EXPECT_EQ(p.Send({{"x"}, {"y"}}, "request"), "ss");
  EXPECT_EQ(p.Send({{"x"}, {"y"}}, "request"), "dd");
  EXPECT_EQ(p.Send({{"y"}, {"z"}}, "cut otherwise"), "ss");
  EXPECT_TRUE(p.Leaf(p.SeqOf(0)).starts_with(R"({"f":["possible_duplicate"],)"));
  EXPECT_TRUE(p.Leaf(p.SeqOf(1)).starts_with(R"({"k":"log",)"));
  EXPECT_EQ(p.Send({{"y"}, {"z"}}, "cut otherwise"), "dd");
  EXPECT_EQ(p.Metric("sealtrail_identity_possible_duplicates_total"), 1);
}

TEST(DeduperTest, RepeatsInsideOneRequest) {
  SimEnv world(1);
  Process p(world);
  EXPECT_EQ(p.Send({{"a", 1}, {"a", 1}, {"b", 1}, {"b", 1}, {"x"}, {"x"}}, "r1"), "sdcdss");
  EXPECT_EQ(p.SeqOf(1), p.SeqOf(0));
  EXPECT_EQ(p.SeqOf(3), p.SeqOf(2));
  EXPECT_TRUE(p.Leaf(p.SeqOf(5)).starts_with(R"({"f":["possible_duplicate"],)"));
  EXPECT_EQ(p.Send({{"b", 1}, {"b", 1}}, "r2"), "dd");
  EXPECT_EQ(p.Stored().size(), 4u);
}

TEST(DeduperTest, TheSecondOfTwoOnTheirWayWaits) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    SimEnv world(seed);
    Process p(world);
    const auto first = p.Begin({{"a", 1}, {"b", 2}}, "r1");
    const auto second = p.Begin({{"c", 3}, {"b", 2}}, "r2");
    const auto third = p.Begin({{"c", 3}}, "r3");
    const auto fourth = p.Begin({{"d", 3}}, "r4");
    EXPECT_FALSE(second->answered);
    world.executor().RunUntilIdle();
    EXPECT_EQ(first->Text(), "ss");
    // Who waits holds nothing: c is stored for whoever came with it first.
    EXPECT_EQ(second->Text() + third->Text() + fourth->Text(), "ddsc") << second->Text();
    EXPECT_EQ(p.Stored().size(), 4u);
  }
}

TEST(DeduperTest, WhatWasRefusedIsNotKnown) {
  SimEnv world(1);
  Process p(world);
  p.gate->open = false;
  EXPECT_EQ(p.Send({{"a", 1}, {"x"}}, "r1"), "refused");
  p.gate->open = true;
  EXPECT_EQ(p.Send({{"a", 1}, {"x"}}, "r1"), "ss");
  EXPECT_EQ(p.Send({{"a", 1}, {"x"}}, "r1"), "dd");
}

TEST(DeduperTest, WhoWaitedForARefusedOneIsStored) {
  SimEnv world(1);
  Process p(world);
  p.gate->late = true;
  const auto first = p.Begin({{"a", 1}, {"x"}}, "r1");
  p.gate->late = false;
  const auto second = p.Begin({{"b", 2}, {"a", 1}}, "r2");
  const auto third = p.Begin({{"a", 1}, {"x"}}, "r1");
  world.executor().RunUntilIdle();
  EXPECT_FALSE(second->answered || third->answered);
  p.gate->refused[0](Unavailable("late"));
  world.executor().RunUntilIdle();
  EXPECT_EQ(first->Text(), "refused");
  EXPECT_EQ(second->Text(), "ss");
  EXPECT_EQ(third->Text(), "ds");
  EXPECT_EQ(p.Stored().size(), 3u);
}

TEST(DeduperTest, OwnRecordsPass) {
  SimEnv world(1);
  Process p(world);
  for (int i = 0; i < 2; ++i) {
    auto builder = record::BatchBuilder::Make(record::RecordClass::kOwn, {.transport = "self"});
    ASSERT_TRUE(builder
                    ->Add({.kind = record::Kind::kSelf,
                           .salt = {},
                           .content = "{}",
                           .span = {},
                           .identity = {}})
                    .ok());
    bool stored = false;
    p.deduper->Submit(std::move(*builder).Finish(), [&](const Result<CommitOutcome>& outcome) {
      stored = outcome.ok() && (*outcome)[0].kind == Kind::kStored;
    });
    world.executor().RunUntilIdle();
    EXPECT_TRUE(stored);
  }
}

TEST(DeduperTest, KnownAfterARestartFromLogAndSealedSegments) {
  SimEnv world(3);
  const ledger::Options options{.segment_bytes_max = 60'000};
  std::vector<std::pair<std::vector<Sent>, std::string>> requests;
  for (uint64_t i = 1; i <= 150; ++i) {
    std::vector<Sent> all;
    for (uint64_t k = 0; k < 1 + i % 17; ++k)
      all.push_back(k % 3 == 1 ? Sent{fmt::format("log {} {}", i, k)} : Sent{"span", 1000 * i + k});
    requests.emplace_back(all, fmt::format("request {}", i));
  }
  {
    Process p(world, {}, options);
    for (const auto& [all, request] : requests) {
      EXPECT_EQ(p.Send(all, request), std::string(all.size(), 's'));
      world.executor().RunFor(kNanosPerMilli);
    }
    EXPECT_GE(p.ledger->segments().size(), 3u);
    p.Close();
  }
  Process p(world, {}, options);
  const size_t stored = p.Stored().size();
  for (const auto& [all, request] : requests)
    EXPECT_EQ(p.Send(all, request), std::string(all.size(), 'd'));
  EXPECT_EQ(p.Stored().size(), stored);
  EXPECT_EQ(p.Send({{"log 1 1"}}, "cut otherwise"), "s");
  EXPECT_TRUE(p.Leaf(p.SeqOf(0)).starts_with(R"({"f":["possible_duplicate"],)"));
}

TEST(DeduperTest, TheFirstBeyondTheWindowIsStoredAndFlagged) {
  for (const bool restarted : {false, true}) {
    SCOPED_TRACE(restarted);
    SimEnv world(1);
    std::optional<Process> p(std::in_place, world, WindowLimits{.entries_max = 100});
    for (uint64_t i = 1; i <= 101; ++i) ASSERT_EQ(p->Send({{"a", i}}, std::to_string(i)), "s");
    if (restarted) {
      p->Close();
      p.reset();
      p.emplace(world, WindowLimits{.entries_max = 100});
    }
    EXPECT_EQ(p->Send({{"a", 2}}, "again"), "d");
    EXPECT_EQ(p->Send({{"a", 1}}, "again"), "s");
    EXPECT_TRUE(p->Leaf(p->SeqOf(0)).starts_with(R"({"f":["late_duplicate"],)"));
    EXPECT_EQ(p->Metric("sealtrail_identity_late_duplicates_total"), 1);
    EXPECT_EQ(p->Send({{"a", 1}}, "once more"), "d");
  }
}

TEST(DeduperTest, TheWindowSaysWhatItCovers) {
  SimEnv world(1);
  Process p(world, {.entries_max = 1000, .age_max_ns = 7200 * kNanosPerSecond});
  EXPECT_EQ(p.deduper->state().outage_ns, 7200 * kNanosPerSecond);
  for (uint64_t i = 1; i <= 11; ++i) {
    ASSERT_EQ(p.Send({{"a", i}}, std::to_string(i)), "s");
    world.clock().Advance(kNanosPerSecond);
  }
  const WindowState state = p.deduper->state();
  EXPECT_EQ(state.entries, 11u);
  EXPECT_NEAR(static_cast<double>(state.outage_ns) / 1e9, 1000 * 10.0 / 11, 1);
  EXPECT_EQ(p.Metric("sealtrail_identity_window_entries"), 11);
  EXPECT_EQ(p.Metric("sealtrail_identity_window_bytes"), static_cast<double>(state.bytes));
}

// A fingerprint that two identities share: the stored record decides.
TEST(DeduperTest, FingerprintsAloneDecideNothing) {
  SimEnv world(1);
  Process p(world);
  ASSERT_EQ(p.Send({{"a", 1}, {"x"}}, "r1"), "ss");
  const Seq span{p.SeqOf(0)}, log{p.SeqOf(1)};
  const RecordBatch batch = BatchOf({{"a", 2}, {"y"}, {"a", 1}}, "r2", UnixNanos{1});
  StoredRecords stored(*p.ledger);
  using Age = Window::Age;
  const std::vector<Hit> hits = {{0, false, Age::kStored, span},
                                 {1, false, Age::kStored, log},
                                 {1, true, Age::kStored, log},
                                 {2, false, Age::kStored, log},
                                 {2, false, Age::kStored, span}};
  const auto verdicts = Judge(batch, hits, false, stored);
  for (const size_t i : {0, 1}) {
    EXPECT_EQ(verdicts[i].kind, Verdict::Kind::kStore);
    EXPECT_TRUE(verdicts[i].Edit().findings.empty());
  }
  EXPECT_EQ(verdicts[2].kind, Verdict::Kind::kDuplicate);
  EXPECT_EQ(verdicts[2].of, span);
}

TEST(DeduperTest, WhatCannotBeComparedIsStored) {
  SimEnv world(1);
  Process p(world);
  const RecordBatch batch = BatchOf({{"a", 2}}, "r2", UnixNanos{1});
  StoredRecords stored(*p.ledger);
  const std::vector<Hit> hits = {{0, false, Window::Age::kStored, Seq{1000}}};
  const auto verdicts = Judge(batch, hits, false, stored);
  EXPECT_EQ(verdicts[0].kind, Verdict::Kind::kStore);
  EXPECT_TRUE(verdicts[0].unconfirmed);
  EXPECT_EQ(verdicts[0].Edit().findings, (std::vector<std::string_view>{"possible_duplicate"}));
}

TEST(DeduperTest, AFindingThatMakesALeafTooLongPutsItsContentBeside) {
  SimEnv world(1);
  Process p(world);
  RecordBatch probe = BatchOf({{"", 1}}, "r", world.clock().Now());
  const std::string longest(kLeafBytesMax - probe.records[0].leaf_size - 4, 'x');
  EXPECT_EQ(p.Send({{"a", 1}}, "r1"), "s");
  EXPECT_EQ(p.Send({{longest, 1}, {"b", 2}}, "r2"), "cs");
  const std::string leaf = p.Leaf(p.SeqOf(0));
  EXPECT_TRUE(leaf.starts_with(R"({"f":["conflict"],"k":"span",)")) << leaf.substr(0, 100);
  EXPECT_LT(leaf.size(), 1000u);
  EXPECT_EQ(p.Send({{longest, 1}}, "r3"), "d");
}

// What a sender must be able to count on, in random order, with refusals and power cuts: every record that it sends until it
// is acknowledged is stored exactly once; each copy of a log that was cut otherwise is flagged.
TEST(DeduperTest, ExactlyOnceThroughRefusalsAndPowerCuts) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    SimEnv world(seed);
    const ledger::Options options{.segment_bytes_max = 65'536};
    std::optional<Process> p(std::in_place, world, WindowLimits{}, options);
    std::set<std::string> sent_names;
    struct Request {
      std::vector<Sent> all;
      std::string bytes;
      std::shared_ptr<Answer> answer;
      int acknowledged = 0;
    };
    std::vector<Request> requests;
    uint64_t next_id = 1;
    for (int i = 0; i < 60; ++i) {
      Request request{.all = {}, .bytes = fmt::format("request {}", i), .answer = {}};
      for (uint64_t k = 0; k <= random() % 6; ++k) {
        const bool log = random() % 2 == 0;
        const uint64_t id = log ? 0 : next_id++;
        request.all.push_back({fmt::format("record {} {}", i, k), id});
        sent_names.insert(request.all.back().name);
      }
      requests.push_back(request);
    }
    const auto all_acknowledged = [&] {
      return std::ranges::all_of(requests, [](const Request& r) { return r.acknowledged >= 2; });
    };
    for (int round = 0; round < 3000 && !all_acknowledged(); ++round) {
      Request& request = requests[random() % requests.size()];
      if (request.answer == nullptr || request.answer->answered)
        request.answer = p->Begin(request.all, request.bytes);
      p->gate->open = random() % 8 != 0;
      for (uint64_t steps = random() % 30; steps > 0; --steps) world.executor().RunOne();
      for (Request& each : requests) {
        if (each.answer == nullptr || !each.answer->answered) continue;
        each.acknowledged += each.answer->outcome.ok();
        each.answer.reset();
      }
      if (random() % 100 == 0) {
        world.Crash();
        p.reset();
        world.files().PowerOn();
        for (Request& each : requests) each.answer.reset();
        p.emplace(world, WindowLimits{}, options);
      }
    }
    p->gate->open = true;
    world.executor().RunUntilIdle();
    ASSERT_TRUE(all_acknowledged());
    std::map<std::string, int> copies;
    for (const std::string& leaf : p->Stored()) {
      EXPECT_FALSE(leaf.starts_with(R"({"f")")) << leaf;
      const size_t at = leaf.find("record ");
      ++copies[leaf.substr(at, leaf.find('"', at) - at)];
    }
    EXPECT_EQ(copies.size(), sent_names.size());
    for (const auto& [name, count] : copies) EXPECT_EQ(count, 1) << name;
  }
}

}  // namespace
}  // namespace sealtrail::dedupe
