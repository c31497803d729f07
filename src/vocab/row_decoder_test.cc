#include "vocab/row_decoder.h"

#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sealtrail::vocab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<Bytes> NothingBeside(const std::array<uint8_t, 32>&) {
  return NotFound("nothing beside");
}

// Wraps content into a leaf, with a receipt a second after 2025-11-25.
std::string LeafOf(std::string_view kind, std::string_view content, std::string_view more = "") {
  return fmt::format(
      R"({{"k":"{}","n":"AAAAAAAAAAAAAAAAAAAAAA==","o":{},"r":{{"a":"1764039846000000000","b":"local","l":"soc2","p":"127.0.0.1:1","t":"grpc"}}{},"v":1}})",
      kind, content, more);
}

constexpr std::string_view kArticleSpan =
    R"({"a":[["enduser.id","alice"],["enduser.role","admin"],["enduser.ip","10.0.0.7"],["audit.action","role_update"],["audit.target_user","bob"],["audit.old_value","viewer"],["audit.new_value","editor"],["audit.resource_type","user_permission"],["audit.result","success"]],"e":"1764039845000000250","f":257,"i":"eee19b7ec3c1b174","k":1,"n":"user.role.update","s":"1764039845000000007","t":"5b8efff798038103d269b633813fc60c"})";
constexpr std::string_view kIam =
    R"(,"re":{"r":{"a":[["service.name","iam"],["tenant.id","acme"]]}},"sc":{"s":{"n":"audit-service"}})";

class RowDecoderTest : public ::testing::Test {
 protected:
  // Decodes; `leaf_` keeps what the row borrows from.
  const CanonicalRow& Row(std::string leaf, const BesideLookup& beside = NothingBeside) {
    leaf_ = std::move(leaf);
    const Status status = decoder_.Decode(Seq{7}, leaf_, beside, row_);
    EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << leaf_;
    return row_;
  }
  Status Refusal(std::string leaf) {
    leaf_ = std::move(leaf);
    return decoder_.Decode(Seq{7}, leaf_, NothingBeside, row_);
  }
  static std::string Show(std::string_view text) {
    return IsNull(text) ? "NULL" : std::string(text);
  }
  static std::string Pairs(std::span<const MapEntry> entries) {
    std::string out;
    for (const MapEntry& entry : entries) {
      out += fmt::format("{}={};", entry.key, Show(entry.value));
    }
    return out;
  }
  static std::vector<std::string> Findings(const CanonicalRow& row) {
    std::vector<std::string> names;
    for (size_t i = 0; i < kFindingCount; ++i) {
      if (row.findings & (1u << i)) names.emplace_back(kFindingNames[i]);
    }
    return names;
  }

  RowDecoder decoder_{Vocabulary::BuiltIn()};
  std::string leaf_;
  CanonicalRow row_;
};

TEST_F(RowDecoderTest, ShowsTheArticlesSpan) {
  const CanonicalRow& row = Row(LeafOf("span", kArticleSpan, kIam));
  EXPECT_EQ(row.seq, Seq{7});
  EXPECT_EQ(row.time(TimeColumn::kTimestamp), 1764039845000000007);
  EXPECT_EQ(row.time(TimeColumn::kEndTime), 1764039845000000250);
  EXPECT_EQ(row.time(TimeColumn::kReceivedAt), 1764039846000000000);
  EXPECT_EQ(row.time(TimeColumn::kObservedAt), kNullTime);
  const std::map<TextColumn, std::string> kExpected = {
      {TextColumn::kKind, "span"},
      {TextColumn::kName, "user.role.update"},
      {TextColumn::kEventName, "NULL"},
      {TextColumn::kActor, "alice"},
      {TextColumn::kActorType, "NULL"},
      {TextColumn::kActorRole, "admin"},
      {TextColumn::kAction, "role_update"},
      {TextColumn::kActionClass, "grant"},
      {TextColumn::kTarget, "bob"},
      {TextColumn::kOutcome, "success"},
      {TextColumn::kOldValue, "viewer"},
      {TextColumn::kNewValue, "editor"},
      {TextColumn::kResourceType, "user_permission"},
      {TextColumn::kClientAddress, "10.0.0.7"},
      {TextColumn::kService, "iam"},
      {TextColumn::kScopeName, "audit-service"},
      {TextColumn::kSeverity, "NULL"},
      {TextColumn::kStatusCode, "UNSET"},
      {TextColumn::kStatusMessage, "NULL"},
      {TextColumn::kTraceId, "5b8efff798038103d269b633813fc60c"},
      {TextColumn::kSpanId, "eee19b7ec3c1b174"},
      {TextColumn::kParentSpanId, "NULL"},
      {TextColumn::kTenant, "acme"},
      {TextColumn::kPipeline, "soc2"},
      {TextColumn::kPrincipal, "local"},
      {TextColumn::kBody, "NULL"}};
  for (const auto& [column, text] : kExpected) {
    EXPECT_EQ(Show(row.text(column)), text) << Name(column);
  }
  EXPECT_EQ(Pairs(row.attributes),
            "audit.action=role_update;audit.new_value=editor;audit.old_value=viewer;"
            "audit.resource_type=user_permission;audit.result=success;audit.target_user=bob;"
            "enduser.id=alice;enduser.ip=10.0.0.7;enduser.role=admin;");
  EXPECT_EQ(Pairs(row.resource), "service.name=iam;tenant.id=acme;");
  EXPECT_THAT(Findings(row), ElementsAre());
}

