#include "pipeline/redactor.h"

#include <random>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/sha256.h"
#include "otlp/decode.h"
#include "otlp/response.h"
#include "otlp/testing/witness.h"
#include "pipeline/record_mapper.h"
#include "vocab/vocabulary.h"

namespace sealtrail::pipeline {
namespace {

vocab::RedactionRules BuiltIn() {
  auto rules = vocab::LoadRedactionRules(vocab::BuiltInRedaction());
  EXPECT_TRUE(rules.ok()) << rules.status().ToString();
  return rules.ok() ? *std::move(rules) : vocab::RedactionRules();
}

std::shared_ptr<const Redactor> Made(vocab::RedactionRules rules, MetricSet& metrics,
                                     std::optional<Bytes> key = {}) {
  auto made = Redactor::Make(
      {.rules = std::move(rules.rules), .keep = std::move(rules.keep), .hmac_key = std::move(key)},
      metrics);
  EXPECT_TRUE(made.ok()) << made.status().ToString();
  return made.ok() ? *made : nullptr;
}

std::shared_ptr<const Redactor> From(std::string_view yaml, MetricSet& metrics,
                                     std::optional<Bytes> key = {}) {
  auto rules = vocab::LoadRedactionRules(yaml);
  EXPECT_TRUE(rules.ok()) << rules.status().ToString();
  return rules.ok() ? Made(*std::move(rules), metrics, std::move(key)) : nullptr;
}

Status Refusal(std::string_view yaml) {
  MetricSet metrics;
  auto rules = vocab::LoadRedactionRules(yaml);
  if (!rules.ok()) return rules.status();
  return Redactor::Make({.rules = rules->rules, .keep = rules->keep, .hmac_key = {}}, metrics)
      .status();
}

model::AnyValue Text(std::string_view text) {
  model::AnyValue value;
  value.type = model::AnyValue::Type::kString;
  value.text = text;
  return value;
}

// As it is stored: the canonical JSON of the value.
std::string Stored(const Redactor& redactor, std::string_view key, const model::AnyValue& value) {
  model::KeyValue pair;
  pair.key = key;
  pair.has_value = true;
  pair.value = value;
  model::MapValue map{.values = {&pair, 1}, .unknown = {}};
  model::AnyValue whole;
  whole.type = model::AnyValue::Type::kMap;
  whole.map = &map;
  RequestRedaction redaction(redactor);
  record::ContentNotes notes{.redaction = &redaction};
  record::JsonBuffer out;
  record::WriteValue(out, whole, notes);
  return std::string(out);
}
std::string Stored(const Redactor& redactor, std::string_view key, std::string_view text) {
  return Stored(redactor, key, Text(text));
}

// What remains of a text, whoever acted.
std::optional<std::string> Left(const Redactor& redactor, const std::string& key,
                                const std::string& text) {
  auto mark = redactor.OfValue(key, Text(text));
  if (!mark) mark = redactor.OfText(key, text);
  return mark ? mark->text : text;
}

constexpr std::string_view kTwoRules = R"(version: 1
keep: ['^audit\.']
rules:
  - {name: pin, keys: ['pin$'], action: drop, examples: [[pin, "1", ~], [pins, a, a]]}
  - {name: number, values: ['no ([0-9]+)'], action: mask, examples: [[k, "no 12", "no ***"], [k, no, no]]}
)";

// Each built-in rule alone does what its examples say when it is loaded. Here: all of them together still do.
TEST(BuiltInRedactionTest, EveryExampleHoldsBesideAllOtherRules) {
  MetricSet metrics;
  const vocab::RedactionRules rules = BuiltIn();
  const auto redactor = Made(rules, metrics);
  ASSERT_NE(redactor, nullptr);
  int examples = 0;
  for (const vocab::RedactionRule& rule : rules.rules) {
    for (const vocab::RedactionExample& example : rule.examples) {
      SCOPED_TRACE(rule.name + ": " + example.key + ", " + example.text);
      EXPECT_EQ(Left(*redactor, example.key, example.text), example.stored);
      ++examples;
    }
  }
  EXPECT_GE(rules.rules.size(), 15u);
  EXPECT_GE(examples, 50);
}

// The rule that an example stands for is the one that acts on it.
TEST(BuiltInRedactionTest, ItsOwnRuleActsOnEachExample) {
  MetricSet metrics;
  for (const vocab::RedactionRule& rule : BuiltIn().rules) {
    vocab::RedactionRules alone;
    alone.rules = {rule};
    const auto redactor = Made(alone, metrics);
    ASSERT_NE(redactor, nullptr) << rule.name;
    for (const vocab::RedactionExample& example : rule.examples) {
      const std::string json = Stored(*redactor, example.key, example.text);
      const bool marked = json.find("{\"r\":[\"" + rule.name + "\"]") != json.npos;
      EXPECT_EQ(marked, example.stored != example.text) << rule.name << ": " << json;
    }
  }
}

// Who did what to what: no spelling of a canonical column is ever taken by its key.
TEST(BuiltInRedactionTest, LeavesCanonicalColumnsAlone) {
  MetricSet metrics;
  const auto redactor = Made(BuiltIn(), metrics);
  ASSERT_NE(redactor, nullptr);
  const auto vocabulary = vocab::Vocabulary::BuiltIn();
  int spellings = 0;
  const std::string_view yaml = vocab::BuiltInAliases();
  for (size_t at = yaml.find("- "); at != yaml.npos; at = yaml.find("- ", at + 1)) {
    const std::string_view rest = yaml.substr(at + 2);
    const std::string_view key = rest.substr(0, rest.find_first_of(" \n"));
    if (vocabulary->ForAttribute(key).empty()) continue;
    ++spellings;
    EXPECT_FALSE(redactor->OfValue(key, Text("hunter2 value"))) << key;
  }
  EXPECT_GT(spellings, 80);
  for (std::string_view key :
       {"audit.action", "audit.actor.id", "audit.target.id", "audit.outcome", "audit.record.id",
        "audit.resource.token", "audit.target.api_key", "gen_ai.usage.output_tokens", "token.type",
        "password_changed", "secret.id", "secretary", "compass", "bypass", "cookie_policy",
        "url.path", "k8s.secret.name", "db.query.text"}) {
    EXPECT_FALSE(redactor->OfValue(key, Text("x"))) << key;
  }
}

TEST(BuiltInRedactionTest, KeysInAllTheirSpellings) {
  MetricSet metrics;
  const auto redactor = Made(BuiltIn(), metrics);
  ASSERT_NE(redactor, nullptr);
  for (std::string_view key : {"http.request.header.authorization",
                               "http.request.header.proxy-authorization",
                               "Authorization",
                               "PROXY_AUTHORIZATION",
                               "http.request.header.cookie",
                               "Set-Cookie",
                               "http.response.header.set_cookie",
                               "cookies",
                               "password",
                               "PASSWORD",
                               "userPassword",
                               "user_password",
                               "passwd",
                               "pwd",
                               "old_password",
                               "password_confirmation",
                               "passwordHash",
                               "secret",
                               "clientSecret",
                               "client-secret",
                               "aws_secret_access_key",
                               "secretKey",
                               "apiKey",
                               "api_key",
                               "api-key",
                               "x-api-key",
                               "apikey",
                               "X-Api-Key",
                               "accessKey",
                               "privateKey",
                               "token",
                               "accessToken",
                               "access_token",
                               "id_token",
                               "X-Auth-Token",
                               "x-amz-security-token",
                               "csrfToken",
                               "sessionToken"}) {
    EXPECT_TRUE(redactor->OfValue(key, Text("x"))) << key;
  }
}

TEST(RedactorTest, MarksSayWhichRuleActed) {
  MetricSet metrics;
  const auto redactor = From(kTwoRules, metrics);
  ASSERT_NE(redactor, nullptr);
  EXPECT_EQ(Stored(*redactor, "pin", "1234"), R"({"m":[["pin",{"r":["pin"]}]]})");
  EXPECT_EQ(Stored(*redactor, "k", "no 1, no 2 and no"),
            R"({"m":[["k",{"r":["number"],"t":"no ***, no *** and no"}]]})");
  EXPECT_EQ(Stored(*redactor, "k", "none"), R"({"m":[["k","none"]]})");
  EXPECT_EQ(Stored(*redactor, "audit.pin", "1234"), R"({"m":[["audit.pin","1234"]]})");
  const auto counted = [&](std::string_view rule) {
    for (const MetricSet::Sample& sample : metrics.Collect()) {
      if (sample.labels.at(0).second == rule) return sample.value;
    }
    return -1.0;
  };
  EXPECT_EQ(counted("pin"), 1);
  EXPECT_EQ(counted("number"), 1);
}

TEST(RedactorTest, ValuesOfEveryType) {
  MetricSet metrics;
  const auto redactor = From(kTwoRules, metrics);
  ASSERT_NE(redactor, nullptr);
  using Type = model::AnyValue::Type;
  model::AnyValue value;
  value.type = Type::kInt;
  value.int_value = 7;
  EXPECT_EQ(Stored(*redactor, "pin", value), R"({"m":[["pin",{"r":["pin"]}]]})");
  value.type = Type::kBool;
  value.bool_value = true;
  EXPECT_EQ(Stored(*redactor, "pin", value), R"({"m":[["pin",true]]})");
  value = model::AnyValue();
  EXPECT_EQ(Stored(*redactor, "pin", value), R"({"m":[["pin",null]]})");
  const ByteView unknown = AsBytes("\x28\x01");
  value.unknown = &unknown;
  EXPECT_EQ(Stored(*redactor, "pin", value), R"({"m":[["pin",{"r":["pin"]}]]})")
      << "what nobody can look into goes with its key";
  EXPECT_EQ(Stored(*redactor, "pin", ""), R"({"m":[["pin",""]]})");

  // Arrays and maps: texts within are looked at, and keys within, each by itself.
  const model::AnyValue items[] = {Text("no 5"), Text("x")};
  const model::ArrayValue array{.values = items, .unknown = {}};
  value = model::AnyValue();
  value.type = Type::kArray;
  value.array = &array;
  EXPECT_EQ(Stored(*redactor, "k", value), R"({"m":[["k",[{"r":["number"],"t":"no ***"},"x"]]]})");
  EXPECT_EQ(Stored(*redactor, "pin", value), R"({"m":[["pin",{"r":["pin"]}]]})");
  model::KeyValue inner[2];
  for (model::KeyValue& pair : inner) {
    pair.key = "pin";
    pair.has_value = true;
    pair.value = Text("12");
  }
  const model::MapValue map{.values = inner, .unknown = {}};
  value.type = Type::kMap;
  value.map = &map;
  EXPECT_EQ(Stored(*redactor, "k", value),
            R"({"m":[["k",{"m":[["pin",{"r":["pin"]}],["pin",{"r":["pin"]}]]}]]})")
      << "duplicates, too";

  value = Text("a no 5 b");
  value.type = Type::kBytes;
  EXPECT_EQ(Stored(*redactor, "k", value), R"({"m":[["k",{"r":["number"],"t":"***"}]]})");
  EXPECT_EQ(Stored(*redactor, "no 17", "x"), R"({"m":[[{"r":["number"],"t":"no ***"},"x"]]})")
      << "a key is a text";
}

TEST(RedactorTest, TextThatIsNoUtf8GoesWhole) {
  MetricSet metrics;
  const auto redactor = From(kTwoRules, metrics);
  ASSERT_NE(redactor, nullptr);
  EXPECT_EQ(Stored(*redactor, "k", "\xff no 5 b"), R"({"m":[["k",{"r":["number"],"t":"***"}]]})");
  EXPECT_EQ(Stored(*redactor, "k", "\xff no"), R"({"m":[["k",{"u":"/yBubw=="}]]})");
}

// A pattern may end within a character; what is cut is whole characters.
TEST(RedactorTest, NeverCutsACharacter) {
  MetricSet metrics;
  const auto redactor = From(R"(version: 1
rules: [{name: after, values: ['id=(.{4})'], action: mask, examples: [[k, id=abcde, "id=***e"], [k, id, id]]}]
)",
                             metrics);
  ASSERT_NE(redactor, nullptr);
  EXPECT_EQ(Left(*redactor, "k", "id=ab€€x"), "id=***€x");  // € has three bytes
  EXPECT_EQ(Left(*redactor, "k", "id=€€€€"), "id=***€€");
}

