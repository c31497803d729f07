// The JSON decoder against the protobuf decoder and protobuf's own printer, against simdjson on
// what is JSON, and against what real clients send.
#include <bit>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <simdjson.h>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/limits.h"
#include "otlp/decode.h"
#include "otlp/json_reader.h"
#include "otlp/testing/json_printer.h"
#include "otlp/testing/witness.h"

namespace sealtrail::otlp {
namespace {

using testing::Dump;
using testing::Random;
using testing::Signal;

std::string Decode(Signal signal, std::string_view json) {
  model::Arena arena;
  auto body = std::make_unique<std::string>(json);
  std::string dump;
  const auto show = [&](const auto& request) {
    body.reset();  // the result must not need it
    return request.ok() ? Dump(*request) : "error: " + request.status().ToString();
  };
  return signal == Signal::kTraces ? show(DecodeTracesJson(AsBytes(*body), arena))
                                   : show(DecodeLogsJson(AsBytes(*body), arena));
}

std::string DecodeProtobuf(Signal signal, const std::string& bytes) {
  model::Arena arena;
  return signal == Signal::kTraces ? Dump(DecodeTracesProtobuf(AsBytes(bytes), arena).value())
                                   : Dump(DecodeLogsProtobuf(AsBytes(bytes), arena).value());
}

std::string Span(std::string_view members) {
  return fmt::format(R"({{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{}}}]}}]}}]}})", members);
}
std::string Log(std::string_view members) {
  return fmt::format(R"({{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{}}}]}}]}}]}})",
                     members);
}
std::string Body(std::string_view value) {
  return Log(fmt::format(R"("body":{})", value));
}

// What a log with this body dumps to, below the body.
std::string DecodeBody(std::string_view value) {
  std::string dump = Decode(Signal::kLogs, Body(value));
  if (dump.starts_with("error")) return dump;
  const std::string_view path = "resource_logs[0].scope_logs[0].log_records[0].body.";
  const size_t at = dump.find(path);
  return at == std::string::npos
             ? ""
             : dump.substr(at + path.size(), dump.find('\n', at) - at - path.size());
}

constexpr const char* kSpan = "resource_spans[0].scope_spans[0].spans[0]";

class JsonDecodeTest : public ::testing::TestWithParam<Signal> {};
INSTANTIATE_TEST_SUITE_P(Signals, JsonDecodeTest, ::testing::Values(Signal::kTraces, Signal::kLogs),
                         [](const auto& signal) {
                           return signal.param == Signal::kTraces ? "Traces" : "Logs";
                         });

// Goal: both spellings of a request decode to equal values, in every form that JSON may have.
TEST_P(JsonDecodeTest, AgreesWithProtobufInEveryForm) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Random random(seed);
    const auto message = testing::NewRequest(GetParam());
    testing::Fill(*message, random, {});
    const std::string expected = DecodeProtobuf(GetParam(), message->SerializeAsString());
    ASSERT_EQ(Decode(GetParam(), testing::PrintJson(*message)), expected);
    const std::string wild = testing::PrintJsonWildly(*message, random);
    ASSERT_EQ(Decode(GetParam(), wild), expected) << wild;
    const std::string theirs = testing::PrintJsonByProtobuf(*message);
    ASSERT_EQ(Decode(GetParam(), theirs), expected) << theirs;
  }
}

// Whether simdjson takes `json` for JSON. Its limits are not ours: see MayDiffer.
bool IsJsonForSimdjson(const std::string& json, simdjson::error_code& error) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  error = parser.parse(json).get(element);
  return error == simdjson::SUCCESS;
}

// simdjson's parser refuses numbers out of range and lone surrogates; json_reader.h says why we do not.
bool MayDiffer(simdjson::error_code error) {
  return error == simdjson::NUMBER_ERROR || error == simdjson::STRING_ERROR;
}

bool IsJsonForUs(const std::string& json) {
  model::Arena arena;
  DecodeState state(arena);
  JsonReader reader(json, state);
  return reader.Skip() && reader.End();
}

