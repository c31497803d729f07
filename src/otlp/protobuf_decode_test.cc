// The protobuf decoder against protobuf's own parser, and against hand-made bytes for what OTLP
// adds.
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/limits.h"
#include "otlp/decode.h"
#include "otlp/testing/witness.h"

namespace sealtrail::otlp {
namespace {

using testing::Dump;
using testing::Random;
using testing::Signal;

// The dump of what we decode, or "error: ...".
std::string Decode(Signal signal, std::string_view bytes) {
  model::Arena arena;
  if (signal == Signal::kTraces) {
    const auto request = DecodeTracesProtobuf(AsBytes(bytes), arena);
    return request.ok() ? Dump(*request) : "error: " + request.status().ToString();
  }
  const auto request = DecodeLogsProtobuf(AsBytes(bytes), arena);
  return request.ok() ? Dump(*request) : "error: " + request.status().ToString();
}

// What protobuf's parser makes of the same bytes.
std::string Witness(Signal signal, const std::string& bytes) {
  const auto message = testing::NewLaxRequest(signal);
  return message->ParseFromString(bytes) ? Dump(*message) : "error";
}

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string Field(int number, const std::string& bytes) {
  return Varint(static_cast<uint64_t>(number) << 3 | 2) + Varint(bytes.size()) + bytes;
}
std::string Number(int number, uint64_t value) {
  return Varint(static_cast<uint64_t>(number) << 3) + Varint(value);
}
std::string Span(const std::string& fields) {
  return Field(1, Field(2, Field(2, fields)));
}
std::string Log(const std::string& fields) {
  return Field(1, Field(2, Field(2, fields)));
}
std::string Attribute(const std::string& value) {
  return Field(6, Field(1, "k") + Field(2, value));
}

constexpr const char* kSpan = "resource_spans[0].scope_spans[0].spans[0]";
constexpr const char* kLog = "resource_logs[0].scope_logs[0].log_records[0]";

class ProtobufDecodeTest : public ::testing::TestWithParam<Signal> {};
INSTANTIATE_TEST_SUITE_P(Signals, ProtobufDecodeTest,
                         ::testing::Values(Signal::kTraces, Signal::kLogs), [](const auto& signal) {
                           return signal.param == Signal::kTraces ? "Traces" : "Logs";
                         });

// Goal: every field that protobuf's parser sees, ours sees too, with unknown fields and open enums.
TEST_P(ProtobufDecodeTest, AgreesWithProtobufOnRandomRequests) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Random random(seed);
    const auto message = testing::NewRequest(GetParam());
    testing::Fill(*message, random, {.unknown_fields = true});
    ASSERT_EQ(Decode(GetParam(), message->SerializeAsString()), Dump(*message));
  }
}

// Goal: order, repetition and merging as protobuf has them.
// Method: the same requests written as no serializer does, still legal; both parsers read them.
TEST_P(ProtobufDecodeTest, AgreesWithProtobufOnWildOrderAndMerging) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Random random(seed);
    const auto message = testing::NewRequest(GetParam());
    testing::Fill(*message, random, {.unknown_fields = true});
    const std::string bytes = testing::SerializeWildly(*message, random);
    ASSERT_EQ(Decode(GetParam(), bytes), Witness(GetParam(), bytes));
  }
}

// Goal: on damaged bytes both refuse, or both read the same.
// Method: random changes to good requests. What only we refuse must be an id or a limit of ours.
TEST_P(ProtobufDecodeTest, AgreesWithProtobufOnDamagedBytes) {
  int refused = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Random random(seed);
    const auto message = testing::NewRequest(GetParam());
    testing::Fill(*message, random, {.repeated_max = 2, .unknown_fields = true});
    std::string bytes = testing::SerializeWildly(*message, random);
    if (bytes.empty()) continue;
    for (uint64_t n = 1 + random() % 4; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random() >> (random() % 8));
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());

    const std::string ours = Decode(GetParam(), bytes);
    if (ours.starts_with("error") && ours.find("bytes, expected") != std::string::npos) continue;
    const std::string theirs = Witness(GetParam(), bytes);
    refused += theirs == "error";
    if (theirs == "error") {
      ASSERT_TRUE(ours.starts_with("error: INVALID_ARGUMENT")) << ours;
    } else {
      ASSERT_EQ(ours, theirs) << HexEncode(AsBytes(bytes));
    }
  }
  EXPECT_GT(refused, 100);
}

// Goal: every prefix of a request is refused or is itself a request; none is read past its end.
TEST_P(ProtobufDecodeTest, EveryPrefixIsReadOrRefused) {
  Random random(3);
  const auto message = testing::NewRequest(GetParam());
  testing::Fill(*message, random, {.unknown_fields = true});
  const std::string bytes = message->SerializeAsString();
  ASSERT_GT(bytes.size(), 500u);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string prefix = bytes.substr(0, size);  // a copy of its own, for AddressSanitizer
    const std::string theirs = Witness(GetParam(), prefix);
    const std::string ours = Decode(GetParam(), prefix);
    ASSERT_EQ(ours.starts_with("error: INVALID_ARGUMENT"), theirs == "error") << size << ours;
  }
}