TEST(RedactorTest, TheFirstRuleHasAPieceAndOverlapsJoin) {
  MetricSet metrics;
  const auto redactor = From(R"(version: 1
rules:
  - {name: b, values: ['bbb'], action: hmac, examples: [[k, bbb, hmac], [k, b, b]]}
  - {name: within, values: ['bb'], action: mask, examples: [[k, bb, "***"], [k, b, b]]}
  - {name: a-over, values: ['abbbcc'], action: hmac, examples: [[k, abbbcc, hmac], [k, b, b]]}
)",
                             metrics, Bytes(32, 1));
  ASSERT_NE(redactor, nullptr);
  const std::string bbb = Left(*redactor, "k", "bbb").value();
  EXPECT_EQ(bbb.substr(0, 5), "hmac:");
  EXPECT_EQ(Stored(*redactor, "k", "x bbb y"),
            R"({"m":[["k",{"r":["b"],"t":"x )" + bbb + R"( y"}]]})")
      << "what lies within is not another rule's";
  EXPECT_EQ(Stored(*redactor, "k", "xabbbccy"),
            R"({"m":[["k",{"r":["a-over","b"],"t":"x***y"}]]})");
}

// The digest is one that anybody with the key makes with a tool.
TEST(RedactorTest, HmacIsOfTheSecretAlone) {
  MetricSet metrics;
  Bytes key(40);
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i);
  constexpr std::string_view kRules = R"(version: 1