// Goal: what we take for JSON is JSON, and all of it is taken.
// Method: damage requests, at places where JSON is decided more often than elsewhere, and ask simdjson.
TEST_P(JsonDecodeTest, AgreesWithSimdjsonOnWhatIsJson) {
  constexpr std::string_view kParts = "{}[],:\"\\ 0e.-ntu\t\x01";
  int refused = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Random random(seed);
    const auto message = testing::NewRequest(GetParam());
    testing::Fill(*message, random, {.repeated_max = 2});
    std::string json = testing::PrintJsonWildly(*message, random);
    for (uint64_t n = random() % 3; n > 0; --n) {
      const size_t at = random() % json.size();
      switch (random() % 3) {
        case 0:
          json[at] = kParts[random() % kParts.size()];
          break;
        case 1:
          json.erase(at, 1 + random() % 3);
          break;
        default:
          json.insert(at, 1, kParts[random() % kParts.size()]);
      }
      if (json.empty()) json = "0";
    }
    simdjson::error_code error;
    const bool theirs = IsJsonForSimdjson(json, error);
    refused += !theirs;
    if (!theirs && MayDiffer(error)) continue;
    if (!theirs && error == simdjson::UTF8_ERROR) continue;  // checked before the reader sees it
    ASSERT_EQ(IsJsonForUs(json), theirs) << json << "\n" << error;
    if (!theirs) {
      ASSERT_TRUE(Decode(GetParam(), json).starts_with("error: INVALID_ARGUMENT"));
    }
  }
  EXPECT_GT(refused, 500);
}

TEST_P(JsonDecodeTest, NoProperPrefixIsARequest) {
  Random random(3);
  const auto message = testing::NewRequest(GetParam());
  testing::Fill(*message, random, {});
  const std::string json = testing::PrintJsonWildly(*message, random);
  ASSERT_GT(json.size(), 500u);
  // Every cut in the first KiB, then ever fewer.
  for (size_t size = 0; size < json.size(); size += 1 + size / 1024) {
    ASSERT_TRUE(Decode(GetParam(), json.substr(0, size)).starts_with("error: INVALID_ARGUMENT"))
        << size;
  }
}

