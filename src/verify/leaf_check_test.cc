#include "verify/leaf_check.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/limits.h"

namespace sealtrail::verify {
namespace {

// record.md §8, on one line.
constexpr std::string_view kSpanLeaf =
    R"({"k":"span","n":"CgsMDQ4PEBESExQVFhcYGQ==","o":{"a":[["enduser.id","alice"],["audit.action","role_update"],)"
    R"(["attempt",{"i":"2"}]],"e":"1764039845000000250","f":257,"i":"eee19b7ec3c1b174","k":2,"n":"user.role.update",)"
    R"("s":"1764039845000000000","st":{"c":1},"t":"5b8efff798038103d269b633813fc60c"},"r":{"a":"1764039846000000000",)"
    R"("b":"local","p":"127.0.0.1:50412","t":"grpc"},"re":{"r":{"a":[["service.name","iam"]]}},"sc":{"s":)"
    R"({"n":"audit-service"}},"v":1})";

const std::string kHash64 = Base64Encode(Bytes(32, 7));

std::string Leaf(std::string_view kind, std::string_view content, std::string_view more = "") {
  return fmt::format(
      R"({{"k":"{}","n":"CgsMDQ4PEBESExQVFhcYGQ==","o":{},"r":{{"a":"1","t":"grpc"}}{},"v":1}})",
      kind, content, more);
}
// A log whose body is `value`.
std::string WithValue(std::string_view value) {
  return Leaf("log", fmt::format(R"({{"b":{}}})", value));
}
std::string WithPair(std::string_view pair) {
  return Leaf("log", fmt::format(R"({{"a":[{}]}})", pair));
}

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const size_t at = out.find(from);
  EXPECT_NE(at, out.npos) << from;
  return out.replace(at, from.size(), to);
}

// Null, or what is wrong.
const char* Fault(std::string_view leaf) {
  LeafFacts facts;
  return CheckLeaf(AsBytes(leaf), &facts).what;
}

TEST(LeafCheckTest, AcceptsTheExample) {
  LeafFacts facts;
  const JsonFault fault = CheckLeaf(AsBytes(kSpanLeaf), &facts);
  EXPECT_EQ(fault.what, nullptr) << fault.what << " at " << fault.offset;
  EXPECT_EQ(facts.kind, LeafKind::kSpan);
  EXPECT_EQ(facts.beside_count, 0u);
}

TEST(LeafCheckTest, AcceptsEveryMember) {
  const std::string attributes = R"("a":[["k",true]])";
  const std::string event = R"({"a":[["k"]],"da":1,"n":"e","w":"5","x":"AA=="})";
  const std::string link = R"({"a":[["k",null]],"da":1,"f":4294967295,"i":"0000000000000000",)"
                           R"("t":"00000000000000000000000000000000","ts":"a=b","x":"AA=="})";
  const std::string resource =
      R"(,"re":{"q":"AA==","r":{"a":[["k",1]],"da":2,"er":[{"d":["x",""],"i":[{"u":"/w=="}],"t":"host",)"
      R"("u":"https://s","x":"AA=="}],"x":"AA=="},"u":"https://s","x":"AA=="})";
  const std::string scope =
      R"(,"sc":{"s":{"a":[["k","v"]],"da":2,"n":"n","v":"1","x":"AA=="},"u":"s","x":"AA=="})";
  const std::string fixed_resource = Replaced(resource, R"(["k",1])", R"(["k",{"i":"1"}])");
  for (
      const std::string& leaf :
      {Leaf("span",
            fmt::format(
                R"({{{},"da":1,"de":2,"dl":3,"e":"18446744073709551615","ev":[{}],"f":1,)"
                R"("i":"0123456789abcdef","k":-2147483648,"l":[{}],"n":"n","p":"0123456789abcdef",)"
                R"("s":"1","st":{{"c":2,"m":"why","x":"AA=="}},)"
                R"("t":"0123456789abcdef0123456789abcdef","ts":"x=1","x":"AAAA"}})",
                attributes, event, link),
            fixed_resource + scope),
       Leaf("span_event", R"({"a":[["k","v"]],"da":1,"ix":0,"n":"e","w":"5","x":"AA=="})",
            R"(,"sp":{"a":[["k","v"]],"i":"0123456789abcdef","n":"n","p":"0123456789abcdef",)"
            R"("t":"0123456789abcdef0123456789abcdef"})"),
       Leaf("span_event", R"({"ix":7})", R"(,"sp":{})"),
       Leaf(
           "log",
           R"({"a":[["k","v"]],"b":null,"da":1,"en":"e","f":1,"i":"0123456789abcdef","ob":"9","sn":9,)"
           R"("sx":"INFO","t":"0123456789abcdef0123456789abcdef","w":"8","x":"AA=="})"),
       Leaf("audit", "{}"), Leaf("self", "{}"), Leaf("seal", "{}"), Leaf("span", R"({"st":{}})"),
       Leaf("log", "{}", R"(,"re":{"r":{}},"sc":{"s":{}})"),
       Replaced(Leaf("log", "{}"), R"({"a":"1","t":"grpc"})",
                R"({"a":"-5","b":"p","c":{"u":"/w=="},"l":"soc2","p":"[::1]:5","t":"http/json"})"),
       Replaced(Leaf("log", "{}"), R"("a":"1")", R"("a":"0")")}) {
    EXPECT_EQ(Fault(leaf), nullptr) << leaf;
  }
}

TEST(LeafCheckTest, AcceptsEveryValue) {
  for (std::string_view value : {"null",
                                 "true",
                                 "false",
                                 R"("")",
                                 R"("text \"\\\n\u0001 é 😀")",
                                 R"({"i":"0"})",
                                 R"({"i":"-5"})",
                                 R"({"i":"9223372036854775807"})",
                                 R"({"i":"-9223372036854775808"})",
                                 R"({"d":0})",
                                 R"({"d":1.5})",
                                 R"({"d":-1e-7})",
                                 R"({"d":"NaN"})",
                                 R"({"d":"Infinity"})",
                                 R"({"d":"-Infinity"})",
                                 R"({"d":"-0"})",
                                 R"({"b":""})",
                                 R"({"b":"AA=="})",
                                 R"({"b":"AAA="})",
                                 R"({"b":"AAAA"})",
                                 R"([])",
                                 R"([null,"a",[{"i":"1"}]])",
                                 R"({"m":[]})",
                                 R"({"m":[["k",{"m":[["k","v"]]}]]})",
                                 R"({"u":"/w=="})",
                                 R"({"v":"s","x":"AA=="})",
                                 R"({"v":null,"x":"AA=="})",
                                 R"({"v":{"l":[],"x":"AA=="},"x":"AA=="})",
                                 R"({"l":["a"],"x":"AA=="})",
                                 R"({"m":[["k"]],"x":"AA=="})"}) {
    EXPECT_EQ(Fault(WithValue(value)), nullptr) << value;
  }
  for (std::string_view pair : {R"(["k"])", R"(["",""])", R"(["k","v","AA=="])",
                                R"(["k",0,"AA=="])", R"([{"u":"/w=="},"v"])", R"(["k",1.5])"}) {
    EXPECT_EQ(Fault(WithPair(pair)) == nullptr, pair != R"(["k",1.5])") << pair;
  }
}

