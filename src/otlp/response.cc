#include "otlp/response.h"

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "base/utf8.h"

namespace sealtrail::otlp {
namespace {

constexpr std::string_view kRetryInfoUrl = "type.googleapis.com/google.rpc.RetryInfo";
constexpr std::string_view kBadRequestUrl = "type.googleapis.com/google.rpc.BadRequest";

// google.rpc.Code
constexpr int kGrpcInvalidArgument = 3;
constexpr int kGrpcPermissionDenied = 7;
constexpr int kGrpcResourceExhausted = 8;
constexpr int kGrpcUnimplemented = 12;
constexpr int kGrpcUnavailable = 14;
constexpr int kGrpcUnauthenticated = 16;

Bytes ToBytes(std::string_view text) {
  const ByteView bytes = AsBytes(text);
  return {bytes.begin(), bytes.end()};
}

// Cut between characters, never inside one.
std::string Message(const std::string& message) {
  std::string text = IsUtf8(message) ? message : Utf8Lossy(message);
  if (text.size() <= kFailureMessageBytesMax) return text;
  constexpr std::string_view kMore = "...";
  text.resize(
      Utf8ValidPrefix(std::string_view(text).substr(0, kFailureMessageBytesMax - kMore.size())));
  return text.append(kMore);
}

// BadRequest {field_violations 1 {description 2}}: the message tells the field, and is for people.
std::string BadRequest(const Failure& failure) {
  std::string violation;
  protozero::pbf_writer(violation).add_string(2, failure.message);
  std::string out;
  protozero::pbf_writer(out).add_message(1, violation);
  return out;
}

// Any {type_url 1, value 2}
void AddDetail(protozero::pbf_writer& status, std::string_view url, std::string_view value) {
  protozero::pbf_writer any(status, 3);
  any.add_string(1, url.data(), url.size());
  any.add_bytes(2, value.data(), value.size());
}

Bytes EncodeStatusProtobuf(const Failure& failure) {
  std::string out;
  protozero::pbf_writer status(out);
  status.add_int32(1, failure.grpc_code);
  if (!failure.message.empty()) status.add_string(2, failure.message);
  if (failure.retry_after_seconds) {
    AddDetail(status, kRetryInfoUrl, AsText(EncodeRetryInfo(*failure.retry_after_seconds)));
  }
  if (failure.grpc_code == kGrpcInvalidArgument) {
    AddDetail(status, kBadRequestUrl, BadRequest(failure));
  }
  return ToBytes(out);
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out += '"';
}

Bytes EncodeStatusJson(const Failure& failure) {
  const std::string message = JsonString(failure.message);
  std::string details;
  if (failure.retry_after_seconds) {
    details = fmt::format(R"({{"@type":"{}","retryDelay":"{}s"}})", kRetryInfoUrl,
                          *failure.retry_after_seconds);
  }
  if (failure.grpc_code == kGrpcInvalidArgument) {
    details += fmt::format(R"({}{{"@type":"{}","fieldViolations":[{{"description":{}}}]}})",
                           details.empty() ? "" : ",", kBadRequestUrl, message);
  }
  return ToBytes(fmt::format(R"({{"code":{},"message":{}{}{}{}}})", failure.grpc_code, message,
                             details.empty() ? "" : R"(,"details":[)", details,
                             details.empty() ? "" : "]"));
}

}  // namespace

Failure FailureFrom(const Status& status) {
  SEAL_CHECK(!status.ok());
  const auto refuse = [&](int grpc_code, int http_status) {
    return Failure{grpc_code, http_status, Message(status.message()), std::nullopt};
  };
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return refuse(kGrpcInvalidArgument, 400);
    case StatusCode::kResourceExhausted:
      return refuse(kGrpcResourceExhausted, 413);
    case StatusCode::kUnauthenticated:
      return refuse(kGrpcUnauthenticated, 401);
    case StatusCode::kPermissionDenied:
      return refuse(kGrpcPermissionDenied, 403);
    case StatusCode::kNotFound:
    case StatusCode::kUnimplemented:
      return refuse(kGrpcUnimplemented, 404);
    case StatusCode::kUnavailable:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kAlreadyExists:
    case StatusCode::kDataLoss:
    case StatusCode::kCancelled:
    case StatusCode::kOk:
      break;
  }
  // All that the client did nothing wrong in: it shall keep the batch and come back.
  return {kGrpcUnavailable, 503, Message(status.message()), kRetryAfterSeconds};
}

Bytes EncodeSuccess(Encoding encoding) {
  return encoding == Encoding::kProtobuf ? Bytes() : ToBytes("{}");
}

Bytes EncodeStatus(const Failure& failure, Encoding encoding) {
  return encoding == Encoding::kProtobuf ? EncodeStatusProtobuf(failure)
                                         : EncodeStatusJson(failure);
}

Bytes EncodeRetryInfo(int seconds, int nanos) {
  std::string duration;
  protozero::pbf_writer writer(duration);
  if (seconds != 0) writer.add_int64(1, seconds);
  if (nanos != 0) writer.add_int32(2, nanos);
  std::string out;
  protozero::pbf_writer(out).add_message(1, duration);
  return ToBytes(out);
}

}  // namespace sealtrail::otlp