std::string ReadVector(const std::string& name) {
  std::ifstream in(SEALTRAIL_SOURCE_DIR "/tests/vectors/otlp/" + name, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(in) << name;
  return text.str();
}

// The specification's own examples, values as they stand in the files.
TEST(JsonDecode, ReadsThePublishedExamples) {
  const std::string trace = Decode(Signal::kTraces, ReadVector("trace.json"));
  const std::string span = kSpan;
  for (const std::string& line :
       {span + R"(.trace_id "[\x8e\xff\xf7\x98\x03\x81\x03\xd2i\xb63\x81?\xc6\x0c")",
        span + R"(.span_id "\xee\xe1\x9b~\xc3\xc1\xb1t")",
        span + R"(.parent_span_id "\xee\xe1\x9b~\xc3\xc1\xb1s")",
        span + R"(.name "I'm a server span")", span + ".kind 2",
        span + ".start_time_unix_nano 1544712660000000000",
        span + R"(.attributes[0].value.string_value "some value")",
        std::string(R"(resource_spans[0].scope_spans[0].scope.version "1.0.0")")}) {
    EXPECT_NE(trace.find(line + "\n"), std::string::npos) << line << "\n" << trace;
  }
  const std::string log = "resource_logs[0].scope_logs[0].log_records[0]";
  const std::string logs = Decode(Signal::kLogs, ReadVector("logs.json"));
  for (const std::string& line :
       {log + ".severity_number 10", log + ".time_unix_nano 1544712660300000000",
        log + R"(.body.string_value "Example log record")",
        log + ".attributes[2].value.int_value 10",
        log + ".attributes[3].value.double_value 4083eda1cac08312" /* 637.704 */}) {
    EXPECT_NE(logs.find(line + "\n"), std::string::npos) << line << "\n" << logs;
  }
  const std::string events = Decode(Signal::kLogs, ReadVector("events.json"));
  EXPECT_NE(events.find(".event_name \"browser.page_view\"\n"), std::string::npos) << events;
  // A request of another signal is a request without data, as unknown members are ignored.
  EXPECT_EQ(Decode(Signal::kLogs, ReadVector("metrics.json")), "");
}

TEST(JsonDecode, EmptyRequestsAreRequests) {
  for (const char* json :
       {"{}", " { } \n", R"({"resourceSpans":[]})", R"({"resourceSpans":null})"}) {
    EXPECT_EQ(Decode(Signal::kTraces, json), "") << json;
  }
}

TEST(JsonDecode, RefusesWhatIsNoJsonObject) {
  for (const char* json : {"",
                           " ",
                           "[]",
                           "null",
                           "1",
                           "\"\"",
                           "{",
                           "{}}",
                           "{} {}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,}",
                           "{'a':1}",
                           "{a:1}",
                           "{\"a\":01}",
                           "{\"a\":+1}",
                           "{\"a\":.5}",
                           "{\"a\":1.}",
                           "{\"a\":1e}",
                           "{\"a\":nul}",
                           "{\"a\":NaN}",
                           "{\"a\":tru}",
                           "{\"a\":[1,]}",
                           "{\"a\":[1 2]}",
                           "{\"a\":[1}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\\u12\"}",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"b",
                           "{\"a\":\"b\\\"}",
                           "{\"a\":1}/**/",
                           "\xef\xbb\xbf{}"}) {
    EXPECT_TRUE(Decode(Signal::kLogs, json).starts_with("error: INVALID_ARGUMENT")) << json;
  }
}

TEST(JsonDecode, RefusesTextThatIsNotUtf8) {
  for (const char* text : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    const std::string got = DecodeBody(fmt::format(R"({{"stringValue":"{}"}})", text));
    EXPECT_TRUE(got.starts_with("error: INVALID_ARGUMENT: not JSON, no UTF-8 (byte 70)")) << got;
  }
}

TEST(JsonDecode, Unescapes) {
  const struct {
    const char* json;
    std::string_view text;
  } cases[] = {
      {R"("\"\\\/\b\f\n\r\t")", "\\x22\\x5c/\\x08\\x0c\\x0a\\x0d\\x09"},
      {R"("\u0041\u00e9\u20AC")", "A\\xc3\\xa9\\xe2\\x82\\xac"},
      {R"("\u0000")", "\\x00"},
      {R"("\ud83d\udd12")", "\\xf0\\x9f\\x94\\x92"},
      {R"("\ud83d")", "\\xed\\xa0\\xbd"},    // lone high
      {R"("\udd12!")", "\\xed\\xb4\\x92!"},  // lone low
      {R"("\ud83d\ud83d\udd12")",
       "\\xed\\xa0\\xbd\\xf0\\x9f\\x94\\x92"},  // a lone one, then a pair
      {R"("\ud83d\u0041")", "\\xed\\xa0\\xbdA"},
      {R"("\udbff\udfff")", "\\xf4\\x8f\\xbf\\xbf"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(DecodeBody(fmt::format(R"({{"stringValue":{}}})", c.json)),
              fmt::format("string_value \"{}\"", c.text));
  }
  EXPECT_NE(Decode(Signal::kTraces, Span(R"("\u006eam\u0065":"n")")).find("name \"n\""),
            std::string::npos);
}

TEST(JsonDecode, ReadsIntegersExactly) {
  const struct {
    const char* json;
    const char* value;
  } cases[] = {
      {"\"5\"", "5"},
      {"5", "5"},
      {"-5", "-5"},
      {"-0", "0"},
      {"1.0", "1"},
      {"1e3", "1000"},
      {"1.5e1", "15"},
      {"1200E-2", "12"},
      {"0.000e-99999999999", "0"},
      {"0.001e3", "1"},
      {"10.00", "10"},
      {"9007199254740993", "9007199254740993"},
      {"9007199254740993.0", "9007199254740993"},
      {"9223372036854775807", "9223372036854775807"},
      {"\"-9223372036854775808\"", "-9223372036854775808"},
      {"-9.223372036854775808e18", "-9223372036854775808"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(DecodeBody(fmt::format(R"({{"intValue":{}}})", c.json)),
              fmt::format("int_value {}", c.value));
  }
  for (const char* json :
       {"1.5", "1e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e99999999999",
        "\"\"", "\" 5\"", "\"0x5\"", "\"+5\"", "\"05\"", "true", "[]", "{}", "\"NaN\"",
        "18446744073709551616", "184467440737095516160"}) {
    const std::string got = DecodeBody(fmt::format(R"({{"intValue":{}}})", json));
    EXPECT_TRUE(got.starts_with(
        "error: INVALID_ARGUMENT: resource_logs[0].scope_logs[0].log_records[0].body."
        "int_value: expected"))
        << json << got;
  }
}

TEST(JsonDecode, IntegersMustFitTheirField) {
  EXPECT_NE(
      Decode(Signal::kLogs, Log(R"("timeUnixNano":"18446744073709551615","flags":4294967295)"))
          .find("time_unix_nano 18446744073709551615"),
      std::string::npos);
  for (const char* members :
       {R"("timeUnixNano":"18446744073709551616")", R"("timeUnixNano":-1)", R"("flags":4294967296)",
        R"("droppedAttributesCount":-1)", R"("severityNumber":2147483648)",
        R"("severityNumber":"LOUD")", R"("severityNumber":true)"}) {
    EXPECT_TRUE(Decode(Signal::kLogs, Log(members)).starts_with("error: INVALID_ARGUMENT"))
        << members;
  }
}

TEST(JsonDecode, ReadsDoubles) {
  const struct {
    const char* json;
    double value;
  } cases[] = {
      {"1.5", 1.5},
      {"\"1.5\"", 1.5},
      {"7", 7},
      {"-0", -0.0},
      {"1e308", 1e308},
      {"100000000000000000000", 1e20},  // how JavaScript writes it
      {"123456789012345678901234567890", 123456789012345678901234567890.0},
      {"1e-400", 0.0},
      {"-1e-400", -0.0},
      {"0.1", 0.1},
      {"\"Infinity\"", std::numeric_limits<double>::infinity()},
      {"\"-Infinity\"", -std::numeric_limits<double>::infinity()},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(DecodeBody(fmt::format(R"({{"doubleValue":{}}})", c.json)),
              fmt::format("double_value {:016x}", std::bit_cast<uint64_t>(c.value)));
  }
  EXPECT_EQ(DecodeBody(R"({"doubleValue":"NaN"})"), "double_value nan");
  for (const char* json : {"1e400", "-1e400", "\"inf\"", "\"\"", "\"nan\"", "true", "[]"}) {
    EXPECT_TRUE(DecodeBody(fmt::format(R"({{"doubleValue":{}}})", json))
                    .starts_with("error: INVALID_ARGUMENT"))
        << json;
  }
}

TEST(JsonDecode, ReadsBytes) {
  for (const char* text : {"+/8=", "+/8", "-_8=", "-_8", "+_8"}) {
    EXPECT_EQ(DecodeBody(fmt::format(R"({{"bytesValue":"{}"}})", text)),
              "bytes_value \"\\xfb\\xff\"");
  }
  EXPECT_EQ(DecodeBody(R"({"bytesValue":""})"), "bytes_value \"\"");
  for (const char* text : {"A", "AAAAA", "AA=A", "====", "A===", "AA A", "AA*="}) {
    EXPECT_TRUE(DecodeBody(fmt::format(R"({{"bytesValue":"{}"}})", text))
                    .starts_with("error: INVALID_ARGUMENT"))
        << text;
  }
}

TEST(JsonDecode, RefusesIdsOfWrongLengthAndSaysWhere) {
  for (const size_t digits : {0, 16, 30, 32, 34}) {
    const std::string got =
        Decode(Signal::kTraces, Span(fmt::format(R"("traceId":"{}")", std::string(digits, 'A'))));
    if (digits == 0 || digits == 32) {
      EXPECT_FALSE(got.starts_with("error")) << got;
    } else {
      EXPECT_EQ(got, fmt::format("error: INVALID_ARGUMENT: {}.trace_id: {} bytes, expected 16",
                                 kSpan, digits / 2));
    }
  }
  for (const char* id : {"abc", "zz19b7ec3c1b174z", "eee19b7ec3c1b17"}) {
    EXPECT_TRUE(Decode(Signal::kTraces, Span(fmt::format(R"("spanId":"{}")", id)))
                    .starts_with(fmt::format("error: INVALID_ARGUMENT: {}.span_id: ", kSpan)));
  }
  EXPECT_TRUE(
      Decode(Signal::kTraces, Span(R"("spanId":5)")).starts_with("error: INVALID_ARGUMENT"));
}

TEST(JsonDecode, EnumsByNumberOrName) {
  for (const char* kind : {"2", "\"2\"", "2.0", "\"SPAN_KIND_SERVER\""}) {
    EXPECT_NE(Decode(Signal::kTraces, Span(fmt::format(R"("kind":{})", kind))).find(".kind 2\n"),
              std::string::npos);
  }
  EXPECT_NE(
      Decode(Signal::kTraces, Span(R"("status":{"code":"STATUS_CODE_ERROR"})")).find(".code 2\n"),
      std::string::npos);
  EXPECT_NE(Decode(Signal::kTraces, Span(R"("kind":-77)")).find(".kind -77\n"), std::string::npos);
  EXPECT_NE(Decode(Signal::kLogs, Log(R"("severityNumber":"SEVERITY_NUMBER_FATAL4")"))
                .find("severity_number 24\n"),
            std::string::npos);
}

// What the Collector still migrates, in both spellings; behind the scopes where a group has both.
TEST(JsonDecode, ReadsInstrumentationLibraryGroupsAsScopeGroups) {
  const std::string expected = Decode(
      Signal::kTraces,
      R"({"resourceSpans":[{"scopeSpans":[{"scope":{"name":"l"},"spans":[{"name":"n"}],"schemaUrl":"u"}]}]})");
  EXPECT_EQ(
      Decode(
          Signal::kTraces,
          R"({"resourceSpans":[{"instrumentationLibrarySpans":[{"instrumentationLibrary":{"name":"l"},)"
          R"("spans":[{"name":"n"}],"schemaUrl":"u"}]}]})"),
      expected);
  EXPECT_EQ(
      Decode(
          Signal::kTraces,
          R"({"resource_spans":[{"instrumentation_library_spans":[{"instrumentation_library":{"name":"l"},)"
          R"("spans":[{"name":"n"}],"schema_url":"u"}]}]})"),
      expected);
  EXPECT_EQ(
      Decode(
          Signal::kLogs,
          R"({"resourceLogs":[{"instrumentationLibraryLogs":[{"logRecords":[{"eventName":"2"}]}],)"
          R"("scopeLogs":[{"logRecords":[{"eventName":"1"}]}]}]})"),
      Decode(Signal::kLogs, R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"1"}]},)"
                            R"({"logRecords":[{"eventName":"2"}]}]}]})"));
}