TEST_F(RowDecoderTest, ShowsEveryKindOfValueAsText) {
  const CanonicalRow& row = Row(LeafOf(
      "log",
      R"({"a":[["s","plain"],["esc","a\"b\\c\n\u0001"],["t",true],["f",false],["i",{"i":"-9223372036854775808"}],)"
      R"(["d",{"d":1.5e+300}],["nan",{"d":"NaN"}],["b",{"b":"3q2+7w=="}],["u",{"u":"/w=="}],["n",null],["gone"],["e",""],)"
      R"(["l",["x",{"i":"1"},null,{"d":"-Infinity"},[true]]],["m",{"m":[["b","2"],["a",{"i":"1"}],["b",{"b":"AA=="}]]}],)"
      R"(["v",{"v":"inner","x":"CAE="}],["lx",{"l":["y"],"x":"CAE="}],["kx",0,"CAE="],["ky","z","CAE="]],"w":"1764039845000000000"})"));
  EXPECT_EQ(
      Pairs(row.attributes),
      "b=3q2+7w==;d=1.5e+300;e=;esc=a\"b\\c\n\x01;f=false;gone=NULL;i=-9223372036854775808;kx=NULL;"
      "ky=z;l=[\"x\",1,null,\"-Infinity\",[true]];lx=[\"y\"];m={\"a\":1,\"b\":\"AA==\"};n=NULL;"
      "nan=NaN;s=plain;t=true;u=/w==;v=inner;");
  EXPECT_THAT(Findings(row), ElementsAre("invalid_utf8", "no_actor", "no_id", "no_outcome"));
}

TEST_F(RowDecoderTest, LastDuplicateWinsAndIsRemarkedUpon) {
  const CanonicalRow& row = Row(LeafOf(
      "span",
      R"({"a":[["enduser.id","first"],["audit.result","ok"],["Enduser.ID","other"],["enduser.id","last"]],"i":"eee19b7ec3c1b174","s":"1764039845000000000","t":"5b8efff798038103d269b633813fc60c"})"));
  EXPECT_EQ(Pairs(row.attributes), "Enduser.ID=other;audit.result=ok;enduser.id=last;");
  EXPECT_EQ(row.text(TextColumn::kActor), "last");
  EXPECT_THAT(Findings(row), ElementsAre("duplicate_keys"));
}

// With as many pairs as this a sort that is not stable would show.
TEST_F(RowDecoderTest, LastDuplicateWinsAmongMany) {
  std::string attributes;
  for (int i = 0; i < 200; ++i) {
    attributes += fmt::format(R"({}["k{}","{}"])", i == 0 ? "" : ",", i % 3, i);
  }
  EXPECT_EQ(Pairs(Row(LeafOf("log", R"({"a":[)" + attributes + "]}")).attributes),
            "k0=198;k1=199;k2=197;");
}

TEST_F(RowDecoderTest, PrefersTheFirstSpellingThatSaysSomething) {
  const CanonicalRow& row = Row(LeafOf(
      "log",
      R"({"a":[["audit.changed_by","carol"],["enduser.id",""],["user.id",null]],"w":"1764039845000000000"})"));
  EXPECT_EQ(row.text(TextColumn::kActor), "carol");
}

