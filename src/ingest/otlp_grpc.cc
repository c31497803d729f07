#include "ingest/otlp_grpc.h"

#include <string>
#include <utility>

#include "ingest/export_entry.h"
#include "ingest/unserved.h"

namespace sealtrail::ingest {
namespace {

constexpr char kTraces[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr char kLogs[] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr char kServed[] =
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export and "
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

Sender SenderOf(const net::GrpcCall& call) {
  return {.peer = call.peer,
          .user_agent = call.Metadata("user-agent"),
          .pipeline_label = call.Metadata("x-audit-pipeline"),
          .tls_subject = call.tls_subject,
          .transport = pipeline::Transport::kGrpc};
}

net::GrpcFailure FailureReply(const Status& error) {
  const otlp::Failure failure = otlp::FailureFrom(error);
  const auto text = [](const Bytes& bytes) { return std::string(AsText(bytes)); };
  net::GrpcFailure reply{.code = failure.grpc_code,
                         .message = failure.message,
                         .details = text(otlp::EncodeStatus(failure, otlp::Encoding::kProtobuf)),
                         .trailers = {}};
  if (failure.retry_after_seconds.has_value()) {
    reply.trailers.emplace_back("google.rpc.retryinfo-bin",
                                text(otlp::EncodeRetryInfo(*failure.retry_after_seconds)));
  }
  return reply;
}

void Handle(const ExportEntry& entry, net::GrpcCall call, const net::GrpcResponder& responder) {
  const auto signal = call.method == kTraces ? pipeline::Signal::kTraces : pipeline::Signal::kLogs;
  const net::ContentCoding coding = net::CodingByMagic(call.message.view());
  entry.Export(signal, otlp::Encoding::kProtobuf, coding, std::move(call.message), SenderOf(call),
               [responder](const Status& status) {
                 if (!status.ok()) return responder.Fail(FailureReply(status));
                 responder.Ok(otlp::EncodeSuccess(otlp::Encoding::kProtobuf));
               });
}

}  // namespace

Result<std::unique_ptr<net::GrpcServer>> StartOtlpGrpc(net::GrpcServerOptions options, env::Env env,
                                                       net::ByteBudget& budget,
                                                       pipeline::ExportHandler& handler,
                                                       MetricSet& metrics) {
  const ExportEntry entry(env.clock, budget, handler);
  const UnservedRequests unserved(metrics);
  options.methods = {kTraces, kLogs};
  options.make_failure = [entry, unserved](const net::GrpcCall& head, const Status& error) {
    if (error.code() == StatusCode::kUnimplemented) {
      return FailureReply(unserved.Refuse(head.method, kServed));
    }
    if (error.code() == StatusCode::kResourceExhausted) {
      entry.CountUndecodable(SenderOf(head), 0);  // core does not say how large it was
    }
    return FailureReply(error);
  };
  return net::GrpcServer::Start(std::move(options), env, budget,
                                [entry](net::GrpcCall call, const net::GrpcResponder& responder) {
                                  Handle(entry, std::move(call), responder);
                                });
}

}  // namespace sealtrail::ingest
