// The answers of an OTLP server, byte for byte where others published them.
#include "otlp/response.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/utf8.h"

namespace sealtrail::otlp {
namespace {

std::string Text(const Bytes& bytes) {
  return std::string(AsText(bytes));
}

TEST(Response, SuccessIsTheEmptyMessage) {
  EXPECT_EQ(Text(EncodeSuccess(Encoding::kProtobuf)), "");
  EXPECT_EQ(Text(EncodeSuccess(Encoding::kJson)), "{}");
}

TEST(Response, RetryInfoKnownAnswers) {
  EXPECT_EQ(HexEncode(EncodeRetryInfo(5)), "0a020805");
  EXPECT_EQ(HexEncode(EncodeRetryInfo(0, 500'000'000)), "0a061080cab5ee01");
}

TEST(Response, StatusDetailsKnownAnswer) {
  const Bytes status = EncodeStatus(FailureFrom(Unavailable("overloaded")), Encoding::kProtobuf);
  EXPECT_EQ(status.size(), 64u);
  EXPECT_EQ(
      Base64Encode(status),
      "CA4SCm92ZXJsb2FkZWQaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIBQ==");
}

TEST(Response, StatusInJson) {
  EXPECT_EQ(Text(EncodeStatus(FailureFrom(Unavailable("overloaded")), Encoding::kJson)),
            R"({"code":14,"message":"overloaded","details":[{"@type":)"
            R"("type.googleapis.com/google.rpc.RetryInfo","retryDelay":"5s"}]})");
  EXPECT_EQ(Text(EncodeStatus(FailureFrom(ResourceExhausted("too \"large\"\n")), Encoding::kJson)),
            R"({"code":8,"message":"too \"large\"\u000a"})");
  EXPECT_EQ(
      Text(EncodeStatus(FailureFrom(InvalidArgument("a\\b")), Encoding::kJson)),
      R"({"code":3,"message":"a\\b","details":[{"@type":)"
      R"("type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"description":"a\\b"}]}]})");
}

TEST(Response, InvalidArgumentCarriesABadRequest) {
  const Bytes status = EncodeStatus(FailureFrom(InvalidArgument("x")), Encoding::kProtobuf);
  EXPECT_EQ(Text(status), std::string("\x08\x03\x12\x01x\x1a\x32\x0a\x29", 9) +
                              "type.googleapis.com/google.rpc.BadRequest" +
                              std::string("\x12\x05\x0a\x03\x12\x01x", 7));
}

// docs/otlp-answers.md, row by row. -1: no retry.
TEST(Response, EveryErrorHasItsAnswer) {
  const struct {
    StatusCode code;
    int grpc;
    int http;
    int retry;
  } rows[] = {
      {StatusCode::kInvalidArgument, 3, 400, -1},    {StatusCode::kResourceExhausted, 8, 413, -1},
      {StatusCode::kUnauthenticated, 16, 401, -1},   {StatusCode::kPermissionDenied, 7, 403, -1},
      {StatusCode::kNotFound, 12, 404, -1},          {StatusCode::kUnimplemented, 12, 404, -1},
      {StatusCode::kUnavailable, 14, 503, 5},        {StatusCode::kDataLoss, 14, 503, 5},
      {StatusCode::kFailedPrecondition, 14, 503, 5}, {StatusCode::kCancelled, 14, 503, 5},
      {StatusCode::kAlreadyExists, 14, 503, 5},
  };
  EXPECT_EQ(std::size(rows), static_cast<size_t>(StatusCode::kCancelled));
  for (const auto& row : rows) {
    SCOPED_TRACE(StatusCodeName(row.code));
    const Failure failure = FailureFrom(Status(row.code, "why"));
    EXPECT_EQ(failure.grpc_code, row.grpc);
    EXPECT_EQ(failure.http_status, row.http);
    EXPECT_EQ(failure.retry_after_seconds.value_or(-1), row.retry);
    EXPECT_EQ(failure.message, "why");
  }
}

TEST(Response, LongMessagesAreCutBetweenCharacters) {
  for (size_t pad = 0; pad < 4; ++pad) {
    std::string message(pad, 'x');
    for (int i = 0; i < 1000; ++i) message += "\U0001F512";
    const Failure failure = FailureFrom(InvalidArgument("{}", message));
    EXPECT_LE(failure.message.size(), kFailureMessageBytesMax);
    EXPECT_GT(failure.message.size(), kFailureMessageBytesMax - 8);
    EXPECT_TRUE(IsUtf8(failure.message));
    EXPECT_TRUE(failure.message.ends_with("..."));
  }
  EXPECT_EQ(FailureFrom(InvalidArgument("a\xff")).message, "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace sealtrail::otlp