TEST_F(RowDecoderTest, FindsAddressesInsideMaps) {
  EXPECT_EQ(
      Row(LeafOf("log",
                 R"({"a":[["audit",{"m":[["action","login"],["actor",{"m":[["id","dave"]]}]]}]]})"))
          .text(TextColumn::kActor),
      "dave");
  EXPECT_EQ(row_.text(TextColumn::kAction), "login");
  EXPECT_EQ(Pairs(row_.attributes), "audit={\"action\":\"login\",\"actor\":{\"id\":\"dave\"}};");

  // A map body, flat and nested; attributes go before it.
  Row(LeafOf(
      "log",
      R"({"a":[["enduser.id","erin"]],"b":{"m":[["audit.action","config_change"],["audit",{"m":[["actor",{"m":[["id","frank"]]}],["result","denied"]]}]]}})"));
  EXPECT_EQ(row_.text(TextColumn::kAction), "config_change");
  EXPECT_EQ(row_.text(TextColumn::kOutcome), "failure");
  EXPECT_EQ(row_.text(TextColumn::kActor), "erin");
  EXPECT_THAT(std::string(row_.text(TextColumn::kBody)),
              HasSubstr("\"audit.action\":\"config_change\""));
}

TEST_F(RowDecoderTest, ShowsASpanEventWithItsSpan) {
  const CanonicalRow& row = Row(LeafOf(
      "span_event",
      R"({"a":[["audit.action","approve"],["x","event"]],"ix":0,"n":"approved","w":"1764039845000000001"})",
      R"(,"sp":{"a":[["enduser.id","alice"],["x","span"]],"i":"eee19b7ec3c1b174","n":"review","p":"eee19b7ec3c1b175","t":"5b8efff798038103d269b633813fc60c"})"));
  EXPECT_EQ(row.text(TextColumn::kName), "review");
  EXPECT_EQ(row.text(TextColumn::kEventName), "approved");
  EXPECT_EQ(row.text(TextColumn::kActor), "alice");
  EXPECT_EQ(row.text(TextColumn::kSpanId), "eee19b7ec3c1b174");
  EXPECT_EQ(row.text(TextColumn::kParentSpanId), "eee19b7ec3c1b175");
  EXPECT_EQ(row.time(TimeColumn::kTimestamp), 1764039845000000001);
  EXPECT_EQ(Pairs(row.attributes), "audit.action=approve;enduser.id=alice;x=event;");
  EXPECT_THAT(Findings(row), ElementsAre("no_outcome"));
}

TEST_F(RowDecoderTest, DerivesFailureFromASpanInError) {
  EXPECT_EQ(Row(LeafOf("span", R"({"st":{"c":2,"m":"no right"}})")).text(TextColumn::kOutcome),
            "failure");
  EXPECT_EQ(row_.text(TextColumn::kStatusCode), "ERROR");
  EXPECT_EQ(row_.text(TextColumn::kStatusMessage), "no right");
  // What the sender says of the outcome goes before what the span's status suggests.
  EXPECT_EQ(Row(LeafOf("span", R"({"a":[["audit.result","OK"]],"st":{"c":2}})"))
                .text(TextColumn::kOutcome),
            "success");
}

TEST_F(RowDecoderTest, FallsBackFromEventTimeToObservedToReceived) {
  Row(LeafOf("log", R"({"ob":"1764039845000000002","sn":9})"));
  EXPECT_EQ(row_.time(TimeColumn::kTimestamp), 1764039845000000002);
  EXPECT_EQ(row_.time(TimeColumn::kObservedAt), 1764039845000000002);
  EXPECT_EQ(row_.text(TextColumn::kSeverity), "INFO");
  EXPECT_EQ(row_.severity_number, 9);
  EXPECT_THAT(Findings(row_), ElementsAre("no_actor", "no_id", "no_outcome", "no_time"));
  Row(LeafOf("log", "{}"));
  EXPECT_EQ(row_.time(TimeColumn::kTimestamp), 1764039846000000000);
  // A time that SQL cannot hold counts as none.
  Row(LeafOf("log", R"({"w":"18446744073709551615"})"));
  EXPECT_EQ(row_.time(TimeColumn::kTimestamp), 1764039846000000000);
}

