#include "pipeline/selector.h"

#include <gtest/gtest.h>

#include "otlp/decode.h"

namespace sealtrail::pipeline {
namespace {

// The one log record of this OTLP/JSON, decoded.
struct OneLog {
  explicit OneLog(const std::string& members) {
    const std::string json =
        R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{)" + members + "}]}]}]}";
    const auto request = otlp::DecodeLogsJson(AsBytes(json), arena);
    EXPECT_TRUE(request.ok()) << request.status().ToString();
    log = request->resources[0].scopes[0].items[0];
  }
  model::Arena arena;
  model::LogRecord log;
};

bool Selected(const std::string& members) {
  return Selector({"audit.action"}).Selects(OneLog(members).log);
}

TEST(SelectorTest, KeepsWhatCarriesTheKeyAnywhereItMayStand) {
  EXPECT_TRUE(Selected(R"("attributes":[{"key":"audit.action","value":{"stringValue":"x"}}])"));
  EXPECT_TRUE(Selected(R"("attributes":[{"key":"audit.action","value":{}}])"));
  EXPECT_TRUE(Selected(R"("attributes":[{"key":"audit.action","value":{"arrayValue":{}}}])"));
  EXPECT_TRUE(Selected(
      R"("attributes":[{"key":"audit","value":{"kvlistValue":{"values":[{"key":"action","value":{"stringValue":"x"}}]}}}])"));
  EXPECT_TRUE(Selected(
      R"("body":{"kvlistValue":{"values":[{"key":"audit","value":{"kvlistValue":{"values":[{"key":"action","value":{"stringValue":"x"}}]}}}]}})"));
  EXPECT_TRUE(Selected(
      R"("body":{"kvlistValue":{"values":[{"key":"audit.action","value":{"stringValue":"x"}}]}})"));
}

TEST(SelectorTest, LeavesTheRest) {
  EXPECT_FALSE(Selected(R"("body":{"stringValue":"audit.action"})"));
  EXPECT_FALSE(Selected(R"("attributes":[{"key":"audit.actions","value":{"stringValue":"x"}}])"));
  EXPECT_FALSE(Selected(R"("attributes":[{"key":"audit","value":{"stringValue":"action"}}])"));
  EXPECT_FALSE(Selected(R"("attributes":[{"key":"Audit.Action","value":{"stringValue":"x"}}])"));
  EXPECT_FALSE(Selected(
      R"("attributes":[{"key":"auditor","value":{"kvlistValue":{"values":[{"key":"action","value":{"stringValue":"x"}}]}}}])"));
  EXPECT_FALSE(Selected(""));
}

TEST(SelectorTest, AllKeepsEverythingAndOtherKeysCanBeNamed) {
  const OneLog log(R"("attributes":[{"key":"security.event","value":{"stringValue":"x"}}])");
  EXPECT_TRUE(Selector::All().Selects(OneLog("").log));
  EXPECT_TRUE(Selector({"audit.action", "security.event"}).Selects(log.log));
}

TEST(FindAttributeTest, TheLastOneWins) {
  const OneLog log(
      R"("attributes":[{"key":"a.b","value":{"stringValue":"1"}},)"
      R"({"key":"a","value":{"kvlistValue":{"values":[{"key":"b","value":{"stringValue":"2"}}]}}}])");
  const model::AnyValue* found = FindAttribute(log.log.attributes, "a.b");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->text, "2");
  EXPECT_EQ(FindAttribute(log.log.attributes, "a.c"), nullptr);
}

}  // namespace
}  // namespace sealtrail::pipeline