// record.md §2, "Redaction": wherever a value or a text stands.
TEST(LeafCheckTest, Marks) {
  const std::string marks[] = {R"({"r":["password"]})", R"({"r":["a","b-2"],"t":"x *** \" é"})"};
  for (const std::string& mark : marks) {
    for (const std::string& leaf :
         {WithValue(mark), WithValue("[" + mark + "]"),
          WithValue(R"({"v":)" + mark + R"(,"x":"AA=="})"), WithPair("[" + mark + "]"),
          WithPair("[" + mark + "," + mark + R"(,"AA=="])"),
          Leaf("log", fmt::format(R"({{"en":{},"sx":{}}})", mark, mark)),
          Leaf("span", fmt::format(R"({{"n":{},"st":{{"m":{}}},"ts":{}}})", mark, mark, mark)),
          Leaf("log", "{}",
               fmt::format(R"(,"re":{{"r":{{"er":[{{"d":[{0}],"t":{0},"u":{0}}}]}},"u":{0}}})",
                           mark)),
          Replaced(Leaf("log", "{}"), R"("t":"grpc")", R"("c":)" + mark + R"(,"t":"grpc")")}) {
      EXPECT_EQ(Fault(leaf), nullptr) << leaf;
    }
  }
  const std::string longest(64, 'a');
  EXPECT_EQ(Fault(WithValue(R"({"r":[")" + longest + R"("]})")), nullptr);
  for (const std::string& mark :
       {std::string(R"({"r":[]})"), std::string(R"({"r":"a"})"), std::string(R"({"r":["b","a"]})"),
        std::string(R"({"r":["a","a"]})"), std::string(R"({"r":["A"]})"),
        std::string(R"({"r":["a_b"]})"), std::string(R"({"r":[""]})"),
        R"({"r":["a)" + longest + R"("]})", std::string(R"({"r":["a"],"t":""})"),
        std::string(R"({"r":["a"],"t":null})"), std::string(R"({"r":["a"],"t":{"u":"/w=="}})"),
        std::string(R"({"r":["a"],"x":"AA=="})"), std::string(R"({"t":"***"})"),
        std::string(R"({"t":"***","r":["a"]})")}) {
    EXPECT_NE(Fault(WithValue(mark)), nullptr) << mark;
    EXPECT_NE(Fault(WithPair("[" + mark + "]")), nullptr) << mark;
  }
}

