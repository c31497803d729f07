#include "anchor/witness_answer.h"

#include <gtest/gtest.h>

namespace sealtrail::anchor {
namespace {

constexpr TreeSize kOld{100};
constexpr TreeSize kSize{150};

net::FetchResponse Answer(int status, std::string body = "", std::string type = "text/plain") {
  return {
      .status = status, .headers = {{"content-type", std::move(type)}}, .body = std::move(body)};
}
net::FetchResponse Size(std::string body) {
  return Answer(409, std::move(body), "text/x.tlog.size");
}

// Every row of the table in tlog-witness, and what else can come back.
TEST(WitnessAnswerTest, Table) {
  struct Row {
    std::string name;
    Result<net::FetchResponse> answer;
    NextStep step;
    uint64_t witness_size = 0;
  };
  const Row rows[] = {
      {"cosigned", Answer(200, "— w AAAAAAA=\n"), NextStep::kVerify},
      {"no signature lines", Answer(200, "thank you\n"), NextStep::kOperator},
      {"stale", Size("120\n"), NextStep::kRebuild, 120},
      {"stale, with a parameter", Answer(409, "120\n", "text/x.tlog.size; charset=utf-8"),
       NextStep::kRebuild, 120},
      {"new to it", Size("0\n"), NextStep::kRebuild, 0},
      {"went back", Size("50\n"), NextStep::kRebuild, 50},
      {"has it", Size("150\n"), NextStep::kRebuild, 150},
      {"ahead", Size("151\n"), NextStep::kAhead, 151},
      {"contradicts itself", Size("100\n"), NextStep::kRetry},
      {"no line", Size("120"), NextStep::kRetry},
      {"no number", Size("-1\n"), NextStep::kRetry},
      {"leading zero", Size("0120\n"), NextStep::kRetry},
      {"too large", Size("18446744073709551616\n"), NextStep::kRetry},
      {"other type", Answer(409, "120\n"), NextStep::kRetry},
      {"fork, as deployed", Size(""), NextStep::kAlarm},
      {"fork, as deployed, other type", Answer(409), NextStep::kAlarm},
      {"fork", Answer(422, "no"), NextStep::kAlarm},
      {"old above new", Answer(400), NextStep::kOperator},
      {"no trusted signature", Answer(403), NextStep::kOperator},
      {"unknown origin", Answer(404), NextStep::kOperator},
      {"redirect elsewhere", Answer(301), NextStep::kOperator},
      {"too large a request", Answer(413), NextStep::kOperator},
      {"other success", Answer(204), NextStep::kOperator},
      {"push-back", Answer(429), NextStep::kWait},
      {"request time-out", Answer(408), NextStep::kRetry},
      {"server error", Answer(500), NextStep::kRetry},
      {"overload", Answer(503), NextStep::kRetry},
      {"gateway time-out", Answer(504), NextStep::kRetry},
      {"time-out", Unavailable("the time ran out"), NextStep::kRetry},
      {"cancelled", Cancelled("stopping"), NextStep::kRetry},
      {"certificate", FailedPrecondition("certificate"), NextStep::kOperator},
      {"no URL", InvalidArgument("url"), NextStep::kOperator},
      {"endless answer", ResourceExhausted("long"), NextStep::kOperator},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Decision decision = Judge(row.answer, kOld, kSize);
    EXPECT_EQ(decision.step, row.step);
    EXPECT_EQ(Value(decision.witness_size), row.witness_size);
    EXPECT_EQ(decision.why.empty(), row.step == NextStep::kVerify);
    EXPECT_EQ(decision.wait_ns, row.step == NextStep::kWait ? kPushBackDefaultNs : 0);
  }
}

TEST(WitnessAnswerTest, WaitsAsLongAsAsked) {
  net::FetchResponse response = Answer(429);
  response.headers.emplace_back("retry-after", "7");
  EXPECT_EQ(Judge(response, kOld, kSize).wait_ns, 7 * kNanosPerSecond);
  response.status = 503;
  EXPECT_EQ(Judge(response, kOld, kSize).step, NextStep::kWait);
  EXPECT_EQ(Judge(response, kOld, kSize).wait_ns, 7 * kNanosPerSecond);

  EXPECT_EQ(RetryAfterNs("0"), kNanosPerSecond);
  EXPECT_EQ(RetryAfterNs("3600"), kPushBackMaxNs);
  EXPECT_EQ(RetryAfterNs("9999999999999999"), kPushBackMaxNs);
  EXPECT_EQ(RetryAfterNs(""), kPushBackDefaultNs);
  EXPECT_EQ(RetryAfterNs("-5"), kPushBackDefaultNs);
  EXPECT_EQ(RetryAfterNs("Sun, 06 Nov 1994 08:49:37 GMT"), kPushBackDefaultNs);
}

// The reason is kept in files of lines and shown in logs.
TEST(WitnessAnswerTest, QuotesTheOtherSideOnOneShortLine) {
  const std::string why =
      Judge(Answer(500, "a\nb\x1b[31m\xff" + std::string(10'000, 'x')), kOld, kSize).why;
  EXPECT_LT(why.size(), 400u);
  for (const char c : why) EXPECT_TRUE(c < 0 || (c >= 0x20 && c != 0x7f)) << static_cast<int>(c);
}

}  // namespace
}  // namespace sealtrail::anchor
