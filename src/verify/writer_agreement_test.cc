// Goal: what our one writer of canonical bytes makes of any request, the reader here accepts: it was written from
// record.md by other hands, so where they differ, one of them or the page is wrong.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "otlp/decode.h"
#include "otlp/testing/witness.h"
#include "pipeline/record_mapper.h"
#include "record/self_record.h"
#include "verify/leaf_check.h"
#include "verify/tree.h"
#include "vocab/redaction_rules.h"

namespace sealtrail::verify {
namespace {

using otlp::testing::Signal;

class CountingRandom : public env::Random {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = next_++;
  }

 private:
  uint8_t next_ = 0;
};

// Rules that act nearly everywhere: on every other key, and within texts.
std::shared_ptr<const pipeline::Redactor> Rules(MetricSet& metrics) {
  const auto rules = vocab::LoadRedactionRules(R"(version: 1
rules:
  - {name: a-key, keys: ['[a-g0-9 ]$'], action: drop, examples: [[a, v, ~], [z, v, v]]}
  - {name: b-digit, values: ['[0-9]+'], action: mask, examples: [[z, a1, "a***"], [z, a, a]]}
  - {name: c-text, values: ['[a-z](.)'], action: hmac, examples: [[z, ab, hmac], [z, a, a]]}
)");
  SEAL_CHECK(rules.ok());
  auto redactor =
      pipeline::Redactor::Make({.rules = rules->rules, .keep = {}, .hmac_key = Bytes(32)}, metrics);
  SEAL_CHECK(redactor.ok());
  return *std::move(redactor);
}

Result<pipeline::MappedRequest> Map(Signal signal, ByteView body, model::Arena& arena,
                                    const pipeline::Redactor* redactor = nullptr) {
  CountingRandom random;
  const pipeline::Selector all = pipeline::Selector::All();
  const pipeline::MappingContext context{.selector = all,
                                         .random = random,
                                         .receipt = {.received_at = UnixNanos{1764039846000000000},
                                                     .principal = "local",
                                                     .client = "agent/1.0 \xff",
                                                     .label = "soc2",
                                                     .peer = "127.0.0.1:50412",
                                                     .transport = "grpc"},
                                         .request = body,
                                         .redactor = redactor};
  if (signal == Signal::kTraces) {
    SEAL_ASSIGN_OR_RETURN(const auto request, otlp::DecodeTracesProtobuf(body, arena));
    return pipeline::MapTraces(request, context);
  }
  SEAL_ASSIGN_OR_RETURN(const auto request, otlp::DecodeLogsProtobuf(body, arena));
  return pipeline::MapLogs(request, context);
}

void CheckBatch(const record::RecordBatch& batch) {
  for (const record::RecordEntry& entry : batch.records) {
    const ByteView leaf = ByteView(batch.bundle).subspan(entry.leaf_offset, entry.leaf_size);
    LeafFacts facts;
    const JsonFault fault = CheckLeaf(leaf, &facts);
    ASSERT_EQ(fault.what, nullptr) << "byte " << fault.offset << ": " << fault.what << "\n"
                                   << AsText(leaf);
    EXPECT_EQ(LeafHash(leaf), entry.leaf_hash);
    EXPECT_EQ(CheckCanonicalJson(leaf).what, nullptr);
    int64_t content_time = facts.content_time;
    ASSERT_EQ(facts.beside_count, entry.beside_end - entry.beside_begin);
    for (size_t i = 0; i < facts.beside_count; ++i) {
      const record::BesideContent& content =
          batch.beside[batch.beside_refs[entry.beside_begin + i]];
      const auto same_hash = [&](const BesideRef& ref) { return ref.hash == content.hash; };
      const auto ref =
          std::find_if(facts.beside.begin(), facts.beside.begin() + facts.beside_count, same_hash);
      ASSERT_NE(ref, facts.beside.begin() + facts.beside_count);
      EXPECT_EQ(ref->length, content.bytes.size());
      const SideFacts side = CheckSide(content.bytes);
      EXPECT_TRUE(side.shapes & ref->shape) << AsText(content.bytes);
      if (facts.content_beside && ref == facts.beside.begin())
        content_time = side.TimeAs(ref->shape);
    }
    EXPECT_EQ(facts.received_at, Value(batch.received_at));
    EXPECT_EQ(content_time != 0 ? content_time : facts.received_at, Value(entry.event_time))
        << AsText(leaf);
  }
}

class WriterAgreementTest : public ::testing::TestWithParam<Signal> {};

TEST_P(WriterAgreementTest, EveryLeafOfRandomRequests) {
  size_t leaves = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    otlp::testing::Random random(seed);
    const auto request = otlp::testing::NewLaxRequest(GetParam());
    otlp::testing::Fill(*request, random, {.unknown_fields = seed % 2 == 0});
    const std::string bytes = request->SerializeAsString();
    model::Arena arena;
    const auto mapped = Map(GetParam(), AsBytes(bytes), arena);
    ASSERT_TRUE(mapped.ok()) << mapped.status().ToString();
    CheckBatch(mapped->batch);
    leaves += mapped->batch.records.size();
  }
  EXPECT_GT(leaves, 400u);
}