TEST(LeafCheckTest, RefusesOtherValues) {
  for (std::string_view value : {"0",
                                 "1",
                                 "1.5",
                                 R"({"i":5})",
                                 R"({"i":"05"})",
                                 R"({"i":"-0"})",
                                 R"({"i":"+5"})",
                                 R"({"i":""})",
                                 R"({"i":"9223372036854775808"})",
                                 R"({"i":"-9223372036854775809"})",
                                 R"({"i":"18446744073709551616"})",
                                 R"({"i":"123456789012345678901"})",
                                 R"({"i":"5","x":"AA=="})",
                                 R"({"d":1.0})",
                                 R"({"d":-0})",
                                 R"({"d":"nan"})",
                                 R"({"d":"1.5"})",
                                 R"({"d":1e5})",
                                 R"({"b":"AB=="})",
                                 R"({"b":"AA"})",
                                 R"({"b":"A==="})",
                                 R"({"b":"A-=="})",
                                 R"({"b":null})",
                                 R"({"u":""})",
                                 R"({"u":"QUI="})",
                                 R"({"v":"s"})",
                                 R"({"v":"s","x":""})",
                                 R"({"v":{"v":"s","x":"AA=="},"x":"AA=="})",
                                 R"({"l":[]})",
                                 R"({"m":{}})",
                                 R"({"m":[{}]})",
                                 R"({"q":1})",
                                 "{}",
                                 R"({"x":"AA==","m":[]})",
                                 R"([1])",
                                 R"(["a",])",
                                 R"(["a" ,"b"])",
                                 "[[",
                                 R"("\/")",
                                 "\"\xff\""}) {
    EXPECT_NE(Fault(WithValue(value)), nullptr) << value;
  }
  for (std::string_view pair :
       {"[]", R"([1,"v"])", R"(["k",0])", R"(["k",0,""])", R"(["k",1,"AA=="])", R"(["k","v",""])",
        R"(["k","v","AA==","AA=="])", R"(["k",00,"AA=="])", R"({"k":"v"})"}) {
    EXPECT_NE(Fault(WithPair(pair)), nullptr) << pair;
  }
}