TEST(ProtobufDecode, AnEmptyRequestIsARequest) {
  EXPECT_EQ(Decode(Signal::kTraces, ""), "");
  EXPECT_EQ(Decode(Signal::kLogs, ""), "");
}

TEST(ProtobufDecode, NothingOfTheRequestIsCopied) {
  const std::string bytes = Span(Field(5, "a name"));
  model::Arena arena;
  const auto request = DecodeTracesProtobuf(AsBytes(bytes), arena);
  ASSERT_TRUE(request.ok());
  const std::string_view name = request->resources[0].scopes[0].items[0].name;
  EXPECT_EQ(name, "a name");
  EXPECT_EQ(name.data(), bytes.data() + bytes.find("a name"));
}

TEST(ProtobufDecode, RefusesIdsOfWrongLengthAndSaysWhere) {
  const struct {
    int field;
    const char* name;
    size_t right;
  } ids[] = {{1, "trace_id", 16}, {2, "span_id", 8}, {4, "parent_span_id", 8}};
  for (const auto& id : ids) {
    for (const size_t size : {0, 1, 7, 8, 9, 15, 16, 17, 32}) {
      const std::string got =
          Decode(Signal::kTraces, Span(Field(id.field, std::string(size, 'i'))));
      if (size == 0 || size == id.right) {
        EXPECT_FALSE(got.starts_with("error")) << got;
      } else {
        EXPECT_EQ(got, fmt::format("error: INVALID_ARGUMENT: {}.{}: {} bytes, expected {}", kSpan,
                                   id.name, size, id.right));
      }
    }
  }
  EXPECT_EQ(
      Decode(Signal::kTraces, Span(Field(13, "") + Field(13, Field(2, "123")))),
      fmt::format("error: INVALID_ARGUMENT: {}.links[1].span_id: 3 bytes, expected 8", kSpan));
  EXPECT_EQ(Decode(Signal::kLogs, Log(Field(9, "123"))),
            fmt::format("error: INVALID_ARGUMENT: {}.trace_id: 3 bytes, expected 16", kLog));
  // The last one wins, so it alone is the id.
  EXPECT_FALSE(Decode(Signal::kLogs, Log(Field(9, "123") + Field(9, ""))).starts_with("error"));
}

// The removed field 1000, as clients of 2021 write it.
TEST(ProtobufDecode, ReadsInstrumentationLibraryGroupsAsScopeGroups) {
  const std::string group =
      Field(1, Field(1, "lib") + Field(2, "1.0")) + Field(2, Field(5, "old")) + Field(3, "url");
  EXPECT_EQ(Decode(Signal::kTraces, Field(1, Field(1000, group))),
            Decode(Signal::kTraces, Field(1, Field(2, group))));
  const std::string logs = Field(1, Field(1, "lib")) + Field(2, Field(3, "INFO"));
  EXPECT_EQ(Decode(Signal::kLogs, Field(1, Field(1000, logs) + Field(2, logs))),
            Decode(Signal::kLogs, Field(1, Field(2, logs) + Field(2, logs))));
  EXPECT_NE(Decode(Signal::kLogs, Field(1, Field(1000, logs))).find("severity_text \"INFO\""),
            std::string::npos);
}

// docs/formats/record.md §2: outside profiles these two count as unknown.
TEST(ProtobufDecode, StringIndexesAreUnknownFields) {
  model::Arena arena;
  const std::string bytes = Log(Field(6, Number(3, 5) + Field(2, Number(8, 7))));
  const auto request = DecodeLogsProtobuf(AsBytes(bytes), arena);
  ASSERT_TRUE(request.ok());
  const model::KeyValue& pair = request->resources[0].scopes[0].items[0].attributes[0];
  ASSERT_NE(pair.unknown, nullptr);
  EXPECT_EQ(HexEncode(*pair.unknown), "1805");
  EXPECT_TRUE(pair.has_value);
  EXPECT_EQ(pair.value.type, model::AnyValue::Type::kEmpty);
  ASSERT_NE(pair.value.unknown, nullptr);
  EXPECT_EQ(HexEncode(*pair.value.unknown), "4007");
}

