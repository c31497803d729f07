#include "record/leaf_members.h"

#include <map>
#include <span>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/limits.h"
#include "otlp/decode.h"
#include "otlp/testing/witness.h"
#include "pipeline/record_mapper.h"

namespace sealtrail::record {
namespace {

using otlp::testing::Signal;
using pipeline::MappedRequest;
using pipeline::Selector;

class CountingRandom : public env::Random {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = next_++;
  }

 private:
  uint8_t next_ = 0;
};

MappedRequest Map(Signal signal, bool json, ByteView body) {
  model::Arena arena;
  CountingRandom random;
  const Selector all = Selector::All();
  const pipeline::MappingContext context{
      .selector = all,
      .random = random,
      .receipt = {.received_at = UnixNanos{1764039846000000000}, .principal = "prin\"cipal"},
      .request = body};
  if (signal == Signal::kTraces) {
    const auto request =
        json ? otlp::DecodeTracesJson(body, arena) : otlp::DecodeTracesProtobuf(body, arena);
    EXPECT_TRUE(request.ok()) << request.status().ToString();
    return pipeline::MapTraces(*request, context).value();
  }
  const auto request =
      json ? otlp::DecodeLogsJson(body, arena) : otlp::DecodeLogsProtobuf(body, arena);
  EXPECT_TRUE(request.ok()) << request.status().ToString();
  return pipeline::MapLogs(*request, context).value();
}

Result<Bytes> Nothing(const crypto::Hash&) {
  return NotFound("nothing lies beside");
}

MappedRequest Log(const std::string& record, const std::string& resource = "{}") {
  const std::string body = R"({"resourceLogs":[{"resource":)" + resource +
                           R"(,"scopeLogs":[{"logRecords":[)" + record + "]}]}]}";
  return Map(Signal::kLogs, true, AsBytes(body));
}

std::optional<Identity> IdentityInLeaf(const MappedRequest& mapped, size_t index = 0) {
  const auto parts = SplitLeaf(LeafOf(mapped.batch, index));
  EXPECT_TRUE(parts.ok()) << parts.status().ToString();
  const auto identity = OwnIdentity(*parts, BesideOf(mapped.batch));
  EXPECT_TRUE(identity.ok()) << identity.status().ToString();
  return *identity;
}

// Two witnesses of one identity: the model's values at the door, and the leaf that was stored.
void ExpectSameIdentity(const MappedRequest& mapped) {
  for (size_t i = 0; i < mapped.batch.records.size(); ++i) {
    const Identity& expected = mapped.batch.records[i].identity;
    const auto found = IdentityInLeaf(mapped, i);
    ASSERT_EQ(found.has_value(), expected.kind == Identity::Kind::kOwn) << LeafOf(mapped.batch, i);
    if (found) {
      EXPECT_EQ(found->digest, expected.digest) << LeafOf(mapped.batch, i);
    }
  }
}

TEST(LeafMembersTest, IdentityIsThatOfTheDoor) {
  size_t own = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    otlp::testing::Random random(seed);
    for (const Signal signal : {Signal::kTraces, Signal::kLogs}) {
      const auto request = otlp::testing::NewLaxRequest(signal);
      otlp::testing::Fill(*request, random, {.unknown_fields = seed % 2 == 0});
      const std::string body = request->SerializeAsString();
      const MappedRequest mapped = Map(signal, false, AsBytes(body));
      ExpectSameIdentity(mapped);
      for (const auto& entry : mapped.batch.records)
        own += entry.identity.kind == Identity::Kind::kOwn;
    }
  }
  EXPECT_GT(own, 500u);
}