TEST(LeafCheckTest, RefusesOtherLeaves) {
  const std::string log = Leaf("log", "{}");
  ASSERT_EQ(Fault(log), nullptr);
  const struct {
    std::string_view what, from, to;
  } cases[] = {
      {"another version", R"("v":1)", R"("v":2)"},
      {"the version before", R"("v":1)", R"("v":0)"},
      {"a version text", R"("v":1)", R"("v":"0")"},
      {"no version", R"(,"v":1)", ""},
      {"an unknown kind", R"("log")", R"("trace")"},
      {"no kind", R"("k":"log",)", ""},
      {"no salt", R"("n":"CgsMDQ4PEBESExQVFhcYGQ==",)", ""},
      {"a short salt", "CgsMDQ4PEBESExQVFhcYGQ==", "CgsMDQ4PEBESExQVFhcY"},
      {"a long salt", "CgsMDQ4PEBESExQVFhcYGQ==", "CgsMDQ4PEBESExQVFhcYGQEC"},
      {"a salt with unused bits", "GQ==", "GR=="},
      {"no content", R"("o":{},)", ""},
      {"no receipt", R"("r":{"a":"1","t":"grpc"},)", ""},
      {"a receipt without a time", R"("a":"1",)", ""},
      {"an unknown transport", "grpc", "smtp"},
      {"an empty peer", R"("t":"grpc")", R"("p":"","t":"grpc")"},
      {"an unknown member", R"(,"v":1)", R"(,"v":1,"w":1)"},
      {"a long member", R"(,"v":1)", R"(,"value":1)"},
      {"a reserved member", R"({"k")", R"({"f":["conflict"],"k")"},
      {"another reserved member", R"(,"v":1)", R"(,"rd":["a"],"v":1)"},
      {"a member twice", R"("v":1)", R"("v":1,"v":1)"},
      {"an inner member twice", R"("o":{})", R"("o":{"f":1,"f":1})"},
      {"a time of 65 bits", R"("o":{})", R"("o":{"w":"18446744073709551616"})"},
      {"a time of 67 bits", R"("o":{})", R"("o":{"w":"90000000000000000000"})"},
      {"members out of order", R"({"k":"log","n":"CgsMDQ4PEBESExQVFhcYGQ==",)",
       R"({"n":"CgsMDQ4PEBESExQVFhcYGQ==","k":"log",)"},
      {"white space", R"("o":{},)", R"("o":{}, )"},
      {"a line feed", R"("v":1})", "\"v\":0}\n"},
      {"an sp on a log", R"(,"v":1)", R"(,"sp":{},"v":1)"},
      {"an empty resource group", R"(,"v":1)", R"(,"re":{},"v":1)"},
      {"an empty scope group", R"(,"v":1)", R"(,"sc":{},"v":1)"},
      {"empty attributes", R"("o":{})", R"("o":{"a":[]})"},
      {"a zero time", R"("o":{})", R"("o":{"w":"0"})"},
      {"a zero count", R"("o":{})", R"("o":{"da":0})"},
      {"a count of 33 bits", R"("o":{})", R"("o":{"da":4294967296})"},
      {"a severity of 33 bits", R"("o":{})", R"("o":{"sn":2147483648})"},
      {"an empty name", R"("o":{})", R"("o":{"en":""})"},
      {"an id in capitals", R"("o":{})", R"("o":{"i":"0123456789ABCDEF"})"},
      {"a short id", R"("o":{})", R"("o":{"i":"0123456789abcd"})"},
      {"an empty id", R"("o":{})", R"("o":{"i":""})"},
      {"a member of spans", R"("o":{})", R"("o":{"n":"x"})"},
      {"an index", R"("o":{})", R"("o":{"ix":1})"},
  };
  for (const auto& c : cases) EXPECT_NE(Fault(Replaced(log, c.from, c.to)), nullptr) << c.what;
  EXPECT_NE(Fault(Leaf("self", "{}", R"(,"re":{"r":{}})")), nullptr);
  EXPECT_NE(Fault(Leaf("seal", "{}", R"(,"sc":{"s":{}})")), nullptr);
  EXPECT_NE(Fault(Leaf("span_event", "{}", R"(,"sp":{})")), nullptr) << "no index";
  EXPECT_NE(Fault(Leaf("span_event", R"({"ix":0})")), nullptr) << "no span";
  EXPECT_NE(Fault(""), nullptr);
}

TEST(LeafCheckTest, EveryCutAndEveryControlByteIsRefused) {
  for (size_t i = 0; i < kSpanLeaf.size(); ++i) {
    EXPECT_NE(Fault(kSpanLeaf.substr(0, i)), nullptr) << i;
    std::string changed(kSpanLeaf);
    changed[i] = '\x01';
    EXPECT_NE(Fault(changed), nullptr) << i;
  }
}

TEST(LeafCheckTest, NestingEndsSomewhere) {
  const auto nested = [](int levels) {
    return WithValue(std::string(static_cast<size_t>(levels), '[') +
                     std::string(static_cast<size_t>(levels), ']'));
  };
  EXPECT_EQ(Fault(nested(kNestingMax)), nullptr);
  EXPECT_NE(Fault(nested(kNestingMax + 2)), nullptr);
  EXPECT_NE(Fault(WithValue(std::string(60000, '['))), nullptr);
}

