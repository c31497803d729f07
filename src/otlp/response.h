// What an OTLP server answers: Export*ServiceResponse, google.rpc.Status, RetryInfo, in both
// encodings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/status.h"

namespace sealtrail::otlp {

enum class Encoding { kProtobuf, kJson };

// Full success: no bytes in protobuf, "{}" in JSON.
Bytes EncodeSuccess(Encoding encoding);

// An answer to a failed request, as OTLP wants it over both transports.
struct Failure {
  int grpc_code;  // google.rpc.Code
  int http_status;
  std::string message;                     // UTF-8, at most kFailureMessageBytesMax
  std::optional<int> retry_after_seconds;  // set: the client may send the same request again
};

// Trailers carry the message percent-encoded and once more in base64, and clients cap a header block at 8 KiB.
constexpr size_t kFailureMessageBytesMax = 1024;

// Short, so that a retry still fits into the ten seconds after which exporters give up.
constexpr int kRetryAfterSeconds = 5;

// The only mapping from our errors to the wire (docs/otlp-answers.md). Never INTERNAL and never 500
// for a failure of ours: a conforming client would then drop the batch. `status` is not OK; a
// caller with a reason of its own (a quota, a method that is not POST) changes what comes back.
Failure FailureFrom(const Status& status);

// google.rpc.Status {code, message, details}: a HTTP body, and in protobuf the trailer
// grpc-status-details-bin. The detail is RetryInfo where there is a delay, BadRequest with the
// message for INVALID_ARGUMENT.
Bytes EncodeStatus(const Failure& failure, Encoding encoding);

// google.rpc.RetryInfo in protobuf: the trailer google.rpc.retryinfo-bin.
Bytes EncodeRetryInfo(int seconds, int nanos = 0);

}  // namespace sealtrail::otlp