// JavaScript's exporter: numbers for ints, an empty AnyValue as {}, counts always there.
TEST(JsonDecode, ReadsWhatJavaScriptSends) {
  const std::string got = Decode(
      Signal::kLogs,
      Log(R"("timeUnixNano":"1764039845000000000","severityNumber":9,"body":{},"attributes":[)"
          R"({"key":"n","value":{"intValue":3}},{"key":"e","value":{}},)"
          R"({"key":"a","value":{"arrayValue":{"values":[{"stringValue":"x"},{}]}}}],)"
          R"("droppedAttributesCount":0)"));
  const std::string log = "resource_logs[0].scope_logs[0].log_records[0].";
  EXPECT_NE(got.find(log + "body {}\n"), std::string::npos) << got;
  EXPECT_NE(got.find(log + "attributes[0].value.int_value 3\n"), std::string::npos) << got;
  EXPECT_NE(got.find(log + "attributes[1].value {}\n"), std::string::npos) << got;
  EXPECT_NE(got.find(log + "attributes[2].value.array_value.values[1] {}\n"), std::string::npos)
      << got;
}

TEST(JsonDecode, NullIsAbsentAndTheLastMemberWins) {
  EXPECT_EQ(Decode(Signal::kLogs, Log(R"("body":null,"attributes":null,"traceId":null)")),
            Decode(Signal::kLogs, Log("")));
  EXPECT_EQ(Decode(Signal::kLogs, Log(R"("attributes":[null,{"key":"k","value":null}])")),
            Decode(Signal::kLogs, Log(R"("attributes":[{},{"key":"k"}])")));
  EXPECT_EQ(DecodeBody(R"({"stringValue":"a","intValue":1})"), "int_value 1");
  EXPECT_EQ(DecodeBody(R"({"intValue":1,"stringValue":null})"), "int_value 1");
  EXPECT_EQ(DecodeBody(R"({"boolValue":true,"boolValue":false})"), "bool_value false");
  EXPECT_EQ(
      Decode(
          Signal::kLogs,
          Log(R"("attributes":[{"value":{"intValue":1},"value":{}}],"body":{"intValue":1},"body":{})")),
      Decode(Signal::kLogs, Log(R"("attributes":[{"value":{}}],"body":{})")));
  EXPECT_EQ(Decode(Signal::kLogs,
                   Log(R"("attributes":[{"key":"a"},{"key":"b"}],"attributes":[{"key":"c"}])")),
            Decode(Signal::kLogs, Log(R"("attributes":[{"key":"c"}])")));
  EXPECT_EQ(
      Decode(Signal::kTraces, Span(R"("status":{"code":2,"message":"m"},"status":{"code":1})")),
      Decode(Signal::kTraces, Span(R"("status":{"code":1})")));
}