TEST(LeafMembersTest, ARecordIdIsFoundWhereTheDoorFindsIt) {
  const auto attribute = [](std::string_view key, std::string_view value) {
    return fmt::format(R"({{"key":"{}","value":{}}})", key, value);
  };
  const auto map = [](const std::string& pairs) {
    return R"({"kvlistValue":{"values":[)" + pairs + "]}}";
  };
  const std::string text = R"({"stringValue":"id-1"})";
  const std::string other = R"({"stringValue":"id\n\"2"})";
  const std::string number = R"({"intValue":"7"})";
  const std::string pairs[] = {
      attribute("audit.record.id", text),
      attribute("audit.record.id", other),
      attribute("audit.record.id", number),
      attribute("audit.record.id", R"({"stringValue":""})"),
      attribute("audit.record.id", R"({"stringValue":"\ud800"})"),
      attribute("audit.record", map(attribute("id", text))),
      attribute("audit", map(attribute("record.id", text))),
      attribute("audit", map(attribute("record", map(attribute("id", text))))),
      attribute("audit", map(attribute("record", map(attribute("id", text))) + "," +
                             attribute("record.id", number))),
      attribute("audit.record.id", text) + "," +
          attribute("audit", map(attribute("record.id", other))),
      attribute("audit", map(attribute("record.id", other))) + "," +
          attribute("audit.record.id", text),
      attribute("audit.record.id", text) + "," + attribute("audit.record.id", number),
      attribute("audit.record.id", text) + "," + attribute("audit", map(attribute("record", text))),
      attribute("audit.record.idx", text),
      attribute("audi", map(attribute("t.record.id", text))),
      attribute("audit.record.id.", text),
      attribute("x", text)};
  size_t found = 0;
  for (const std::string& pair : pairs) {
    SCOPED_TRACE(pair);
    const MappedRequest mapped = Log(R"({"timeUnixNano":"5","attributes":[)" + pair + "]}");
    ExpectSameIdentity(mapped);
    found += IdentityInLeaf(mapped).has_value();
  }
  EXPECT_EQ(found, 9u);
}

TEST(LeafMembersTest, IdsOfSpansAndEventsThatLieBesideAreFound) {
  const std::string large = std::string(70'000, 'x');
  const std::string body =
      R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708",)"
      R"("name":")" +
      large + R"(","events":[{"name":"a"},{"name":")" + large + R"("}]}]}]}]})";
  const MappedRequest mapped = Map(Signal::kTraces, true, AsBytes(body));
  ASSERT_EQ(mapped.batch.records.size(), 3u);
  ASSERT_GE(mapped.batch.beside.size(), 3u);
  ExpectSameIdentity(mapped);
  EXPECT_NE(IdentityInLeaf(mapped, 1)->digest, IdentityInLeaf(mapped, 2)->digest);
}

TEST(LeafMembersTest, ReceiptIsRead) {
  const MappedRequest mapped = Log(R"({"timeUnixNano":"5"})");
  const auto parts = SplitLeaf(LeafOf(mapped.batch, 0));
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(parts->kind, "log");
  EXPECT_EQ(parts->principal, "prin\"cipal");
  EXPECT_EQ(Value(parts->received_at), 1764039846000000000);
}

bool Same(const MappedRequest& a, const MappedRequest& b) {
  const auto parts_a = SplitLeaf(LeafOf(a.batch, 0));
  const auto parts_b = SplitLeaf(LeafOf(b.batch, 0));
  const auto same = SameContent(*parts_a, BesideOf(a.batch), *parts_b, BesideOf(b.batch));
  EXPECT_TRUE(same.ok()) << same.status().ToString();
  const auto digest_a = ContentDigest(*parts_a, BesideOf(a.batch));
  const auto digest_b = ContentDigest(*parts_b, BesideOf(b.batch));
  EXPECT_EQ(*digest_a == *digest_b, *same);
  return *same;
}

