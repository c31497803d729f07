#include "anchor/witness_answer.h"

#include <algorithm>
#include <optional>

#include "tlog/text.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor {
namespace {

std::optional<uint64_t> Decimal(std::string_view text) {
  const auto value = tlog::ParseDecimal(text);
  if (!value.ok()) return std::nullopt;
  return *value;
}

// What it said, with the status where `parsed` does not name it.
std::string Why(int status, const tlog::AddCheckpointAnswer& parsed) {
  if (parsed.answer == tlog::WitnessAnswer::kOther) return parsed.detail;
  if (parsed.detail.empty()) return fmt::format("HTTP {}", status);
  return fmt::format("HTTP {}: {}", status, parsed.detail);
}

Decision JudgeStale(TreeSize held, TreeSize old_size, TreeSize size) {
  if (held == old_size) {
    return {.step = NextStep::kRetry, .why = "it refuses the size that it names itself (409)"};
  }
  return {.step = held > size ? NextStep::kAhead : NextStep::kRebuild,
          .witness_size = held,
          .why = fmt::format("it holds a tree of {} records, and was asked to sign one of {}",
                             Value(held), Value(size))};
}

// What the specification says nothing of. 408 is a time-out in other words, 409 without a size a
// broken answer. Every other status below 500 (a redirect elsewhere, 405, 413, ...) says that the
// address is that of something else.
Decision JudgeOther(const net::FetchResponse& response, const std::string& why) {
  const int status = response.status;
  if (status == 503 && !response.Header("retry-after").empty()) {
    return {.step = NextStep::kWait,
            .wait_ns = RetryAfterNs(response.Header("retry-after")),
            .why = why};
  }
  const bool passing = status >= 500 || status == 408 || status == 409;
  return {.step = passing ? NextStep::kRetry : NextStep::kOperator, .why = why};
}

Decision JudgeError(const Status& error) {
  switch (error.code()) {
    case StatusCode::kInvalidArgument:     // its URL is none
    case StatusCode::kFailedPrecondition:  // its certificate is not believed
    case StatusCode::kResourceExhausted:   // it is no witness
      return {.step = NextStep::kOperator, .why = error.message()};
    default:
      return {.step = NextStep::kRetry, .why = error.message()};
  }
}

}  // namespace

int64_t RetryAfterNs(std::string_view header) {
  const auto seconds = Decimal(header);
  if (!seconds) return kPushBackDefaultNs;
  constexpr uint64_t kSecondsMax = kPushBackMaxNs / kNanosPerSecond;
  return static_cast<int64_t>(std::clamp<uint64_t>(*seconds, 1, kSecondsMax)) * kNanosPerSecond;
}

Decision Judge(const Result<net::FetchResponse>& answer, TreeSize old_size, TreeSize size) {
  if (!answer.ok()) return JudgeError(answer.status());
  const net::FetchResponse& response = *answer;
  const auto parsed =
      tlog::ParseAnswer({.status = response.status,
                         .content_type = std::string(response.Header("content-type")),
                         .body = response.body},
                        old_size, size);
  const std::string why = Why(response.status, parsed);
  switch (parsed.answer) {
    case tlog::WitnessAnswer::kCosigned:
      return {.step = NextStep::kVerify};
    case tlog::WitnessAnswer::kStaleSize:
      return JudgeStale(parsed.size, old_size, size);
    case tlog::WitnessAnswer::kFork:
    case tlog::WitnessAnswer::kBadProof:
      return {.step = NextStep::kAlarm, .why = "it holds another tree, " + why};
    case tlog::WitnessAnswer::kBadRequest:
    case tlog::WitnessAnswer::kNotTrusted:
    case tlog::WitnessAnswer::kUnknownOrigin:
      return {.step = NextStep::kOperator, .why = why};
    case tlog::WitnessAnswer::kPushBack:
      break;
    case tlog::WitnessAnswer::kOther:
      return JudgeOther(response, why);
  }
  return {
      .step = NextStep::kWait, .wait_ns = RetryAfterNs(response.Header("retry-after")), .why = why};
}

}  // namespace sealtrail::anchor