TEST_F(RowDecoderTest, RemarksOnTimesAndSamplingAndDrops) {
  const std::string ids = R"("i":"eee19b7ec3c1b174","t":"5b8efff798038103d269b633813fc60c")";
  const std::string actor = R"("a":[["enduser.id","a"],["audit.result","ok"]])";
  const auto findings = [&](std::string_view more) {
    return Findings(Row(LeafOf("span", fmt::format("{{{},{}{}}}", actor, ids, more))));
  };
  EXPECT_THAT(findings(R"(,"s":"1764040146000000000")"), ElementsAre());  // 5 minutes ahead
  EXPECT_THAT(findings(R"(,"s":"1764040146000000001")"), ElementsAre("future_time"));
  EXPECT_THAT(findings(R"(,"s":"1763953446000000000")"), ElementsAre());  // a day old
  EXPECT_THAT(findings(R"(,"s":"1763953445999999999")"), ElementsAre("late"));
  EXPECT_THAT(findings(R"(,"e":"1764039845000000000","s":"1763953445999999999")"), ElementsAre());
  EXPECT_THAT(findings(R"(,"da":1,"s":"1764039845000000000")"), ElementsAre("dropped_attributes"));
  EXPECT_THAT(findings(R"(,"dl":1,"s":"1764039845000000000")"), ElementsAre("dropped_attributes"));
  EXPECT_THAT(findings(R"(,"f":256,"s":"1764039845000000000")"), ElementsAre("unsampled"));
  EXPECT_THAT(findings(R"(,"f":257,"s":"1764039845000000000")"), ElementsAre());
}

TEST_F(RowDecoderTest, TellsAnInvalidTextFromASchemaAddress) {
  EXPECT_THAT(Findings(Row(LeafOf("self", "{}",
                                  R"(,"re":{"u":"https://schema"},"sc":{"u":"https://schema"})"))),
              ElementsAre());
  EXPECT_THAT(Findings(Row(LeafOf("self", "{}", R"(,"re":{"r":{"er":[{"u":"https://schema"}]}})"))),
              ElementsAre());
  EXPECT_THAT(Findings(Row(LeafOf("self", R"({"n":{"u":"/w=="}})"))), ElementsAre("invalid_utf8"));
  EXPECT_EQ(row_.text(TextColumn::kName), "");
  EXPECT_THAT(Findings(Row(LeafOf("self", "{}", R"(,"re":{"r":{"a":[["k",{"u":"/w=="}]]}})"))),
              ElementsAre("invalid_utf8"));
  EXPECT_THAT(Findings(Row(LeafOf("self", R"({"ev":[{"a":[["k",{"u":"/w=="}]]}]})"))),
              ElementsAre("invalid_utf8"));
}

// docs/formats/record.md §2: what is left of what was redacted is shown, and where nothing is, NULL.
TEST_F(RowDecoderTest, ShowsWhatIsLeftOfRedactedTexts) {
  const CanonicalRow& row = Row(LeafOf(
      "log",
      R"({"a":[["password",{"r":["password"]}],["enduser.id","alice"],["token",{"r":["token"],"t":"***"}],)"
      R"([{"r":["jwt"],"t":"k\"***"},"v"],["list",["x",{"r":["a","b"],"t":"*** \n"},{"r":["a"]}]],)"
      R"(["map",{"m":[["p",{"r":["a"]}],[{"r":["a"],"t":"q\"***"},"v"]]}]],)"
      R"("b":{"r":["jwt"],"t":"got \"***\""},"en":{"r":["jwt"],"t":"e ***"},"w":"1764039845000000000"})"));
  EXPECT_EQ(Pairs(row.attributes),
            "enduser.id=alice;k\"***=v;list=[\"x\",\"*** \\n\",null];"
            "map={\"p\":null,\"q\\\"***\":\"v\"};password=NULL;token=***;");
  EXPECT_EQ(row.text(TextColumn::kBody), "got \"***\"");
  EXPECT_EQ(row.text(TextColumn::kEventName), "e ***");
  EXPECT_THAT(Findings(row), ElementsAre("no_id", "no_outcome", "redacted"));
}