TEST(LeafMembersTest, VolatileAttributesAreNoContent) {
  const std::string kept = R"({"key":"audit.action","value":{"stringValue":"LOGIN"}})";
  const std::string at = R"({"key":"audit.collector_received_at","value":{"stringValue":"2026"}})";
  const std::string later =
      R"({"key":"audit.collector_received_at","value":{"kvlistValue":{"values":[]}}})";
  const std::string label = R"({"key":"audit.pipeline","value":{"intValue":"3"}})";
  const auto log = [](const std::string& attributes) {
    return Log(R"({"timeUnixNano":"5","attributes":[)" + attributes + "]}");
  };
  const MappedRequest plain = log(kept);
  EXPECT_TRUE(Same(plain, log(kept)));
  EXPECT_TRUE(Same(plain, log(kept + "," + at)));
  EXPECT_TRUE(Same(plain, log(at + "," + kept + "," + label)));
  EXPECT_TRUE(Same(log(kept + "," + at), log(later + "," + kept)));
  EXPECT_TRUE(Same(log(at), log("")));
  EXPECT_FALSE(Same(plain, log(kept + "," + kept)));
  EXPECT_FALSE(Same(plain, log("")));
  EXPECT_FALSE(Same(plain, log(kept + R"(,{"key":"audit.pipelines"})")));
  // Inside a value it is the user's own.
  const auto inside = [&](const std::string& pair) {
    return log(kept + R"(,{"key":"m","value":{"kvlistValue":{"values":[)" + pair + "]}}}");
  };
  EXPECT_FALSE(Same(inside(at), inside(later)));
  EXPECT_TRUE(Same(inside(at), inside(at)));
}

TEST(LeafMembersTest, VolatileAttributesOfResourceScopeAndEventsAreNoContentEither) {
  const std::string resource =
      R"({"attributes":[{"key":"audit.pipeline","value":{"stringValue":"a"}}]})";
  EXPECT_TRUE(Same(Log("{\"eventName\":\"x\"}", resource), Log("{\"eventName\":\"x\"}", "{}")));
  EXPECT_FALSE(Same(Log("{\"eventName\":\"x\"}", R"({"attributes":[{"key":"a"}]})"),
                    Log("{\"eventName\":\"x\"}")));
  const auto span = [](const std::string& attributes) {
    const std::string body =
        R"({"resourceSpans":[{"scopeSpans":[{"scope":{"name":"s","attributes":[)" + attributes +
        R"(]},"spans":[{"name":"n","events":[{"name":"e","attributes":[)" + attributes +
        R"(]},{"name":"f"}],"links":[{"attributes":[)" + attributes + R"(]}]}]}]}]})";
    return Map(Signal::kTraces, true, AsBytes(body));
  };
  EXPECT_TRUE(Same(span(R"({"key":"audit.pipeline"})"), span("")));
  EXPECT_FALSE(Same(span(R"({"key":"audit.pipelin"})"), span("")));
}

TEST(LeafMembersTest, ContentBesideIsCompared) {
  const auto log = [](char letter, const std::string& attributes) {
    return Log(R"({"body":{"stringValue":")" + std::string(70'000, letter) +
               R"("},"attributes":[)" + attributes + "]}");
  };
  const std::string at = R"({"key":"audit.pipeline","value":{"stringValue":"2026"}})";
  EXPECT_TRUE(Same(log('a', ""), log('a', "")));
  EXPECT_TRUE(Same(log('a', ""), log('a', at)));
  EXPECT_FALSE(Same(log('a', ""), log('b', "")));
}

// Another kind is another thing, whatever it says.
TEST(LeafMembersTest, KindsDiffer) {
  LeafMembers log{.kind = "log", .content = "{}"};
  LeafMembers audit{.kind = "audit", .content = "{}"};
  EXPECT_FALSE(SameContent(log, Nothing, audit, Nothing).value());
}

TEST(LeafMembersTest, DamageIsSaidAndNeverFollowed) {
  EXPECT_FALSE(SplitLeaf("").ok());
  EXPECT_FALSE(SplitLeaf("{}").ok());
  EXPECT_FALSE(SplitLeaf(R"({"k":"log","o":{})").ok());
  const LeafMembers broken{.kind = "log", .content = R"({"a":[["audit.pipeline)"};
  const LeafMembers sound{.kind = "log", .content = "{}"};
  EXPECT_FALSE(SameContent(broken, Nothing, sound, Nothing).ok());
  EXPECT_FALSE(OwnIdentity(broken, Nothing).ok());
  const LeafMembers lost{.kind = "log", .content = R"(["AAAA",5])"};
  EXPECT_FALSE(OwnIdentity(lost, Nothing).ok());
}

}  // namespace
}  // namespace sealtrail::record