// 64-bit members that no field of ours has must not refuse the request, nor may deep ones hurt.
TEST(JsonDecode, UnknownMembersAreSkippedButMustBeJson) {
  EXPECT_EQ(Decode(Signal::kLogs,
                   R"({"a":123456789012345678901234567890,"b":1e999,"c":[{"d":["\ud800"]}]})"),
            "");
  EXPECT_TRUE(Decode(Signal::kLogs, R"({"a":[1,tru]})").starts_with("error: INVALID_ARGUMENT"));
}

std::string Repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(JsonDecode, RefusesNestingOverTheLimit) {
  const auto arrays = [](int depth) {
    return Repeat(R"({"arrayValue":{"values":[)", depth - 1) + "{}" + Repeat("]}}", depth - 1);
  };
  const auto maps = [](int depth) {
    return Repeat(R"({"kvlistValue":{"values":[{"value":)", depth - 1) + "{}" +
           Repeat("}]}}", depth - 1);
  };
  for (const auto& nested :
       {std::function<std::string(int)>(arrays), std::function<std::string(int)>(maps)}) {
    for (const char* log : {R"("body":{})", R"("attributes":[{{"value":{}}}])"}) {
      const auto decode = [&](int depth) {
        return Decode(Signal::kLogs, Log(fmt::format(fmt::runtime(log), nested(depth))));
      };
      EXPECT_FALSE(decode(kNestingMax).starts_with("error")) << decode(kNestingMax);
      for (const int depth : {kNestingMax + 1, 200, 5000}) {
        EXPECT_NE(decode(depth).find("values nest deeper than 128"), std::string::npos)
            << decode(depth);
      }
    }
  }
  for (const char* open : {"[", "{\"a\":"}) {
    EXPECT_NE(
        Decode(Signal::kLogs, "{\"x\":" + Repeat(open, 1'000'000)).find("JSON nests too deep"),
        std::string::npos);
  }
}

