#include "base/status.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sealtrail {
namespace {

TEST(StatusTest, IsOkByDefault) {
  EXPECT_TRUE(Status().ok());
  EXPECT_TRUE(OkStatus().ok());
  EXPECT_EQ(OkStatus().ToString(), "OK");
}

TEST(StatusTest, CarriesCodeAndMessage) {
  const Status status = DataLoss("segment {}: {}", 7, "bad frame");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "segment 7: bad frame");
  EXPECT_EQ(status.ToString(), "DATA_LOSS: segment 7: bad frame");
}

TEST(StatusTest, ContextComesOutermostFirst) {
  const Status status = Unavailable("write: full").Annotate("segment 42").Annotate("append");
  EXPECT_EQ(status.ToString(), "UNAVAILABLE: append: segment 42: write: full");
  EXPECT_TRUE(OkStatus().Annotate("append").ok());
  EXPECT_EQ(OkStatus().Annotate("append").message(), "");
}

// Names as gRPC spells them: google/rpc/code.proto.
TEST(StatusTest, EachErrorHasItsCodeAndName) {
  const std::vector<std::tuple<Status, StatusCode, std::string_view>> table = {
      {OkStatus(), StatusCode::kOk, "OK"},
      {InvalidArgument("x"), StatusCode::kInvalidArgument, "INVALID_ARGUMENT"},
      {NotFound("x"), StatusCode::kNotFound, "NOT_FOUND"},
      {AlreadyExists("x"), StatusCode::kAlreadyExists, "ALREADY_EXISTS"},
      {ResourceExhausted("x"), StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED"},
      {Unavailable("x"), StatusCode::kUnavailable, "UNAVAILABLE"},
      {FailedPrecondition("x"), StatusCode::kFailedPrecondition, "FAILED_PRECONDITION"},
      {PermissionDenied("x"), StatusCode::kPermissionDenied, "PERMISSION_DENIED"},
      {Unauthenticated("x"), StatusCode::kUnauthenticated, "UNAUTHENTICATED"},
      {Unimplemented("x"), StatusCode::kUnimplemented, "UNIMPLEMENTED"},
      {DataLoss("x"), StatusCode::kDataLoss, "DATA_LOSS"},
      {Cancelled("x"), StatusCode::kCancelled, "CANCELLED"},
  };
  for (const auto& [status, code, name] : table) {
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(StatusCodeName(code), name);
  }
}

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("{} is odd", n);
  return n / 2;
}

Result<int> Quarter(int n) {
  SEAL_ASSIGN_OR_RETURN(const int half, Half(n));
  SEAL_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

Status IsDivisibleByFour(int n) {
  SEAL_RETURN_IF_ERROR(Quarter(n).status());
  return OkStatus();
}

TEST(ResultTest, MacrosPassErrorsOn) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(7).status().message(), "7 is odd");
  EXPECT_EQ(Quarter(6).status().message(), "3 is odd");
  EXPECT_TRUE(IsDivisibleByFour(4).ok());
  EXPECT_EQ(IsDivisibleByFour(6).code(), StatusCode::kInvalidArgument);
}

TEST(ResultTest, HoldsValuesThatCanOnlyMove) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(**result, 5);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 5);
}

// A loop over the value of a temporary once walked through freed memory.
TEST(ResultTest, ALoopOverATemporarysValueHoldsOnToIt) {
  const auto names = [] { return Result<std::vector<std::string>>({std::string(100, 'a'), "b"}); };
  std::string all;
  for (const std::string& name : *names()) all += name;
  EXPECT_EQ(all, std::string(100, 'a') + "b");
}

TEST(ResultDeathTest, UsingAnErrorAsAValueIsABug) {
  EXPECT_DEATH((void)*Half(1), "broken invariant at .*status.h");
  EXPECT_DEATH((void)Result<int>(OkStatus()), "broken invariant");
}

}  // namespace
}  // namespace sealtrail