rules:
  - {name: user, keys: ['^user$'], action: hmac, examples: [[user, bob, hmac], [users, bob, bob]]}
  - {name: text, values: ['user=(\w+)'], action: hmac, examples: [[k, user=bob, hmac], [k, user, user]]}
)";
  const auto redactor = From(kRules, metrics, key);
  ASSERT_NE(redactor, nullptr);
  const std::string digest = HexEncode(ByteView(crypto::HmacSha256(key, AsBytes("bob"))).first(16));
  const std::string id =
      HexEncode(ByteView(crypto::Sha256({AsBytes("sealtrail/redaction-key/v1\n"), key})).first(4));
  EXPECT_EQ(Left(*redactor, "user", "bob"), "hmac:" + id + ":" + digest);
  EXPECT_EQ(Left(*redactor, "k", "user=bob;"), "user=hmac:" + id + ":" + digest + ";");
  model::AnyValue number;
  number.type = model::AnyValue::Type::kInt;
  number.int_value = 5;
  EXPECT_EQ(redactor->OfValue("user", number)->text.value(),
            "hmac:" + id + ":" +
                HexEncode(ByteView(crypto::HmacSha256(key, AsBytes(R"({"i":"5"})"))).first(16)));
  EXPECT_EQ(Refusal(kRules).message(),
            "line 3: rule user: action hmac needs the configuration key redaction.hmac_key");
}