TEST(JsonDecode, RefusesWhatTakesTooMuchMemory) {
  const int count = static_cast<int>(kDecodedBytesMax / sizeof(model::Span)) + 1;
  const std::string json = Span("}" + Repeat(",{}", count) + ",{");
  ASSERT_LT(json.size(), kRequestBytesMax / 8);
  model::Arena arena;
  const auto request = DecodeTracesJson(AsBytes(json), arena);
  EXPECT_EQ(request.status().code(), StatusCode::kResourceExhausted);
  EXPECT_LT(arena.total(), 2 * kDecodedBytesMax);
}

TEST(JsonDecode, SaysWhereAndWhat) {
  const struct {
    std::string json;
    const char* says;
  } cases[] = {
      {R"({"resourceLogs":[{},{"resource":{"attributes":[{"key":5}]}}]})",
       "resource_logs[1].resource.attributes[0].key: expected a string (byte 54)"},
      {R"({"resourceLogs":{}})", "resource_logs: expected an array (byte 16)"},
      {R"({"resourceLogs":[5]})", "resource_logs[0]: expected an object (byte 17)"},
      {R"({"resourceLogs":[{"schemaUrl":)", "resource_logs[0].schema_url: truncated (byte 30)"},
      {Body(R"({"boolValue":"true"})"), "body.bool_value: expected true or false"},
  };
  for (const auto& c : cases) {
    EXPECT_NE(Decode(Signal::kLogs, c.json).find(c.says), std::string::npos)
        << Decode(Signal::kLogs, c.json);
  }
}

}  // namespace
}  // namespace sealtrail::otlp