TEST_F(RowDecoderTest, SaysWhereverARuleActed) {
  const std::string mark = R"({"r":["a"],"t":"***"})";
  EXPECT_THAT(Findings(Row(LeafOf("self", "{}", R"(,"re":{"r":{"a":[["k",)" + mark + "]]}}"))),
              ElementsAre("redacted"));
  EXPECT_THAT(Findings(Row(LeafOf("self", "{}", R"(,"sc":{"s":{"n":)" + mark + "}}"))),
              ElementsAre("redacted"));
  EXPECT_THAT(Findings(Row(LeafOf("self", R"({"l":[{"ts":)" + mark + "}]}"))),
              ElementsAre("redacted"));
  EXPECT_THAT(Findings(Row(LeafOf("self", R"({"en":"{\"r\":[\"a\"]}"})"))), ElementsAre());
  const std::string beside = R"({"r":{"a":[["k",)" + mark + "]]}}";
  const auto lookup = [&](const std::array<uint8_t, 32>&) -> Result<Bytes> {
    const ByteView bytes = AsBytes(beside);
    return Bytes(bytes.begin(), bytes.end());
  };
  Row(LeafOf("self", "{}", R"(,"re":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",36])"), lookup);
  EXPECT_THAT(Findings(row_), ElementsAre("redacted"));
}

TEST_F(RowDecoderTest, ReadsWhatLiesBeside) {
  const std::string beside_content = R"({"a":[["enduser.id","alice"]]})";
  const std::string beside_resource = R"({"r":{"a":[["service.name","big"]]}})";
  int lookups = 0;
  const auto lookup = [&](const std::array<uint8_t, 32>& hash) -> Result<Bytes> {
    ++lookups;
    const std::string& content = hash[0] == 0 ? beside_content : beside_resource;
    const ByteView bytes = AsBytes(content);
    return Bytes(bytes.begin(), bytes.end());
  };
  const std::string zeros(43, 'A');
  const std::string leaf = LeafOf("self", fmt::format(R"(["{}=",30])", zeros),
                                  fmt::format(R"(,"re":["/{}=",36])", zeros.substr(1)));
  EXPECT_EQ(Row(leaf, lookup).text(TextColumn::kActor), "alice");
  EXPECT_EQ(row_.text(TextColumn::kService), "big");
  EXPECT_THAT(Findings(row_), ElementsAre("oversize"));
  EXPECT_EQ(lookups, 2);
  Row(leaf, lookup);
  EXPECT_EQ(lookups, 3) << "a resource is fetched once";
}

TEST_F(RowDecoderTest, ResourcesHaveTheSameIdWhenTheyAreTheSame) {
  const uint64_t first = Row(LeafOf("log", "{}", kIam)).resource_id;
  const uint64_t none = Row(LeafOf("log", "{}")).resource_id;
  EXPECT_EQ(Row(LeafOf("span", "{}", kIam)).resource_id, first);
  EXPECT_EQ(none, 0u);
  EXPECT_NE(Row(LeafOf("span", "{}", R"(,"re":{"r":{"a":[]}})")).resource_id, first);
}

TEST_F(RowDecoderTest, ShowsWhatTheLeafSaysThatItWasFoundToBe) {
  const std::string leaf = LeafOf("span", kArticleSpan, kIam);
  const std::vector<std::string> plain = Findings(Row(leaf));
  EXPECT_EQ(Findings(Row(R"({"f":["conflict","possible_duplicate"],)" + leaf.substr(1))).size(),
            plain.size() + 2);
  EXPECT_EQ(Findings(row_)[0], "conflict");
  EXPECT_EQ(Findings(Row(R"({"f":["late_duplicate"],)" + leaf.substr(1))).size(), plain.size() + 1);
  EXPECT_FALSE(Refusal(R"({"f":["late"],)" + leaf.substr(1)).ok());
}

TEST_F(RowDecoderTest, RefusesWhatIsNoLeaf) {
  const std::string good = LeafOf("span", kArticleSpan, kIam);
  for (size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_EQ(Refusal(good.substr(0, cut)).code(), StatusCode::kDataLoss) << cut;
  }
  EXPECT_EQ(Refusal(good + "x").code(), StatusCode::kDataLoss);
  EXPECT_EQ(Refusal(LeafOf("span", R"({"a":[["k",{"q":1}]]})")).code(), StatusCode::kDataLoss);
  EXPECT_EQ(Refusal(LeafOf("span", "{\"n\":\"\xff\"}")).code(), StatusCode::kDataLoss);
  EXPECT_EQ(Refusal(LeafOf("span", R"(["AAAA",1])")).code(), StatusCode::kDataLoss);
  std::string deep = "\"x\"";
  for (int i = 0; i < 20'000; ++i) deep = "[" + deep + "]";
  EXPECT_EQ(Refusal(LeafOf("span", R"({"a":[["k",)" + deep + "]]}")).code(), StatusCode::kDataLoss);
}

// Goal: no bytes make the decoder read outside of them, loop or crash (asan watches).
// Method: every single-byte change of a leaf, to each of a few telling bytes.
TEST_F(RowDecoderTest, SurvivesChangedBytes) {
  const std::string good = LeafOf("span", kArticleSpan, kIam);
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char c : {'"', '\\', '{', '[', '}', ']', ',', ':', '0', '\0'}) {
      std::string leaf = good;
      leaf[i] = c;
      (void)Refusal(std::move(leaf));
    }
  }
}

}  // namespace
}  // namespace sealtrail::vocab