TEST(RedactorTest, MistakesHaveAPlace) {
  const std::pair<std::string, std::string> table[] = {
      {"rules: []", "line 1: expected `version: N`"},
      {"[1]", "line 1: expected a map"},
      {"version: 1\nrules: 5", "line 2: expected a list `rules`"},
      {"version: 1\nruels: []", "line 2: expected version, keep or rules"},
      {"version: 1\nrules:\n- {name: A}", "line 3: name: expected 1 to 64 of a-z"},
      {"version: 1\nrules:\n- {name: a}", "line 3: a: expected keys, values, or both"},
      {"version: 1\nrules:\n- {name: a, kyes: [x]}", "line 3: a rule has name"},
      {"version: 1\nrules:\n- {name: a, keys: [x], action: hide}", "line 3: action: expected mask"},
      {"version: 1\nrules:\n- {name: a, keys: [x], action: mask}", "line 3: examples: expected"},
      {"version: 1\nrules:\n- {name: a, keys: [x], action: mask, examples: [[x, v, '***']]}",
       "line 3: examples: expected one at least that changes, and one that stays"},
      {"version: 1\nrules:\n- {name: a, keys: ['('], action: mask, examples: [[x, v, '***'], [y, "
       "v, v]]}",
       "line 3: rule a: pattern \"(\": missing )"},
      {"version: 1\nrules:\n- {name: a, keys: ['x*'], action: mask, examples: [[x, v, '***'], [y, "
       "v, v]]}",
       "line 3: rule a: pattern \"x*\" matches the empty text"},
      {"version: 1\nrules:\n- {name: a, keys: ['é'], action: mask, examples: [[x, v, '***'], [y, "
       "v, v]]}",
       "line 3: rule a: pattern \"é\": expected ASCII"},
      {"version: 1\nrules:\n- {name: a, keys: [x], action: mask, examples: [[z, v, '***'], [y, v, "
       "v]]}",
       "line 3: rule a: its example [z, v] is stored as v, expected ***"},
      {"version: 1\nrules:\n- &a {name: a, keys: [x], action: mask, examples: [[x, v, '***'], [y, "
       "v, v]]}\n- *a",
       "line 3: a second rule named a"},
  };
  for (const auto& [yaml, expected] : table) {
    EXPECT_EQ(Refusal(yaml).message().substr(0, expected.size()), expected);
  }
}

