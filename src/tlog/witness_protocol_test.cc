#include "tlog/witness_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/utf8.h"
#include "tlog/note.h"
#include "tlog/testing/test_log.h"
#include "tlog/testing/vectors.h"

namespace sealtrail::tlog {
namespace {

using ::testing::HasSubstr;

TEST(AddCheckpointTest, PublishedRequest) {
  const std::string body = testing::TlogVector("witness/add-checkpoint.request.txt");
  const auto request = ParseAddCheckpoint(body);
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(Value(request->old_size), 20852014u);
  ASSERT_EQ(request->proof.size(), 4u);
  EXPECT_EQ(Base64Encode(request->proof[3]), "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=");
  EXPECT_EQ(request->checkpoint, body.substr(body.find("\n\n") + 2));
  EXPECT_EQ(EncodeAddCheckpoint(*request), body);
}

TEST(AddCheckpointTest, WithoutAProof) {
  const AddCheckpointRequest request{.checkpoint = testing::TestLogCheckpoint()};
  const std::string body = EncodeAddCheckpoint(request);
  EXPECT_EQ(body, "old 0\n\n" + testing::TestLogCheckpoint());
  EXPECT_TRUE(ParseAddCheckpoint(body).ok());
}

TEST(AddCheckpointTest, RefusesOtherBodies) {
  const std::string note = testing::TestLogCheckpoint();
  const std::string hash = Base64Encode(Bytes(32, 1)) + "\n";
  std::string many = "old 1\n";
  for (size_t i = 0; i < kWitnessProofHashesMax; ++i) many += hash;
  EXPECT_TRUE(ParseAddCheckpoint(many + "\n" + note).ok());
  for (const std::string& bad : std::vector<std::string>{
           "",
           "\n",
           "old 1\n",
           "old 1\n" + hash,
           "old 1\n\n",
           "old 01\n\n" + note,
           "old -1\n\n" + note,
           "old\n\n" + note,
           "old 1 \n\n" + note,
           "Old 1\n\n" + note,
           "old  1\n\n" + note,
           "old 1\r\n\n" + note,
           "\nold 1\n\n" + note,
           "old 1\n" + note,
           "old 1\nAAAA\n\n" + note,
           "old 1\n" + hash + " \n\n" + note,
           many + hash + "\n" + note,
           "old 1\n\nno note\n",
           "old 1\n\n" + note + "\n",
           "old 1\n\n" + Signer::FromSeed("a", Bytes(32))->Sign("no checkpoint\n")}) {
    EXPECT_EQ(ParseAddCheckpoint(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(WitnessCheckpointPathTest, KnownAnswer) {
  EXPECT_EQ(WitnessCheckpointPath("example.com/log/testdata"),
            "6994c64086cc171ca46c749d036fd313bac575a8b2b2a2b9874ef097775714d5/checkpoint");
}

constexpr TreeSize kOldSize{7};
constexpr TreeSize kSize{15};

AddCheckpointAnswer Parse(int status, std::string type, std::string body) {
  return ParseAnswer({status, std::move(type), std::move(body)}, kOldSize, kSize);
}

TEST(WitnessAnswerTest, PublishedAnswer) {
  const std::string body = testing::TlogVector("witness/add-checkpoint.response.txt");
  const AddCheckpointAnswer answer = Parse(200, "text/plain", body);
  EXPECT_EQ(answer.answer, WitnessAnswer::kCosigned);
  EXPECT_EQ(answer.signature_lines, body);
}

// Every row of the table of answers, and what is near to one.
TEST(WitnessAnswerTest, EveryStatus) {
  struct Case {
    int status;
    const char* type;
    const char* body;
    WitnessAnswer answer;
  };
  const std::vector<Case> cases = {
      {200, "", "", WitnessAnswer::kOther},
      {200, "", "no line\n", WitnessAnswer::kOther},
      {200, "", "— w.example AAAAAAA=", WitnessAnswer::kOther},
      {200, "", "— w.example AAAAAAA=\n", WitnessAnswer::kCosigned},
      {201, "", "— w.example AAAAAAA=\n", WitnessAnswer::kOther},
      {409, "text/x.tlog.size", "12\n", WitnessAnswer::kStaleSize},
      {409, "Text/X.Tlog.Size ; charset=utf-8", "12\n", WitnessAnswer::kStaleSize},
      {409, "text/x.tlog.size", "0\n", WitnessAnswer::kStaleSize},
      {409, "text/x.tlog.size", "12", WitnessAnswer::kOther},
      {409, "text/x.tlog.size", "012\n", WitnessAnswer::kOther},
      {409, "text/x.tlog.size", "12\n13\n", WitnessAnswer::kOther},
      {409, "text/x.tlog.size", "twelve\n", WitnessAnswer::kOther},
      {409, "text/plain", "12\n", WitnessAnswer::kOther},
      {409, "", "", WitnessAnswer::kFork},
      {409, "text/x.tlog.size", "", WitnessAnswer::kFork},
      {422, "", "", WitnessAnswer::kBadProof},
      {400, "", "", WitnessAnswer::kBadRequest},
      {403, "", "", WitnessAnswer::kNotTrusted},
      {404, "", "", WitnessAnswer::kUnknownOrigin},
      {429, "", "", WitnessAnswer::kPushBack},
      {301, "", "", WitnessAnswer::kOther},
      {500, "", "", WitnessAnswer::kOther},
      {503, "", "", WitnessAnswer::kOther},
      {0, "", "", WitnessAnswer::kOther},
  };
  for (const Case& c : cases) {
    const AddCheckpointAnswer answer = Parse(c.status, c.type, c.body);
    EXPECT_EQ(answer.answer, c.answer) << c.status << " " << c.type << " " << c.body;
    EXPECT_EQ(answer.signature_lines.empty(), c.answer != WitnessAnswer::kCosigned);
  }
  EXPECT_EQ(Value(Parse(409, "text/x.tlog.size", "12\n").size), 12u);
}

// The same size and 422: no proof was asked for, so it is the root that differs.
TEST(WitnessAnswerTest, AnotherRootForTheSameSizeIsAFork) {
  EXPECT_EQ(ParseAnswer({422, "", ""}, kSize, kSize).answer, WitnessAnswer::kFork);
}

TEST(WitnessAnswerTest, RoundTrip) {
  for (const WitnessAnswer kind :
       {WitnessAnswer::kCosigned, WitnessAnswer::kStaleSize, WitnessAnswer::kFork,
        WitnessAnswer::kBadProof, WitnessAnswer::kBadRequest, WitnessAnswer::kNotTrusted,
        WitnessAnswer::kUnknownOrigin, WitnessAnswer::kPushBack, WitnessAnswer::kOther}) {
    const AddCheckpointAnswer answer{.answer = kind,
                                     .signature_lines = "— w.example AAAAAAA=\n",
                                     .size = TreeSize{12},
                                     .detail = "why"};
    const TreeSize old_size = kind == WitnessAnswer::kFork ? kSize : kOldSize;
    const AddCheckpointAnswer again = ParseAnswer(EncodeAnswer(answer), old_size, kSize);
    EXPECT_EQ(again.answer, kind);
    if (kind == WitnessAnswer::kStaleSize) {
      EXPECT_EQ(again.size, answer.size);
    } else if (kind == WitnessAnswer::kCosigned) {
      EXPECT_EQ(again.signature_lines, answer.signature_lines);
    } else {
      EXPECT_THAT(again.detail, HasSubstr("why"));
    }
  }
  const HttpAnswer stale =
      EncodeAnswer({.answer = WitnessAnswer::kStaleSize, .size = TreeSize{12}});
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.content_type, "text/x.tlog.size");
  EXPECT_EQ(stale.body, "12\n");
}

TEST(WitnessAnswerTest, AStrangersWordsAreShortAndClean) {
  const std::string body = "a\nb\x1b[31m\xff" + std::string(100'000, 'x');
  const std::string detail = Parse(503, "", body).detail;
  EXPECT_LT(detail.size(), 300u);
  EXPECT_TRUE(IsUtf8(detail));
  for (const char c : detail) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  EXPECT_THAT(detail, HasSubstr("HTTP 503: a b"));
  EXPECT_EQ(Parse(500, "", "\n").detail, "HTTP 500");
}

}  // namespace
}  // namespace sealtrail::tlog
