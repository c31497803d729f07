// Goal: the leaf is lossless. Random requests go protobuf → leaf → protobuf, and come back equal field by field, by
// protobuf's own classes; and protobuf and JSON give the same leaves.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "otlp/decode.h"
#include "otlp/response.h"
#include "otlp/testing/json_printer.h"
#include "otlp/testing/witness.h"
#include "pipeline/record_mapper.h"
#include "pipeline/testing/leaf_to_otlp.h"

namespace sealtrail::pipeline {
namespace {

using google::protobuf::Message;
using otlp::testing::Signal;

class CountingRandom : public env::Random {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = next_++;
  }

 private:
  uint8_t next_ = 0;
};

struct Leaves {
  std::vector<std::string> leaves;
  std::map<std::string, std::string> beside;  // by base64 hash

  std::string Beside(const std::string& hash) const { return beside.at(hash); }
};

Leaves Map(Signal signal, ByteView body, otlp::Encoding encoding) {
  model::Arena arena;
  CountingRandom random;
  const Selector all = Selector::All();
  const MappingContext context{
      .selector = all, .random = random, .receipt = {.received_at = UnixNanos{1}}, .request = body};
  Result<MappedRequest> mapped = Unavailable("not mapped");
  if (signal == Signal::kTraces) {
    const auto request = encoding == otlp::Encoding::kJson
                             ? otlp::DecodeTracesJson(body, arena)
                             : otlp::DecodeTracesProtobuf(body, arena);
    EXPECT_TRUE(request.ok()) << request.status().ToString();
    if (request.ok()) mapped = MapTraces(*request, context);
  } else {
    const auto request = encoding == otlp::Encoding::kJson ? otlp::DecodeLogsJson(body, arena)
                                                           : otlp::DecodeLogsProtobuf(body, arena);
    EXPECT_TRUE(request.ok()) << request.status().ToString();
    if (request.ok()) mapped = MapLogs(*request, context);
  }
  Leaves out;
  if (!mapped.ok()) return out;
  for (const record::RecordEntry& entry : mapped->batch.records) {
    out.leaves.emplace_back(
        AsText(ByteView(mapped->batch.bundle).subspan(entry.leaf_offset, entry.leaf_size)));
  }
  for (const record::BesideContent& content : mapped->batch.beside) {
    out.beside[Base64Encode(content.hash)] = AsText(content.bytes);
  }
  return out;
}

const google::protobuf::FieldDescriptor* Field(const Message& message, const std::string& name) {
  return message.GetDescriptor()->FindFieldByName(name);
}

// A request of one item for each item, with its resource and scope groups and the request's unknown fields.
std::vector<std::unique_ptr<Message>> SingleItemRequests(const Message& request, Signal signal) {
  const bool traces = signal == Signal::kTraces;
  const std::string names[] = {traces ? "resource_spans" : "resource_logs",
                               traces ? "scope_spans" : "scope_logs",
                               traces ? "spans" : "log_records"};
  std::vector<std::unique_ptr<Message>> singles;
  const auto* resources = Field(request, names[0]);
  for (int r = 0; r < request.GetReflection()->FieldSize(request, resources); ++r) {
    const Message& resource = request.GetReflection()->GetRepeatedMessage(request, resources, r);
    const auto* scopes = Field(resource, names[1]);
    for (int s = 0; s < resource.GetReflection()->FieldSize(resource, scopes); ++s) {
      const Message& scope = resource.GetReflection()->GetRepeatedMessage(resource, scopes, s);
      const auto* items = Field(scope, names[2]);
      for (int i = 0; i < scope.GetReflection()->FieldSize(scope, items); ++i) {
        std::unique_ptr<Message> single(request.New());
        single->CopyFrom(request);
        single->GetReflection()->ClearField(single.get(), resources);
        Message* resource_copy = single->GetReflection()->AddMessage(single.get(), resources);
        resource_copy->CopyFrom(resource);
        resource_copy->GetReflection()->ClearField(resource_copy, scopes);
        Message* scope_copy = resource_copy->GetReflection()->AddMessage(resource_copy, scopes);
        scope_copy->CopyFrom(scope);
        scope_copy->GetReflection()->ClearField(scope_copy, items);
        scope_copy->GetReflection()
            ->AddMessage(scope_copy, items)
            ->CopyFrom(scope.GetReflection()->GetRepeatedMessage(scope, items, i));
        singles.push_back(std::move(single));
      }
    }
  }
  return singles;
}

class RoundTripTest : public ::testing::TestWithParam<Signal> {};

TEST_P(RoundTripTest, ProtobufToLeafAndBackIsEqual) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    otlp::testing::Random random(seed);
    const auto request = otlp::testing::NewLaxRequest(GetParam());
    otlp::testing::Fill(*request, random, {.unknown_fields = seed % 2 == 0});
    const std::string bytes = request->SerializeAsString();
    const Leaves mapped = Map(GetParam(), AsBytes(bytes), otlp::Encoding::kProtobuf);
    const auto expected = SingleItemRequests(*request, GetParam());
    size_t next = 0;
    for (const std::string& leaf : mapped.leaves) {
      if (leaf.starts_with("{\"k\":\"span_event\"")) continue;
      const auto back = otlp::testing::NewLaxRequest(GetParam());
      testing::LeafToOtlp(
          leaf, [&](const std::string& hash) { return mapped.Beside(hash); }, *back);
      ASSERT_LT(next, expected.size());
      ASSERT_EQ(otlp::testing::Dump(*back), otlp::testing::Dump(*expected[next])) << leaf;
      ++next;
    }
    ASSERT_EQ(next, expected.size());
  }
}

