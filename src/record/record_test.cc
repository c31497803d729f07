#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"
#include "record/batch_builder.h"
#include "record/content_writer.h"
#include "record/self_record.h"

namespace sealtrail::record {
namespace {

using model::AnyValue;
using model::KeyValue;

AnyValue TextValue(std::string_view text) {
  AnyValue value;
  value.type = AnyValue::Type::kString;
  value.text = text;
  return value;
}

AnyValue IntValue(int64_t i) {
  AnyValue value;
  value.type = AnyValue::Type::kInt;
  value.int_value = i;
  return value;
}

AnyValue DoubleValue(double d) {
  AnyValue value;
  value.type = AnyValue::Type::kDouble;
  value.double_value = d;
  return value;
}

KeyValue Pair(std::string_view key, AnyValue value) {
  KeyValue pair;
  pair.key = key;
  pair.value = value;
  pair.has_value = true;
  return pair;
}

std::string Written(const AnyValue& value) {
  JsonBuffer out;
  ContentNotes notes;
  WriteValue(out, value, notes);
  return std::string(out);
}

std::string Double(double value) {
  JsonBuffer out;
  AppendJsonDouble(out, value);
  return std::string(out);
}

// RFC 8785 appendix B: bits and text.
TEST(JsonNumberTest, Rfc8785AppendixB) {
  const std::pair<uint64_t, std::string> table[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : table) {
    double value;
    std::memcpy(&value, &bits, 8);
    EXPECT_EQ(Double(value), text);
  }
}

TEST(JsonStringTest, EscapesAsRfc8785Says) {
  JsonBuffer out;
  ASSERT_TRUE(AppendJsonString(
      out, "\u20ac$\x0f\nA'B\"\\\\\"/ plain text long enough for whole words\x7f"));
  EXPECT_EQ(out,
            "\"\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/ plain text long enough for whole words\x7f\"");
}

// Every byte at every place of a word, against the byte-by-byte rule.
TEST(JsonStringTest, WordsAndBytesAgree) {
  for (int byte = 0; byte < 128; ++byte) {
    for (size_t place = 0; place < 20; ++place) {
      std::string text = "abcdefghijklmnopqrst";
      text[place] = static_cast<char>(byte);
      JsonBuffer whole;
      ASSERT_TRUE(AppendJsonString(whole, text));
      std::string slow = "\"";
      for (const char c : text) {
        JsonBuffer one;
        ASSERT_TRUE(AppendJsonString(one, std::string_view(&c, 1)));
        slow += one.substr(1, one.size() - 2);
      }
      ASSERT_EQ(std::string_view(whole), slow + "\"") << byte << " at " << place;
    }
  }
}

TEST(JsonStringTest, InvalidUtf8IsNotWritten) {
  JsonBuffer out = "kept";
  for (std::string_view bad :
       {"\xff", "abcdefgh\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "tail\xe2\x82"}) {
    EXPECT_FALSE(AppendJsonString(out, bad));
    EXPECT_EQ(out, "kept");
  }
}

TEST(ContentTest, Values) {
  EXPECT_EQ(Written(AnyValue()), "null");
  EXPECT_EQ(Written(TextValue("")), "\"\"");
  EXPECT_EQ(Written(IntValue(std::numeric_limits<int64_t>::min())),
            R"({"i":"-9223372036854775808"})");
  EXPECT_EQ(Written(DoubleValue(1.5)), R"({"d":1.5})");
  EXPECT_EQ(Written(DoubleValue(-0.0)), R"({"d":"-0"})");
  EXPECT_EQ(Written(DoubleValue(0.0)), R"({"d":0})");
  EXPECT_EQ(Written(DoubleValue(std::nan(""))), R"({"d":"NaN"})");
  EXPECT_EQ(Written(DoubleValue(-INFINITY)), R"({"d":"-Infinity"})");
  EXPECT_EQ(Written(TextValue("\xff")), R"({"u":"/w=="})");

  AnyValue bytes = TextValue("ab");
  bytes.type = AnyValue::Type::kBytes;
  EXPECT_EQ(Written(bytes), R"({"b":"YWI="})");

  const AnyValue items[] = {IntValue(1), AnyValue(), TextValue("x")};
  model::ArrayValue array{.values = items, .unknown = {}};
  AnyValue list;
  list.type = AnyValue::Type::kArray;
  list.array = &array;
  EXPECT_EQ(Written(list), R"([{"i":"1"},null,"x"])");
  const Bytes unknown = {0x48, 0x01};
  array.unknown = unknown;
  EXPECT_EQ(Written(list), R"({"l":[{"i":"1"},null,"x"],"x":"SAE="})");

  const ByteView unknown_view = unknown;
  KeyValue missing;
  missing.key = "m";
  KeyValue missing_with_unknown = missing;
  missing_with_unknown.unknown = &unknown_view;
  const KeyValue pairs[] = {Pair("k", TextValue("1")), Pair("k", AnyValue()), missing,
                            missing_with_unknown};
  const model::MapValue map{.values = pairs, .unknown = {}};
  AnyValue value;
  value.type = AnyValue::Type::kMap;
  value.map = &map;
  EXPECT_EQ(Written(value), R"({"m":[["k","1"],["k",null],["m"],["m",0,"SAE="]]})");
  value.unknown = &unknown_view;
  EXPECT_EQ(Written(value),
            R"({"v":{"m":[["k","1"],["k",null],["m"],["m",0,"SAE="]]},"x":"SAE="})");
}

// The published sequence of tests/vectors/jcs/numbers.md, its first 100,000 lines by their hash.
TEST(JsonNumberTest, PublishedSequence) {
  std::string text;
  int lines = 0;
  const auto add = [&](uint64_t bits) {
    double value;
    std::memcpy(&value, &bits, 8);
    text += fmt::format("{:x},{}\n", bits, Double(value));
    ++lines;
  };
  std::ifstream file(std::string(SEALTRAIL_SOURCE_DIR) + "/tests/vectors/jcs/numbers-static.txt");
  std::string line;
  while (std::getline(file, line)) add(std::stoull(line, nullptr, 16));
  ASSERT_EQ(lines, 168) << "tests/vectors/jcs/numbers-static.txt is missing or changed";
  for (uint64_t i = 0; i < 2000; ++i) add(0x0010000000000000 + i);
  crypto::Hash block{};
  while (lines < 100'000) {
    block = crypto::Sha256(block);
    for (size_t i = 0; i < 32 && lines < 100'000; i += 8) {
      uint64_t bits;
      std::memcpy(&bits, block.data() + i, 8);
      double value;
      std::memcpy(&value, &bits, 8);
      if (value != 0 && std::isfinite(value)) add(bits);
    }
  }
  EXPECT_EQ(HexEncode(crypto::Sha256(AsBytes(text))),
            "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7");
}

constexpr Salt kSalt = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25};

std::string LeafOf(const RecordBatch& batch, size_t i) {
  const RecordEntry& entry = batch.records[i];
  return std::string(AsText(ByteView(batch.bundle).subspan(entry.leaf_offset, entry.leaf_size)));
}

// The example of docs/formats/record.md §8.
TEST(BatchBuilderTest, WritesTheDocumentedExample) {
  const Bytes trace = HexDecode("5b8efff798038103d269b633813fc60c").value();
  const Bytes span_id = HexDecode("eee19b7ec3c1b174").value();
  const KeyValue attributes[] = {Pair("enduser.id", TextValue("alice")),
                                 Pair("audit.action", TextValue("role_update")),
                                 Pair("attempt", IntValue(2))};
  const model::SpanStatus status{.message = {}, .code = 1, .unknown = {}};
  model::Span span;
  span.trace_id = trace;
  span.span_id = span_id;
  span.name = "user.role.update";
  span.kind = 2;
  span.flags = 257;
  span.start_time_unix_nano = 1764039845000000000;
  span.end_time_unix_nano = 1764039845000000250;
  span.attributes = attributes;
  span.status = &status;
  const KeyValue service[] = {Pair("service.name", TextValue("iam"))};
  model::Resource resource;
  resource.attributes = service;
  model::Scope scope;
  scope.name = "audit-service";

  JsonBuffer content, re, sc;
  ContentNotes notes;
  WriteSpan(content, span, notes);
  WriteResourceGroup(re, &resource, {}, {}, {}, notes);
  WriteScopeGroup(sc, &scope, {}, {}, notes);
  auto builder =
      BatchBuilder::Make(RecordClass::kIngest, {.received_at = UnixNanos{1764039846000000000},
                                                .principal = "local",
                                                .client = {},
                                                .label = {},
                                                .peer = "127.0.0.1:50412",
                                                .transport = "grpc"});
  ASSERT_TRUE(builder.ok());
  builder->SetResource(re);
  builder->SetScope(sc);
  ASSERT_TRUE(
      builder
          ->Add(
              {.kind = Kind::kSpan, .salt = kSalt, .content = content, .span = {}, .identity = {}})
          .ok());
  const RecordBatch batch = std::move(*builder).Finish();

  std::ifstream doc(std::string(SEALTRAIL_SOURCE_DIR) + "/docs/formats/record.md");
  std::string line, example;
  bool in_example = false;
  while (std::getline(doc, line)) {
    if (line.starts_with("## 8.")) in_example = true;
    if (in_example && line.starts_with("    ")) example += line.substr(4);
  }
  EXPECT_EQ(LeafOf(batch, 0), example);
  EXPECT_EQ(batch.records[0].leaf_hash, crypto::Sha256({Bytes{0}, AsBytes(example)}));
  EXPECT_EQ(GetBig16(batch.bundle.data()), example.size());
}

TEST(BatchBuilderTest, LargeThingsLieBeside) {
  auto builder = BatchBuilder::Make(RecordClass::kIngest, {});
  ASSERT_TRUE(builder.ok());
  const std::string resource = "{\"u\":\"" + std::string(kBesideBytesMin - 8, 'r') + "\"}";
  ASSERT_EQ(resource.size(), kBesideBytesMin);
  builder->SetResource(resource);
  const std::string small = "{\"n\":\"x\"}";
  const std::string large = "{\"n\":\"" + std::string(70000, 'c') + "\"}";
  ASSERT_TRUE(
      builder
          ->Add({.kind = Kind::kSpan, .salt = kSalt, .content = small, .span = {}, .identity = {}})
          .ok());
  ASSERT_TRUE(builder
                  ->Add({.kind = Kind::kSpanEvent,
                         .salt = kSalt,
                         .content = large,
                         .span = large,
                         .identity = {}})
                  .ok());
  const RecordBatch batch = std::move(*builder).Finish();

  ASSERT_EQ(batch.beside.size(), 3u);  // one resource for both records, content, span
  EXPECT_EQ(AsText(batch.beside[0].bytes), resource);
  EXPECT_EQ(batch.beside[0].hash, crypto::Sha256(AsBytes(resource)));
  EXPECT_EQ(batch.beside_refs, (std::vector<uint32_t>{0, 0, 1, 2}));
  EXPECT_EQ(
      LeafOf(batch, 0),
      fmt::format(R"({{"k":"span","n":"{}","o":{},"r":{{"a":"0"}},"re":["{}",{}],"v":1}})",
                  Base64Encode(kSalt), small, Base64Encode(batch.beside[0].hash), resource.size()));
  EXPECT_LT(batch.records[1].leaf_size, 500);
}

// The boundary itself: 2,048 bytes stay inline, one more goes beside; a leaf of exactly the limit
// stays whole.
TEST(BatchBuilderTest, LimitsAreExact) {
  auto builder = BatchBuilder::Make(RecordClass::kIngest, {});
  ASSERT_TRUE(builder.ok());
  builder->SetScope("{\"u\":\"" + std::string(kBesideBytesMin - 9, 's') + "\"}");
  const std::string empty = "{\"n\":\"\"}";
  ASSERT_TRUE(
      builder
          ->Add({.kind = Kind::kLog, .salt = kSalt, .content = empty, .span = {}, .identity = {}})
          .ok());
  RecordBatch batch = std::move(*builder).Finish();
  EXPECT_TRUE(batch.beside.empty());
  const size_t room = kLeafBytesMax - batch.records[0].leaf_size;

  for (size_t extra : {size_t{0}, size_t{1}}) {
    builder = BatchBuilder::Make(RecordClass::kIngest, {});
    builder->SetScope("{\"u\":\"" + std::string(kBesideBytesMin - 9, 's') + "\"}");
    const std::string content = "{\"n\":\"" + std::string(room + extra, 'c') + "\"}";
    ASSERT_TRUE(
        builder
            ->Add(
                {.kind = Kind::kLog, .salt = kSalt, .content = content, .span = {}, .identity = {}})
            .ok());
    batch = std::move(*builder).Finish();
    EXPECT_EQ(batch.beside.size(), extra);
    if (extra == 0) {
      EXPECT_EQ(batch.records[0].leaf_size, kLeafBytesMax);
    }
  }
}

TEST(BatchBuilderTest, RefusesOverlongReceiptTexts) {
  const std::string text(kReceiptTextBytesMax + 1, 'a');
  EXPECT_EQ(BatchBuilder::Make(RecordClass::kIngest, {.client = text}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(SelfRecordTest, IsALogWithTheStandardAttributes) {
  const RecordBatch batch = SelfRecord({.action = "sealtrail.query.run",
                                        .actor = "local:root",
                                        .target = "q",
                                        .details = {{"sealtrail.query.sql", "SELECT 1"}}},
                                       UnixNanos{5}, kSalt);
  EXPECT_EQ(batch.record_class, RecordClass::kOwn);
  EXPECT_EQ(
      LeafOf(batch, 0),
      R"({"k":"self","n":"CgsMDQ4PEBESExQVFhcYGQ==","o":{"a":[["audit.action","sealtrail.query.run"],)"
      R"(["audit.actor.id","local:root"],["audit.target.id","q"],["audit.outcome","success"],)"
      R"(["sealtrail.query.sql","SELECT 1"]],"en":"sealtrail.query.run","w":"5"},)"
      R"("r":{"a":"5","t":"self"},"v":1})");
}

}  // namespace
}  // namespace sealtrail::record
