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
  std::string message;                     // at most 1 KiB of UTF-8
  std::optional<int> retry_after_seconds;  // set: the client may send the same request again
};

// The only mapping from our errors to the wire (docs/otlp-answers.md). Never INTERNAL and never 500
// for a failure of ours: a conforming client would then drop the batch.
Failure FailureFrom(const Status& status);

// google.rpc.Status {code, message, details: RetryInfo where there is a delay}: a HTTP body, and in
// protobuf the trailer grpc-status-details-bin.
Bytes EncodeStatus(const Failure& failure, Encoding encoding);

// google.rpc.RetryInfo in protobuf: the trailer google.rpc.retryinfo-bin.
Bytes EncodeRetryInfo(int seconds);

}  // namespace sealtrail::otlp
