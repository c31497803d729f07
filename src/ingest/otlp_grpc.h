// OTLP over gRPC: TraceService/Export and LogsService/Export, plain, gzip or zstd.
//
// A failure carries google.rpc.Status in grpc-status-details-bin and, where the client shall try again, RetryInfo once
// more in google.rpc.retryinfo-bin, for some clients look only there.
#pragma once

#include <memory>

#include "base/metrics.h"
#include "base/status.h"
#include "env/env.h"
#include "net/byte_budget.h"
#include "net/grpc_server.h"
#include "pipeline/export_handler.h"

namespace sealtrail::ingest {

// A server that hands requests to `handler`. `options.methods` and `options.make_failure` are set here. All borrowed
// things outlive the server.
Result<std::unique_ptr<net::GrpcServer>> StartOtlpGrpc(net::GrpcServerOptions options, env::Env env,
                                                       net::ByteBudget& budget,
                                                       pipeline::ExportHandler& handler,
                                                       MetricSet& metrics);

}  // namespace sealtrail::ingest