// Kept byte for byte, tag included, in order, also where a sender wrote a number longer than
// needed.
TEST(ProtobufDecode, UnknownFieldsAreKeptAsReceived) {
  const std::string odd("\xf8\x7d\x85\x80\x00", 5);        // field 2015, varint 5 in three bytes
  const std::string group("\x83\x7e\x08\x01\x84\x7e", 6);  // field 2016, a group
  const std::string wrong_type = Number(5, 9);             // name (5) as a varint
  const std::string bytes = Span(odd + group + Field(5, "n") + wrong_type);
  model::Arena arena;
  const auto request = DecodeTracesProtobuf(AsBytes(bytes), arena);
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  const model::Span& span = request->resources[0].scopes[0].items[0];
  EXPECT_EQ(span.name, "n");
  EXPECT_EQ(HexEncode(span.unknown), HexEncode(AsBytes(odd + group + wrong_type)));
}

// No field of OTLP traces or logs may be packed, so a scalar in a length-delimited field is
// unknown.
TEST(ProtobufDecode, PackedScalarsAreUnknownFields) {
  const std::string bytes = Span(Field(6, "\x02") + Field(7, "12345678"));
  EXPECT_EQ(Decode(Signal::kTraces, bytes), Witness(Signal::kTraces, bytes));
  EXPECT_EQ(Decode(Signal::kTraces, bytes).find("kind"), std::string::npos);
}

TEST(ProtobufDecode, NumbersKeepTheirLowBits) {
  const uint64_t wide = 0xffff'ffff'0000'0003;
  for (const std::string& bytes :
       {Span(Number(6, wide) + Number(10, wide) + Field(15, Number(3, wide))),
        Span(Field(9, Field(2, Number(2, wide)))),
        Span(Field(9, Field(2, Number(2, 1ull << 40))))}) {
    EXPECT_EQ(Decode(Signal::kTraces, bytes), Witness(Signal::kTraces, bytes));
  }
}

// The same member again merges; another member in between starts afresh; messages merge across
// occurrences.
TEST(ProtobufDecode, OneofsMergeAndReplaceLikeProtobuf) {
  const std::string one = Field(5, Field(1, Number(3, 1)));
  const std::string two = Field(5, Field(1, Number(3, 2)) + Field(1, Number(3, 3)));
  const std::string map = Field(6, Field(1, Field(1, "k")));
  const std::string text = Field(1, "t");
  const std::vector<std::vector<std::string>> sequences = {
      {one, two},       {one, map},          {one, map, two},
      {one, text},      {text, one},         {map, map, one, two},
      {one, text, two}, {one, Number(2, 1)}, {Number(2, 0), Field(7, "")}};
  for (const auto& sequence : sequences) {
    std::string value;
    for (const std::string& field : sequence) value += field;
    const std::string bytes = Log(Attribute(value));
    EXPECT_EQ(Decode(Signal::kLogs, bytes), Witness(Signal::kLogs, bytes));
    const std::string twice = Log(Field(5, value) + Field(3, "x") + Field(5, one));
    EXPECT_EQ(Decode(Signal::kLogs, twice), Witness(Signal::kLogs, twice));
  }
}

// A member that a later one replaces must still be a message, as for protobuf; so must each half of
// a merged one.
TEST(ProtobufDecode, ReplacedAndMergedPartsAreStillChecked) {
  const std::string broken =
      "\x0a\x05"
      "ab";  // says 5 bytes, has 2
  for (const std::string& value :
       {Field(5, broken) + Field(1, "t"), Field(5, broken) + Field(6, ""),
        Field(5, broken) + Field(5, "cde")}) {
    const std::string bytes = Log(Attribute(value));
    EXPECT_EQ(Witness(Signal::kLogs, bytes), "error");
    EXPECT_TRUE(Decode(Signal::kLogs, bytes).starts_with("error: INVALID_ARGUMENT"));
  }
}

std::string NestedArrays(int depth) {  // AnyValue messages inside each other, `depth` of them
  std::string value;
  for (int i = 1; i < depth; ++i) value = Field(5, Field(1, value));
  return value;
}

std::string NestedMaps(int depth) {
  std::string value;
  for (int i = 1; i < depth; ++i) value = Field(6, Field(1, Field(2, value)));
  return value;
}

TEST(ProtobufDecode, RefusesNestingOverTheLimit) {
  for (const auto nested : {NestedArrays, NestedMaps}) {
    for (const auto field : {5, 6}) {
      const auto log = [&](int depth) {
        return field == 5 ? Log(Field(5, nested(depth))) : Log(Attribute(nested(depth)));
      };
      EXPECT_FALSE(Decode(Signal::kLogs, log(kNestingMax)).starts_with("error"));
      for (const int depth : {kNestingMax + 1, 200, 5000}) {
        const std::string got = Decode(Signal::kLogs, log(depth));
        EXPECT_TRUE(got.starts_with(fmt::format("error: INVALID_ARGUMENT: {}", kLog))) << got;
        EXPECT_NE(got.find("values nest deeper than 128"), std::string::npos) << got;
        EXPECT_LT(got.size(), 600u) << "the place must not grow with the depth";
      }
    }
  }
}

