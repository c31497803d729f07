#include "pipeline/audit_pipeline.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "env/testing/sim_env.h"
#include "vocab/redaction_rules.h"

namespace sealtrail::pipeline {
namespace {

// Takes or refuses everything, and keeps the leaves; some are duplicates, some conflicts.
class FakeSink : public record::RecordSink {
 public:
  void Submit(record::RecordBatch batch, record::CommitDone done) override {
    if (!refusal.ok()) return done(refusal);
    record::CommitOutcome outcome;
    for (const record::RecordEntry& entry : batch.records) {
      leaves.emplace_back(
          AsText(ByteView(batch.bundle).subspan(entry.leaf_offset, entry.leaf_size)));
      outcome.push_back({record::RecordOutcome::Kind::kStored, Seq{leaves.size() - 1}});
    }
    for (const size_t i : duplicates) outcome[i].kind = record::RecordOutcome::Kind::kDuplicate;
    for (const size_t i : conflicts) outcome[i].kind = record::RecordOutcome::Kind::kConflict;
    done(std::move(outcome));
  }

  Status refusal;
  std::vector<std::string> leaves;
  std::vector<size_t> duplicates;
  std::vector<size_t> conflicts;
};

std::string LogsOf(const std::string& service, int audited, int others) {
  std::string records;
  for (int i = 0; i < audited + others; ++i) {
    records += fmt::format(R"({}{{"attributes":[{{"key":"{}","value":{{"stringValue":"x"}}}}]}})",
                           i == 0 ? "" : ",", i < audited ? "audit.action" : "other");
  }
  return fmt::format(
      R"({{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{}"}}}}]}},)"
      R"("scopeLogs":[{{"logRecords":[{}]}}]}}]}})",
      service, records);
}

class AuditPipelineTest : public ::testing::Test {
 protected:
  Status Export(const std::string& json) {
    Status result = Unavailable("no answer");
    pipeline_.Export(Signal::kLogs, otlp::Encoding::kJson, SharedBytes::FromText(json),
                     {.principal = "local", .transport = Transport::kHttpJson},
                     [&](const Status& s) { result = s; });
    return result;
  }

  double Units(const std::string& service, const std::string& result) {
    for (const MetricSet::Sample& sample : metrics_.Collect()) {
      if (sample.name != "sealtrail_source_units_total" || sample.labels[2].second != service)
        continue;
      if (sample.labels[4].second == result) return sample.value;
    }
    return -1;
  }

  size_t Tallies() {
    size_t before = sink_.leaves.size();
    pipeline_.RecordTallies([](const Status&) {});
    return sink_.leaves.size() - before;
  }

  env::testing::SimEnv world_{1};
  MetricSet metrics_;
  FakeSink sink_;
  AuditPipeline pipeline_{world_.env(), Selector({"audit.action"}), sink_, metrics_};
};

