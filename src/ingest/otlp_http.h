// OTLP over HTTP/1.1: POST /v1/traces and /v1/logs, protobuf or JSON, plain, gzip or zstd.
//
// Answers follow OTLP 1.11 "OTLP/HTTP": the empty Export*ServiceResponse, or a google.rpc.Status, in the encoding of the
// request (JSON where that is neither of both). 400 not decodable, 404 no such path, 405 not POST, 413 too large,
// 415 media type or content coding, 503 with Retry-After where the client shall try again.
#pragma once

#include <memory>

#include "base/metrics.h"
#include "base/status.h"
#include "env/env.h"
#include "net/byte_budget.h"
#include "net/http_server.h"
#include "pipeline/export_handler.h"

namespace sealtrail::ingest {

// A server that hands requests to `handler`. `options.error_answer` is set here. All borrowed things outlive the server.
Result<std::unique_ptr<net::HttpServer>> StartOtlpHttp(net::HttpServerOptions options, env::Env env,
                                                       net::ByteBudget& budget,
                                                       pipeline::ExportHandler& handler,
                                                       MetricSet& metrics);

}  // namespace sealtrail::ingest