TEST(ProtobufDecode, GroupsMayNestButNotWithoutEnd) {
  const auto groups = [](int depth) {
    std::string bytes;
    for (int i = 0; i < depth; ++i) bytes += "\x9b\x7d";  // field 2003, start
    for (int i = 0; i < depth; ++i) bytes += "\x9c\x7d";  // field 2003, end
    return bytes;
  };
  EXPECT_FALSE(Decode(Signal::kTraces, groups(kNestingMax)).starts_with("error"));
  EXPECT_NE(Decode(Signal::kTraces, groups(kNestingMax + 1)).find("groups nest too deep"),
            std::string::npos);
  EXPECT_NE(Decode(Signal::kTraces, groups(1'000'000)).find("groups nest too deep"),
            std::string::npos);
  for (const std::string& bytes :
       {std::string("\x9b\x7d"), std::string("\x9c\x7d"), std::string("\x9b\x7d\xa4\x7d")}) {
    EXPECT_EQ(Witness(Signal::kTraces, bytes), "error");
    EXPECT_TRUE(Decode(Signal::kTraces, bytes).starts_with("error: INVALID_ARGUMENT"));
  }
}

// Each occurrence of a repeated singular message is read once, however deep they stand in one
// another.
TEST(ProtobufDecode, RepeatedMergingStaysLinear) {
  std::string value;
  for (int i = 1; i < kNestingMax; ++i) {
    const std::string half = Field(6, Field(1, Field(2, value)));
    value = Field(6, "") + half + Field(6, "");
  }
  EXPECT_FALSE(Decode(Signal::kLogs, Log(Field(5, value))).starts_with("error"));
}

TEST(ProtobufDecode, SaysWhatIsWrongWithTheBytes) {
  const struct {
    std::string bytes;
    const char* says;
  } cases[] = {
      {std::string("\x00", 1), "field number 0"},
      {"\x0a\x05xy", "truncated: a length reaches past the end (byte 0)"},
      {"\x0f", "a wire type that does not exist"},
      {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a varint of over ten bytes"},
      {"\x08\xff", "truncated in a varint"},
      {"\x09"
       "1234",
       "truncated in a fixed-width number"},
      {"\x9b\x7d", "truncated in a group"},
      {"\xff\xff\xff\xff\xff\xff\x01", "no valid field number"},
      {Field(1, Field(2, "\x0a\x05xy")), "resource_logs[0].scope_logs[0]: truncated: a length"},
      {Field(1, Field(1, "\x0a\x05xy")), "resource_logs[0].resource: truncated: a length"},
  };
  for (const auto& c : cases) {
    const std::string got = Decode(Signal::kLogs, c.bytes);
    EXPECT_TRUE(got.starts_with("error: INVALID_ARGUMENT")) << got;
    EXPECT_NE(got.find(c.says), std::string::npos) << got;
  }
}

// Tags and lengths of five bytes are read, whatever they say; longer ones are refused, as by protobuf.
TEST(ProtobufDecode, TagsAndLengthsHaveAtMostFiveBytes) {
  using namespace std::string_literals;
  for (const std::string& bytes : {"\x8a\x80\x80\x80\x00\x00"s, "\x8a\x80\x80\x80\x80\x00\x00"s,
                                   "\x0a\x80\x80\x80\x80\x00"s, "\x0a\x80\x80\x80\x80\x80\x00"s}) {
    EXPECT_EQ(Decode(Signal::kLogs, bytes).starts_with("error: INVALID_ARGUMENT"),
              Witness(Signal::kLogs, bytes) == "error")
        << HexEncode(AsBytes(bytes));
  }
}

TEST(ProtobufDecode, TextThatIsNotUtf8ComesAsReceived) {
  EXPECT_NE(Decode(Signal::kLogs, Log(Field(3, "\xff\xfe"))).find("severity_text \"\\xff\\xfe\""),
            std::string::npos);
}

// Two bytes become a struct of two hundred: a small request must not take the machine's memory.
TEST(ProtobufDecode, RefusesWhatTakesTooMuchMemory) {
  std::string spans;
  const size_t count = kDecodedBytesMax / sizeof(model::Span) + 1;
  for (size_t i = 0; i < count; ++i) spans += std::string("\x12\x00", 2);
  const std::string bytes = Field(1, Field(2, spans));
  ASSERT_LT(bytes.size(), kRequestBytesMax / 16);
  model::Arena arena;
  const auto request = DecodeTracesProtobuf(AsBytes(bytes), arena);
  EXPECT_EQ(request.status().code(), StatusCode::kResourceExhausted);
  EXPECT_LT(arena.total(), kMiB);  // seen before it was taken
}

}  // namespace
}  // namespace sealtrail::otlp