// A key and a value pattern together: the text under such a key, in arrays too.
TEST(RedactorTest, KeysNarrowValues) {
  MetricSet metrics;
  const auto redactor = From(R"(version: 1
rules: [{name: a, keys: ['^note$'], values: ['[0-9]+'], action: mask, examples: [[note, a1b, "a***b"], [k, a1b, a1b]]}]
)",
                             metrics);
  ASSERT_NE(redactor, nullptr);
  const model::AnyValue items[] = {Text("a1")};
  const model::ArrayValue array{.values = items, .unknown = {}};
  model::AnyValue value;
  value.type = model::AnyValue::Type::kArray;
  value.array = &array;
  EXPECT_EQ(Stored(*redactor, "note", value), R"({"m":[["note",[{"r":["a"],"t":"a***"}]]]})");
  EXPECT_EQ(Stored(*redactor, "k", value), R"({"m":[["k",["a1"]]]})");
}

// The look over a whole record: a character that every match holds spares the rest, one of several does not.
TEST(RedactorTest, ARecordIsLookedThroughWhereARuleMayAct) {
  MetricSet metrics;
  const auto one = From(R"(version: 1
rules: [{name: a, values: ['secret[a-z]+@[a-z]'], action: mask, examples: [[k, secretx@y, "***"], [k, secretx, secretx]]}]
)",
                        metrics);
  const auto either = From(R"(version: 1
rules: [{name: a, values: ['secret[a-z]+(?:@[a-z]|[0-9]+#)'], action: mask, examples: [[k, secretx@y, "***"], [k, secretx, secretx]]}]
)",
                           metrics);
  ASSERT_TRUE(one && either);
  EXPECT_TRUE(one->MayAct("a SecretX@y", {}));
  EXPECT_FALSE(one->MayAct("a secretx y", {}));
  EXPECT_FALSE(one->MayAct("nothing@all", {}));
  EXPECT_TRUE(either->MayAct("secretx@y", {}));
  EXPECT_TRUE(either->MayAct("secretx5#", {}));
  const ByteView encoded = AsBytes("secretx@y");
  EXPECT_TRUE(one->MayAct("nothing", {&encoded, 1}));
  // A pattern of which nothing can be derived lets every record through.
  const auto any = From(R"(version: 1
rules: [{name: a, values: ['[0-9]{4}'], action: mask, examples: [[k, "1234", "***"], [k, a, a]]}]
)",
                        metrics);
  ASSERT_TRUE(any);
  EXPECT_TRUE(any->MayAct("{}", {}));
  EXPECT_EQ(Left(*any, "k", "no 1234"), "no ***");
}

TEST(RedactorTest, HugeTextsAreLookedThroughToTheirEnd) {
  MetricSet metrics;
  const auto redactor = Made(BuiltIn(), metrics);
  ASSERT_NE(redactor, nullptr);
  std::string huge(8 << 20, 'x');
  huge += " password=hunter2";
  const std::optional<std::string> left = Left(*redactor, "body", huge);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->substr(left->size() - 13), " password=***");
  std::string many;
  for (int i = 0; i < 300'000; ++i) many += "token=a ";  // each a piece
  const std::optional<std::string> masked = Left(*redactor, "body", many);
  ASSERT_TRUE(masked);
  EXPECT_EQ(masked->find("=a"), masked->npos);
  EXPECT_EQ(masked->size(), 300'000 * std::string_view("token=*** ").size());
  const std::string key(8 << 20, 'k');
  EXPECT_EQ(Left(*redactor, key + ".password", "x"), "***");
}

// --- A request as a whole ------------------------------------------------------------------------

class CountingRandom : public env::Random {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = next_++;
  }

 private:
  uint8_t next_ = 0;
};

struct Mapped {
  std::vector<std::string> leaves;
  std::vector<std::string> sources;
  bool redacted = false;
};