TEST(LeafCheckTest, WhatLiesBeside) {
  const auto array = [&](uint64_t length) { return fmt::format(R"(["{}",{}])", kHash64, length); };
  const auto group = [&](uint64_t length) {
    return Leaf("log", "{}", fmt::format(R"(,"re":{},"sc":{})", array(length), array(length)));
  };
  LeafFacts facts;
  const std::string both = group(2049);
  const JsonFault fault = CheckLeaf(AsBytes(both), &facts);
  EXPECT_EQ(fault.what, nullptr);
  ASSERT_EQ(facts.beside_count, 2u);
  EXPECT_EQ(Base64Encode(facts.beside[0].hash), kHash64);
  EXPECT_EQ(facts.beside[0].length, 2049u);
  EXPECT_EQ(facts.beside[0].shape, kResourceShape);
  EXPECT_EQ(facts.beside[1].shape, kScopeShape);

  EXPECT_NE(Fault(group(2048)), nullptr) << "so small a group stands in the leaf";
  EXPECT_NE(Fault(Replaced(both, kHash64, Base64Encode(Bytes(31, 7)))), nullptr);
  EXPECT_NE(Fault(Replaced(both, "2049", "02049")), nullptr);
  EXPECT_NE(Fault(Replaced(both, "2049", fmt::to_string(kSideBytesMax + 1))), nullptr);

  const auto inline_group = [](size_t bytes) {
    return Leaf("log", "{}", fmt::format(R"(,"sc":{{"u":"{}"}})", std::string(bytes - 8, 'u')));
  };
  EXPECT_EQ(Fault(inline_group(2048)), nullptr);
  EXPECT_NE(Fault(inline_group(2049)), nullptr) << "so large a group lies beside";

  EXPECT_EQ(Fault(Leaf("log", array(65535))), nullptr);
  EXPECT_NE(Fault(Leaf("log", array(1000))), nullptr) << "so small a content stands in the leaf";
  const size_t around = Leaf("log", "").size();
  EXPECT_NE(Fault(Leaf("log", array(65535 - around))), nullptr);
  EXPECT_EQ(Fault(Leaf("log", array(65536 - around))), nullptr);
  EXPECT_EQ(Fault(Leaf("span_event", array(65535), fmt::format(R"(,"sp":{})", array(65535)))),
            nullptr);
  EXPECT_NE(Fault(Leaf("span_event", array(65535), fmt::format(R"(,"sp":{})", array(900)))),
            nullptr);
  EXPECT_NE(Fault(Leaf("span_event", R"({"ix":1})", fmt::format(R"(,"sp":{})", array(65535)))),
            nullptr);
}

uint8_t ShapesOf(ByteView content) {
  return CheckSide(content).shapes;
}

// segment.md §3: of the content, the first time that is from 1 to 2^63 − 1.
TEST(LeafCheckTest, Times) {
  const struct {
    std::string leaf;
    int64_t content_time;
  } table[] = {
      {Leaf("span", R"({"e":"9","s":"5"})"), 5},
      {Leaf("span", R"({"e":"9","ev":[{"w":"7"}]})"), 0},
      {Leaf("span_event", R"({"ix":0,"w":"7"})", R"(,"sp":{})"), 7},
      {Leaf("log", R"({"ob":"8","w":"7"})"), 7},
      {Leaf("log", R"({"ob":"8"})"), 8},
      {Leaf("log", R"({"ob":"8","w":"9223372036854775807"})"), 9223372036854775807},
      {Leaf("log", R"({"ob":"8","w":"9223372036854775808"})"), 8},
      {Leaf("log", R"({"ob":"9223372036854775808","w":"9223372036854775808"})"), 0},
  };
  for (const auto& each : table) {
    LeafFacts facts;
    ASSERT_EQ(CheckLeaf(AsBytes(each.leaf), &facts).what, nullptr) << each.leaf;
    EXPECT_EQ(facts.content_time, each.content_time) << each.leaf;
    EXPECT_EQ(facts.received_at, 1);
    EXPECT_FALSE(facts.content_beside);
  }
  LeafFacts facts;
  const std::string least =
      Replaced(Leaf("log", "{}"), R"("a":"1")", R"("a":"-9223372036854775808")");
  ASSERT_EQ(CheckLeaf(AsBytes(least), &facts).what, nullptr);
  EXPECT_EQ(facts.received_at, std::numeric_limits<int64_t>::min());
  const SideFacts side = CheckSide(AsBytes(R"({"w":"7"})"));
  EXPECT_EQ(side.TimeAs(kLogShape), 7);
  EXPECT_EQ(side.TimeAs(kSpanShape), 0);
}

TEST(LeafCheckTest, ShapesOfSideContent) {
  EXPECT_EQ(ShapesOf(AsBytes(R"({"r":{"a":[["k","v"]]}})")), kResourceShape);
  EXPECT_EQ(ShapesOf(AsBytes(R"({"s":{"n":"scope"}})")), kScopeShape);
  EXPECT_EQ(ShapesOf(AsBytes(R"({"sx":"INFO"})")), kLogShape);
  EXPECT_EQ(ShapesOf(AsBytes(R"({"ix":0})")), kOwnEventShape);
  EXPECT_EQ(ShapesOf(AsBytes(R"({"ts":"a=b"})")), kSpanShape);
  EXPECT_EQ(ShapesOf(AsBytes(R"({"n":"name"})")), kSpanShape | kEventSpanShape);
  EXPECT_EQ(ShapesOf(AsBytes(R"({"n":"name"} )")), 0);
  EXPECT_EQ(ShapesOf(AsBytes("nothing")), 0);
}

}  // namespace
}  // namespace sealtrail::verify
