// OTLP requests, protobuf or JSON, to plain values. Wire facts: opentelemetry-proto v1.11.0, OTLP
// 1.11 "JSON Protobuf Encoding"; what is read beyond them: docs/otlp-answers.md.
//
// Errors   InvalidArgument, with the place ("resource_spans[0].scope_spans[1].spans[7].trace_id:
//          15 bytes, expected 16"), if the bytes are no such message, an id has a length that is
//          neither 0 nor right, or values nest deeper than kNestingMax. ResourceExhausted if the
//          result would take more than kDecodedBytesMax. Nothing is ever cut or repaired: strings
//          come as they are.
// Cost     One pass, no copy of strings from protobuf: the result points into `body` and `arena`.
//          No allocation but the arena's, which on an error holds what was decoded until then.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "model/arena.h"
#include "model/telemetry.h"

namespace sealtrail::otlp {

// ExportTraceServiceRequest and ExportLogsServiceRequest in protobuf. `body` must outlive the
// result.
Result<model::TracesRequest> DecodeTracesProtobuf(ByteView body, model::Arena& arena);
Result<model::LogsRequest> DecodeLogsProtobuf(ByteView body, model::Arena& arena);

// The same in OTLP/JSON. Everything is copied into `arena`; `body` may go.
Result<model::TracesRequest> DecodeTracesJson(ByteView body, model::Arena& arena);
Result<model::LogsRequest> DecodeLogsJson(ByteView body, model::Arena& arena);

}  // namespace sealtrail::otlp
