// The generator promises what a benchmark then demands of the store, so its sums are counted again
// here, from the bytes, with a decoder that it does not use.
#include "bench/generator.h"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "otlp/decode.h"

namespace sealtrail::bench {
namespace {

constexpr int64_t kEnd = 1'764'000'000'000'000'000;
constexpr GeneratorOptions kOptions = {.seed = 7,
                                       .records = 20'000,
                                       .batch = 700,
                                       .days = 30,
                                       .end_unix_nano = kEnd,
                                       .role_update_share = 0.01};

// The string value of attribute `key`, or "" where there is none.
std::string_view Text(model::Attributes attributes, std::string_view key) {
  for (const model::KeyValue& pair : attributes) {
    if (pair.key == key && pair.value.type == model::AnyValue::Type::kString)
      return pair.value.text;
  }
  return "";
}

bool IsSelected(model::Attributes attributes) {
  return !Text(attributes, "audit.action").empty();
}

void CountSpan(const model::Span& span, Totals& totals, std::set<std::string>& trace_ids) {
  ++totals.spans;
  ++totals.units;
  totals.selected += IsSelected(span.attributes);
  trace_ids.emplace(AsText(span.trace_id));
  EXPECT_GE(span.attributes.size(), 9u);
  EXPECT_LE(span.attributes.size(), 12u);
  EXPECT_LT(static_cast<int64_t>(span.start_time_unix_nano), kEnd);
  if (Text(span.attributes, "audit.action") == "role_update") {
    totals.role_updates.push_back(static_cast<int64_t>(span.start_time_unix_nano));
  }
  for (const model::SpanEvent& event : span.events) {
    ++totals.events;
    ++totals.units;
    totals.selected += IsSelected(event.attributes);
  }
}

void CountLog(const model::LogRecord& log, Totals& totals, std::set<std::string>& trace_ids) {
  ++totals.logs;
  ++totals.units;
  totals.selected += IsSelected(log.attributes);
  if (!log.trace_id.empty()) trace_ids.emplace(AsText(log.trace_id));
}

void CountRequest(const Request& request, Totals& totals, std::set<std::string>& trace_ids) {
  model::Arena arena;
  const ByteView body = AsBytes(request.body);
  if (request.is_logs) {
    const Result<model::LogsRequest> decoded = otlp::DecodeLogsProtobuf(body, arena);
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    for (const auto& group : decoded->resources) {
      for (const auto& scope : group.scopes) {
        for (const model::LogRecord& log : scope.items) CountLog(log, totals, trace_ids);
      }
    }
    return;
  }
  const Result<model::TracesRequest> decoded = otlp::DecodeTracesProtobuf(body, arena);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  for (const auto& group : decoded->resources) {
    for (const auto& scope : group.scopes) {
      for (const model::Span& span : scope.items) CountSpan(span, totals, trace_ids);
    }
  }
}

// Goal: totals are true, request by request and in all.
TEST(GeneratorTest, CountsWhatItMade) {
  const Workload workload = Generate(kOptions);
  Totals all;
  std::set<std::string> trace_ids;
  for (const Request& request : workload.requests) {
    Totals one;
    CountRequest(request, one, trace_ids);
    EXPECT_EQ(one.units, request.units);
    EXPECT_EQ(one.selected, request.selected);
    all.units += one.units;
    all.selected += one.selected;
    all.spans += one.spans;
    all.events += one.events;
    all.logs += one.logs;
    all.role_updates.insert(all.role_updates.end(), one.role_updates.begin(),
                            one.role_updates.end());
  }
  EXPECT_EQ(all.selected, kOptions.records);
  EXPECT_EQ(all.selected, workload.totals.selected);
  EXPECT_EQ(all.units, workload.totals.units);
  EXPECT_EQ(all.spans, workload.totals.spans);
  EXPECT_EQ(all.events, workload.totals.events);
  EXPECT_EQ(all.logs, workload.totals.logs);
  EXPECT_EQ(all.role_updates, workload.totals.role_updates);
  EXPECT_EQ(trace_ids.size(), workload.totals.trace_ids);
  EXPECT_TRUE(std::is_sorted(all.role_updates.begin(), all.role_updates.end()));
  EXPECT_NEAR(static_cast<double>(all.role_updates.size()), 200, 60);
}

TEST(GeneratorTest, OneSeedOneStream) {
  const Workload first = Generate(kOptions);
  const Workload again = Generate(kOptions);
  GeneratorOptions other_options = kOptions;
  other_options.seed = 8;
  const Workload other = Generate(other_options);

  ASSERT_EQ(first.requests.size(), again.requests.size());
  for (size_t i = 0; i < first.requests.size(); ++i) {
    EXPECT_EQ(first.requests[i].body, again.requests[i].body) << "request " << i;
  }
  EXPECT_NE(first.requests[0].body, other.requests[0].body);
}

}  // namespace
}  // namespace sealtrail::bench