TEST_P(WriterAgreementTest, EveryLeafOfRandomRequestsThatAreRedacted) {
  MetricSet metrics;
  const auto redactor = Rules(metrics);
  size_t redacted = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    otlp::testing::Random random(seed);
    const auto request = otlp::testing::NewLaxRequest(GetParam());
    otlp::testing::Fill(*request, random, {.unknown_fields = seed % 2 == 0});
    const std::string bytes = request->SerializeAsString();
    model::Arena arena;
    const auto mapped = Map(GetParam(), AsBytes(bytes), arena, redactor.get());
    ASSERT_TRUE(mapped.ok()) << mapped.status().ToString();
    CheckBatch(mapped->batch);
    redacted += mapped->redacted;
  }
  EXPECT_GT(redacted, 100u);
}

INSTANTIATE_TEST_SUITE_P(Signals, WriterAgreementTest,
                         ::testing::Values(Signal::kTraces, Signal::kLogs));

// Resource, content and the event's span so large that each lies beside.
TEST(WriterAgreementTest, WhatLiesBeside) {
  const std::string large(3000, 'r'), huge(70000, 'h');
  const auto attribute = [](std::string_view key, std::string_view text) {
    model::KeyValue out{.key = key, .has_value = true};
    out.value.type = model::AnyValue::Type::kString;
    out.value.text = text;
    return out;
  };
  const model::KeyValue of_resource[] = {attribute("service.name", large)};
  const model::KeyValue of_item[] = {attribute("audit.action", huge)};
  const model::Resource resource{.attributes = of_resource};
  const model::Scope scope{.name = large};
  const model::SpanEvent events[] = {{.name = "event", .attributes = of_item}};
  const model::Span spans[] = {{.name = "span", .attributes = of_item, .events = events}};
  const model::ScopeGroup<model::Span> scopes[] = {{.scope = &scope, .items = spans}};
  const model::ResourceGroup<model::Span> resources[] = {{.resource = &resource, .scopes = scopes}};

  CountingRandom random;
  const pipeline::Selector all = pipeline::Selector::All();
  const auto mapped = pipeline::MapTraces(
      {.resources = resources}, {.selector = all, .random = random, .receipt = {}, .request = {}});
  ASSERT_TRUE(mapped.ok()) << mapped.status().ToString();
  ASSERT_EQ(mapped->batch.records.size(), 2u);
  EXPECT_EQ(mapped->batch.records[0].beside_end - mapped->batch.records[0].beside_begin, 3u);
  EXPECT_EQ(mapped->batch.records[1].beside_end - mapped->batch.records[1].beside_begin, 4u);
  CheckBatch(mapped->batch);
}

TEST(WriterAgreementTest, OwnRecords) {
  CheckBatch(record::SelfRecord({.action = "sealtrail.query.run",
                                 .actor = "local:root",
                                 .target = "audit_spans",
                                 .details = {{"sealtrail.query.sql", std::string(70000, 'x')}}},
                                UnixNanos{1764039846000000000}, record::Salt{}));
  CheckBatch(record::SelfRecord({.action = "sealtrail.store.start"}, UnixNanos{0}, record::Salt{}));
  CheckBatch(
      record::SelfRecord({.action = "sealtrail.store.start"}, UnixNanos{-5}, record::Salt{}));
}

}  // namespace
}  // namespace sealtrail::verify