Mapped Map(otlp::testing::Signal signal, ByteView body, otlp::Encoding encoding,
           const Redactor* redactor) {
  model::Arena arena;
  CountingRandom random;
  const Selector all = Selector::All();
  const MappingContext context{.selector = all,
                               .random = random,
                               .receipt = {.received_at = UnixNanos{1},
                                           .client = "agent password=hunter2",
                                           .transport = "http/json"},
                               .request = body,
                               .redactor = redactor};
  Result<MappedRequest> mapped = Unavailable("not mapped");
  const bool json = encoding == otlp::Encoding::kJson;
  if (signal == otlp::testing::Signal::kTraces) {
    const auto request =
        json ? otlp::DecodeTracesJson(body, arena) : otlp::DecodeTracesProtobuf(body, arena);
    EXPECT_TRUE(request.ok()) << request.status().ToString();
    if (request.ok()) mapped = MapTraces(*request, context);
  } else {
    const auto request =
        json ? otlp::DecodeLogsJson(body, arena) : otlp::DecodeLogsProtobuf(body, arena);
    EXPECT_TRUE(request.ok()) << request.status().ToString();
    if (request.ok()) mapped = MapLogs(*request, context);
  }
  Mapped out;
  if (!mapped.ok()) return out;
  out.redacted = mapped->redacted;
  for (const auto& [source, counts] : mapped->counts) out.sources.push_back(source.service);
  for (const record::RecordEntry& entry : mapped->batch.records) {
    out.leaves.emplace_back(
        AsText(ByteView(mapped->batch.bundle).subspan(entry.leaf_offset, entry.leaf_size)));
  }
  for (const record::BesideContent& content : mapped->batch.beside) {
    out.leaves.emplace_back(AsText(content.bytes));
  }
  return out;
}

// Wherever OTLP has a text, a secret in it goes.
TEST(RedactedRequestTest, EveryPlaceOfATextIsLookedAt) {
  MetricSet metrics;
  const auto redactor = Made(BuiltIn(), metrics);
  ASSERT_NE(redactor, nullptr);
  const std::string secret = "hunter2-unique";
  const std::string text = "\"x password=" + secret + "\"";
  const std::string pair =
      R"({"key":"k","value":{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"password","value":{"stringValue":")" +
      secret + R"("}}]}},{"stringValue":)" + text + "}]}}}";
  const std::string attributes =
      R"("attributes":[)" + pair + R"(,{"key":)" + text + R"(,"value":{"boolValue":true}}])";
  const std::string resource = R"({"resource":{)" + attributes + R"(,"entityRefs":[{"type":)" +
                               text + R"(,"schemaUrl":)" + text + R"(,"idKeys":[)" + text +
                               R"(],"descriptionKeys":[)" + text + R"(]}]},"schemaUrl":)" + text;
  const std::string scope = R"({"scope":{"name":)" + text + R"(,"version":)" + text + "," +
                            attributes + R"(},"schemaUrl":)" + text;
  const std::string traces = R"({"resourceSpans":[)" + resource + R"(,"scopeSpans":[)" + scope +
                             R"(,"spans":[{"name":)" + text + R"(,"traceState":)" + text + "," +
                             attributes + R"(,"events":[{"name":)" + text + "," + attributes +
                             R"(}],"links":[{"traceState":)" + text + "," + attributes +
                             R"(}],"status":{"message":)" + text + R"(}}]}]}]})";
  const std::string logs = R"({"resourceLogs":[)" + resource + R"(,"scopeLogs":[)" + scope +
                           R"(,"logRecords":[{"severityText":)" + text + R"(,"eventName":)" + text +
                           R"(,"body":{"kvlistValue":{"values":[)" + pair + "]}}," + attributes +
                           R"(},{"body":{"bytesValue":")" +
                           Base64Encode(AsBytes("password=" + secret)) + R"("}}]}]}]})";
  using otlp::testing::Signal;
  for (const auto& [signal, body] : {std::pair{Signal::kTraces, traces}, {Signal::kLogs, logs}}) {
    const Mapped as_it_is = Map(signal, AsBytes(body), otlp::Encoding::kJson, nullptr);
    const Mapped mapped = Map(signal, AsBytes(body), otlp::Encoding::kJson, redactor.get());
    EXPECT_FALSE(as_it_is.redacted);
    EXPECT_TRUE(mapped.redacted);
    ASSERT_EQ(mapped.leaves.size(), as_it_is.leaves.size());
    const std::string encoded = Base64Encode(AsBytes("password=" + secret));
    for (const std::string& leaf : mapped.leaves) {
      EXPECT_EQ(leaf.find(secret), leaf.npos) << leaf;
      EXPECT_EQ(leaf.find("hunter2"), leaf.npos) << "the receipt: " << leaf;
      EXPECT_EQ(leaf.find(encoded), leaf.npos) << leaf;
    }
    EXPECT_NE(as_it_is.leaves.front().find(secret), std::string::npos);
  }
}