// received = stored + duplicate + filtered + refused, whatever happens.
TEST_F(AuditPipelineTest, EveryUnitIsAccountedFor) {
  EXPECT_TRUE(Export(LogsOf("a", 3, 2)).ok());
  sink_.refusal = Unavailable("full");
  EXPECT_EQ(Export(LogsOf("a", 4, 1)).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(Export(LogsOf("a", 0, 6)).ok());  // nothing of it is kept, so nothing can be refused
  EXPECT_EQ(Units("a", "received"), 16);
  EXPECT_EQ(Units("a", "stored"), 3);
  EXPECT_EQ(Units("a", "filtered"), 9);
  EXPECT_EQ(Units("a", "refused"), 4);
  EXPECT_EQ(Units("a", "duplicate"), 0);
  EXPECT_EQ(Export("{").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Units("a", "received"), 16);
}

// Of several sources in one request, one of them twice.
TEST_F(AuditPipelineTest, DuplicatesAreCountedWithTheirSource) {
  const auto groups = [](const std::string& json) { return json.substr(17, json.size() - 19); };
  sink_.duplicates = {1, 2, 3};
  sink_.conflicts = {0};
  EXPECT_TRUE(Export(R"({"resourceLogs":[)" + groups(LogsOf("a", 2, 1)) + "," +
                     groups(LogsOf("b", 2, 0)) + "," + groups(LogsOf("c", 0, 2)) + "," +
                     groups(LogsOf("a", 2, 0)) + "]}")
                  .ok());
  EXPECT_EQ(Units("a", "received"), 5);
  EXPECT_EQ(Units("a", "stored"), 3);
  EXPECT_EQ(Units("a", "duplicate"), 1);
  EXPECT_EQ(Units("a", "filtered"), 1);
  EXPECT_EQ(Units("b", "stored"), 0);
  EXPECT_EQ(Units("b", "duplicate"), 2);
  EXPECT_EQ(Units("c", "filtered"), 2);
}

TEST_F(AuditPipelineTest, TalliesAreRecordedOnceForEachNewsAndNotLostWhenRefused) {
  EXPECT_TRUE(Export(LogsOf("a", 1, 0)).ok());
  EXPECT_TRUE(Export(LogsOf("b", 1, 1)).ok());
  sink_.refusal = Unavailable("full");
  EXPECT_EQ(Tallies(), 0u);
  sink_.refusal = OkStatus();
  EXPECT_EQ(Tallies(), 2u);
  EXPECT_NE(sink_.leaves.back().find(R"(["sealtrail.tally.filtered","1"])"), std::string::npos);
  EXPECT_EQ(Tallies(), 0u);
  EXPECT_TRUE(Export(LogsOf("b", 1, 0)).ok());
  EXPECT_EQ(Tallies(), 1u);
}

// What redaction takes out of a request stays nowhere in it; a request without is left as it is.
TEST_F(AuditPipelineTest, ARequestThatHeldASecretIsWiped) {
  const auto rules = vocab::LoadRedactionRules(vocab::BuiltInRedaction());
  ASSERT_TRUE(rules.ok());
  auto redactor =
      Redactor::Make({.rules = rules->rules, .keep = rules->keep, .hmac_key = {}}, metrics_);
  ASSERT_TRUE(redactor.ok());
  AuditPipeline redacting(world_.env(), Selector({"audit.action"}), sink_, metrics_, *redactor);
  const std::string harmless = LogsOf("a", 1, 0);
  const std::string secret = LogsOf("b password=hunter2", 1, 0);
  for (const std::string& json : {harmless, secret}) {
    const SharedBytes body = SharedBytes::FromText(json);
    Status result = Unavailable("no answer");
    redacting.Export(Signal::kLogs, otlp::Encoding::kJson, body,
                     {.principal = "local", .transport = Transport::kHttpJson},
                     [&](const Status& s) { result = s; });
    EXPECT_TRUE(result.ok());
    const bool wiped = AsText(body.view()) == std::string(json.size(), '\0');
    EXPECT_EQ(wiped, json == secret);
    EXPECT_EQ(wiped, AsText(body.view()) != json);
  }
  EXPECT_NE(sink_.leaves.back().find("b password=***"), std::string::npos);
  EXPECT_EQ(Units("b password=***", "stored"), 1);
}

// Nothing that a sender names may grow what the store keeps of it.
TEST_F(AuditPipelineTest, GiantSourceNamesAreShortened) {
  for (int i = 0; i < 3; ++i) {
    const std::string name = std::string(8 * kMiB, 'n') + std::to_string(i);
    EXPECT_TRUE(Export(LogsOf(name, 0, 1)).ok());
  }
  EXPECT_TRUE(Export(LogsOf(std::string(100'000, '\x7f'), 0, 1)).ok());
  EXPECT_EQ(Tallies(), 2u);
  for (const std::string& leaf : sink_.leaves) EXPECT_LT(leaf.size(), 2000u);
  for (const MetricSet::Sample& sample : metrics_.Collect()) {
    for (const auto& [label, value] : sample.labels)
      EXPECT_LE(value.size(), kSourceTextBytesMax) << label;
  }
}

}  // namespace
}  // namespace sealtrail::pipeline