TEST_P(RoundTripTest, JsonAndProtobufGiveTheSameLeaves) {
  int leaves = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    otlp::testing::Random random(seed);
    const auto request = otlp::testing::NewRequest(GetParam());
    otlp::testing::Fill(*request, random, {});
    const std::string bytes = request->SerializeAsString();
    const Leaves protobuf = Map(GetParam(), AsBytes(bytes), otlp::Encoding::kProtobuf);
    const std::string json = otlp::testing::PrintJson(*request);
    const Leaves from_json = Map(GetParam(), AsBytes(json), otlp::Encoding::kJson);
    ASSERT_EQ(from_json.leaves, protobuf.leaves);
    ASSERT_EQ(from_json.beside, protobuf.beside);
    leaves += static_cast<int>(protobuf.leaves.size());
  }
  EXPECT_GT(leaves, 300);
}

INSTANTIATE_TEST_SUITE_P(Signals, RoundTripTest, ::testing::Values(Signal::kTraces, Signal::kLogs));

TEST(EventRoundTripTest, EventAndItsSpanComeBack) {
  int events = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    otlp::testing::Random random(seed);
    const auto request = otlp::testing::NewLaxRequest(Signal::kTraces);
    otlp::testing::Fill(*request, random, {.unknown_fields = true});
    const std::string bytes = request->SerializeAsString();
    const Leaves mapped = Map(Signal::kTraces, AsBytes(bytes), otlp::Encoding::kProtobuf);
    size_t next = 0;
    for (const auto& single : SingleItemRequests(*request, Signal::kTraces)) {
      ++next;  // the span's own leaf comes first
      const Message& resource =
          single->GetReflection()->GetRepeatedMessage(*single, Field(*single, "resource_spans"), 0);
      const Message& scope =
          resource.GetReflection()->GetRepeatedMessage(resource, Field(resource, "scope_spans"), 0);
      const Message& span =
          scope.GetReflection()->GetRepeatedMessage(scope, Field(scope, "spans"), 0);
      const auto* field = Field(span, "events");
      for (int i = 0; i < span.GetReflection()->FieldSize(span, field); ++i, ++next) {
        const Message& event = span.GetReflection()->GetRepeatedMessage(span, field, i);
        std::unique_ptr<Message> event_back(event.New());
        std::unique_ptr<Message> span_back(span.New());
        testing::EventLeafToOtlp(
            mapped.leaves.at(next), [&](const std::string& hash) { return mapped.Beside(hash); },
            *event_back, *span_back);
        ASSERT_EQ(otlp::testing::Dump(*event_back), otlp::testing::Dump(event));
        std::unique_ptr<Message> known(span.New());
        for (const char* name : {"trace_id", "span_id", "parent_span_id", "name"}) {
          known->GetReflection()->SetString(
              known.get(), Field(span, name),
              span.GetReflection()->GetString(span, Field(span, name)));
        }
        const auto* attributes = Field(span, "attributes");
        for (int a = 0; a < span.GetReflection()->FieldSize(span, attributes); ++a) {
          known->GetReflection()
              ->AddMessage(known.get(), attributes)
              ->CopyFrom(span.GetReflection()->GetRepeatedMessage(span, attributes, a));
        }
        ASSERT_EQ(otlp::testing::Dump(*span_back), otlp::testing::Dump(*known));
        ++events;
      }
    }
    ASSERT_EQ(next, mapped.leaves.size());
  }
  EXPECT_GT(events, 100);
}

}  // namespace
}  // namespace sealtrail::pipeline
