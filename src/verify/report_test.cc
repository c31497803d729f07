#include "verify/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sealtrail::verify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Report Damaged() {
  Report report{
      .verdict = Verdict::kNotSound, .origin = "example.com/a", .size = 7, .checkpoint_size = 9};
  report.integrity = {.answer = Answer::kFail, .reason = "bytes differ"};
  report.damage.push_back({.file = "segments/x.seg",
                           .seq = Seq{5},
                           .offset = 128,
                           .length = 88,
                           .unit = "frame",
                           .kind = "frame_damaged",
                           .text = "a \"quoted\" text"});
  report.damage_total = 1;
  return report;
}

TEST(ReportTest, JsonOfASoundTrail) {
  Report report{.verdict = Verdict::kSound, .origin = "o", .vkey = "k", .size = 2};
  report.root = crypto::Hash{};
  report.chain = crypto::Hash{};
  report.checkpoint_size = 2;
  report.integrity = {.answer = Answer::kPass, .reason = "fine"};
  report.ranges.push_back({.first = Seq{0}, .last = Seq{1}});
  EXPECT_EQ(
      ReportJson(report),
      R"({"verdict":"sound","size":2,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",)"
      R"("chain":"0000000000000000000000000000000000000000000000000000000000000000","checkpoint_size":2,)"
      R"("not_yet_checkpointed":0,"records_read":0,"bytes_read":0,"origin":"o","vkey":"k",)"
      R"("verdicts":{"integrity":"pass","order":"not_established","completeness":"not_established",)"
      R"("authorship":"not_established","time":"not_established","independence":"not_established"},)"
      R"("reasons":{"integrity":"fine","order":"","completeness":"","authorship":"","time":"","independence":""},)"
      R"("time_stamp":null,"damage":[],"damage_total":0,"ranges":[{"first":0,"last":1,"state":"present-valid"}],"notices":[],"obstacles":[],)"
      R"("not_covered":["LOCK","keys/","local.token","api.sock","index/","signing/LOCK","signing/elsewhere","*.sealing","*.tmp"]})"
      "\n");
}

TEST(ReportTest, JsonOfDamage) {
  const std::string json = ReportJson(Damaged());
  EXPECT_THAT(
      json,
      HasSubstr(R"("verdict":"not_sound","size":7,"root":null,"chain":null,"checkpoint_size":9)"));
  EXPECT_THAT(
      json, HasSubstr(R"({"file":"segments/x.seg","seq":5,"offset":128,"length":88,"unit":"frame",)"
                      R"("kind":"frame_damaged","text":"a \"quoted\" text"})"));
}

// Names of files come from the folder, and a folder may come from a stranger.
TEST(ReportTest, StrangeNamesStayHarmless) {
  Report report = Damaged();
  report.damage[0].file = "a\n\x1b[31m\xff\"";
  EXPECT_THAT(ReportJson(report), HasSubstr("\"file\":\"a\\u000a\\u001b[31m\xef\xbf\xbd\\\"\""));
  EXPECT_THAT(ReportText(report), Not(HasSubstr("\x1b")));
  EXPECT_THAT(ReportText(report), HasSubstr("a??[31m"));
}

TEST(ReportTest, TextSaysWhereAndWhatToDo) {
  const std::string text = ReportText(Damaged());
  for (const char* part :
       {"NOT SOUND", "example.com/a", "segments/x.seg", "record     5",
        "offset     128, 88 bytes (frame)", "frame_damaged", "integrity     fail",
        "not established", "not covered  LOCK keys/", "What to do:"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  Report tail = Damaged();
  tail.damage[0].kind = "unfinished_tail";
  EXPECT_THAT(ReportText(tail), HasSubstr("start the store once"));
  EXPECT_THAT(text, Not(HasSubstr("start the store once")));
}

TEST(ReportTest, ExitCodes) {
  EXPECT_EQ(ExitCode(Report{.verdict = Verdict::kSound}), 0);
  EXPECT_EQ(ExitCode(Report{.verdict = Verdict::kNotSound}), 1);
  EXPECT_EQ(ExitCode(Report{.verdict = Verdict::kCannotTell}), 2);
}

// A policy that is not met is a finding, whatever the bytes are.
TEST(ReportTest, AnAnswerThatFailsIsAFinding) {
  Report report{.verdict = Verdict::kSound};
  EXPECT_TRUE(ReportText(report).starts_with("SOUND\n"));
  report.independence.answer = Answer::kFail;
  EXPECT_EQ(ExitCode(report), 1);
  EXPECT_TRUE(ReportText(report).starts_with("SOUND, but independence failed\n"))
      << ReportText(report);
  EXPECT_THAT(ReportText(report), HasSubstr("What to do: nothing in the folder is damaged"));
  report.time.answer = Answer::kFail;
  EXPECT_TRUE(ReportText(report).starts_with("SOUND, but time, independence failed\n"));
  report.verdict = Verdict::kCannotTell;
  EXPECT_EQ(ExitCode(report), 2);
}

}  // namespace
}  // namespace sealtrail::verify