TEST(RedactedRequestTest, NamesOfSourcesAreRedactedBeforeTheyAreCounted) {
  MetricSet metrics;
  const auto redactor = Made(BuiltIn(), metrics);
  ASSERT_NE(redactor, nullptr);
  constexpr std::string_view kBody =
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api password=hunter2"}}]},)"
      R"("scopeLogs":[{"logRecords":[{}]}]}]})";
  const Mapped mapped =
      Map(otlp::testing::Signal::kLogs, AsBytes(kBody), otlp::Encoding::kJson, redactor.get());
  EXPECT_EQ(mapped.sources, std::vector<std::string>{"api password=***"});
}

size_t Below(std::mt19937_64& random, size_t n) {
  return random() % n;
}

// Texts in which the rules find much, and nearly find more.
std::string Tempting(std::mt19937_64& random) {
  constexpr std::string_view kParts[] = {"password",
                                         "=",
                                         ":",
                                         " ",
                                         "hunter2",
                                         "\"",
                                         "'",
                                         "\\",
                                         "token",
                                         "secret",
                                         "eyJ",
                                         ".",
                                         "abcdefgh",
                                         "Bearer ",
                                         "Basic ",
                                         "dXNlcjpwYXNz",
                                         "https://",
                                         "@",
                                         "/",
                                         "user",
                                         "cookie",
                                         "Set-",
                                         "\n",
                                         "-----BEGIN ",
                                         "RSA PRIVATE KEY-----",
                                         "-----END ",
                                         "ghp_",
                                         "0123456789abcdefghijABCDEFGHIJ",
                                         "api_key",
                                         "?",
                                         "&",
                                         "sig",
                                         "é",
                                         "\xff",
                                         "PassWord",
                                         "aws"};
  std::string text;
  for (size_t n = Below(random, 9); n > 0; --n) text += kParts[Below(random, std::size(kParts))];
  return text;
}

// Goal: the atoms never hide anything from the rules.
// Method: random texts of tempting parts, as keys and values; with atoms, and by RE2 alone.
TEST(RedactorTwinTest, AtomsHideNothing) {
  MetricSet metrics;
  const auto fast = Made(BuiltIn(), metrics);
  ASSERT_NE(fast, nullptr);
  auto made =
      Redactor::Make({.rules = BuiltIn().rules, .keep = BuiltIn().keep, .hmac_key = {}}, metrics);
  ASSERT_TRUE(made.ok());
  const std::shared_ptr<Redactor> slow = std::const_pointer_cast<Redactor>(*made);
  slow->UseNoAtoms();
  std::mt19937_64 random(11);
  int marked = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = Tempting(random);
    const std::string text = Tempting(random);
    const std::string expected = Stored(*slow, key, text);
    ASSERT_EQ(Stored(*fast, key, text), expected);
    marked += expected.find("{\"r\":[") != expected.npos;

    // And the look over the record as a whole is never surer than it may be.
    model::KeyValue pair;
    pair.key = key;
    pair.has_value = true;
    pair.value = Text(text);
    model::LogRecord log;
    log.attributes = {&pair, 1};
    record::JsonBuffer plain, redacted;
    record::ContentNotes notes;
    record::WriteLog(plain, log, notes);
    const bool may_act = fast->MayAct(plain, notes.encoded);
    RequestRedaction redaction(*slow);
    notes.redaction = &redaction;
    record::WriteLog(redacted, log, notes);
    ASSERT_TRUE(may_act || plain == redacted) << plain << "\n" << redacted;
  }
  EXPECT_GT(marked, 1000);
}

}  // namespace
}  // namespace sealtrail::pipeline
