#include "pipeline/audit_pipeline.h"

#include <memory>
#include <utility>

#include "otlp/decode.h"
#include "record/self_record.h"

namespace sealtrail::pipeline {
namespace {

std::string_view TransportName(Transport transport) {
  switch (transport) {
    case Transport::kGrpc:
      return "grpc";
    case Transport::kHttpProtobuf:
      return "http/protobuf";
    case Transport::kHttpJson:
      return "http/json";
  }
  SEAL_UNREACHABLE();
}

Result<model::TracesRequest> DecodeTraces(otlp::Encoding encoding, ByteView body,
                                          model::Arena& arena) {
  return encoding == otlp::Encoding::kJson ? otlp::DecodeTracesJson(body, arena)
                                           : otlp::DecodeTracesProtobuf(body, arena);
}

Result<model::LogsRequest> DecodeLogs(otlp::Encoding encoding, ByteView body, model::Arena& arena) {
  return encoding == otlp::Encoding::kJson ? otlp::DecodeLogsJson(body, arena)
                                           : otlp::DecodeLogsProtobuf(body, arena);
}

Result<MappedRequest> MapDecoded(Signal signal, otlp::Encoding encoding,
                                 const MappingContext& mapping, model::Arena& arena) {
  if (signal == Signal::kTraces) {
    SEAL_ASSIGN_OR_RETURN(const model::TracesRequest request,
                          DecodeTraces(encoding, mapping.request, arena));
    return MapTraces(request, mapping);
  }
  SEAL_ASSIGN_OR_RETURN(const model::LogsRequest request,
                        DecodeLogs(encoding, mapping.request, arena));
  return MapLogs(request, mapping);
}

record::SelfAct TallyAct(const SourceTallies::Entry& entry) {
  return {.action = "sealtrail.source.tally",
          .actor = "sealtrail",
          .target = entry.source.service,
          .details = {{"sealtrail.source.principal", entry.principal},
                      {"sealtrail.source.namespace", entry.source.service_namespace},
                      {"sealtrail.source.environment", entry.source.environment},
                      {"sealtrail.tally.received", std::to_string(entry.total.received)},
                      {"sealtrail.tally.stored", std::to_string(entry.total.stored)},
                      {"sealtrail.tally.duplicate", std::to_string(entry.total.duplicate)},
                      {"sealtrail.tally.filtered", std::to_string(entry.total.filtered)},
                      {"sealtrail.tally.refused", std::to_string(entry.total.refused)}}};
}

// What became of `count` records of a batch, from `first` on.
Tally TallyOf(const Result<record::CommitOutcome>& outcome, size_t first, size_t count) {
  if (!outcome.ok()) return {.refused = count};
  Tally tally;
  for (size_t i = first; i < first + count; ++i) {
    if ((*outcome)[i].kind == record::RecordOutcome::Kind::kDuplicate) {
      ++tally.duplicate;
    } else {
      ++tally.stored;
    }
  }
  return tally;
}

}  // namespace

AuditPipeline::AuditPipeline(const env::Env& env, Selector selector, record::RecordSink& sink,
                             MetricSet& metrics, std::shared_ptr<const Redactor> redactor)
    : env_(env),
      selector_(std::move(selector)),
      redactor_(std::move(redactor)),
      sink_(sink),
      metrics_(metrics),
      tallies_(metrics) {}

Result<MappedRequest> AuditPipeline::Map(Signal signal, otlp::Encoding encoding,
                                         const SharedBytes& body, const ExportContext& context) {
  const MappingContext mapping{.selector = selector_,
                               .random = env_.random,
                               .receipt = {.received_at = context.received_at,
                                           .principal = context.principal,
                                           .client = context.client_software,
                                           .label = context.pipeline_label,
                                           .peer = context.peer,
                                           .transport = TransportName(context.transport)},
                               .request = body.view(),
                               .redactor = redactor_.get()};
  model::Arena arena;
  Result<MappedRequest> mapped = MapDecoded(signal, encoding, mapping, arena);
  if (mapped.ok() && mapped->redacted) {
    arena.Wipe();
    body.Wipe();
  }
  return mapped;
}

void AuditPipeline::Export(Signal signal, otlp::Encoding encoding, SharedBytes body,
                           ExportContext context, std::function<void(Status)> done) {
  Result<MappedRequest> mapped = Map(signal, encoding, body, context);
  if (!mapped.ok()) {
    CountUndecodable(context, body.size());
    done(mapped.status());
    return;
  }
  for (const auto& [source, units] : mapped->counts) {
    tallies_.Add(context.principal, source,
                 {.received = units.received, .filtered = units.received - units.selected});
  }
  if (mapped->batch.records.empty()) {
    done(OkStatus());
    return;
  }
  auto runs = std::make_shared<const std::vector<MappedRequest::Run>>(std::move(mapped->runs));
  sink_.Submit(std::move(mapped->batch),
               [this, runs, principal = std::move(context.principal),
                done = std::move(done)](Result<record::CommitOutcome> outcome) {
                 size_t next = 0;
                 for (const MappedRequest::Run& run : *runs) {
                   tallies_.Add(principal, run.source, TallyOf(outcome, next, run.records));
                   next += run.records;
                 }
                 done(outcome.status());
               });
}

void AuditPipeline::CountUndecodable(const ExportContext& context, size_t bytes) {
  const MetricLabels labels = {{"principal", context.principal}};
  metrics_
      .GetCounter("sealtrail_undecodable_requests_total", "Requests that could not be decoded",
                  labels)
      .Add();
  metrics_.GetCounter("sealtrail_undecodable_bytes_total", "Bytes of these requests", labels)
      .Add(bytes);
}

void AuditPipeline::RecordTallies(std::function<void(Status)> done) {
  auto entries = std::make_shared<const std::vector<SourceTallies::Entry>>(tallies_.TakeChanged());
  if (entries->empty()) return done(OkStatus());
  std::vector<record::SelfAct> acts;
  for (const SourceTallies::Entry& entry : *entries) acts.push_back(TallyAct(entry));
  std::vector<record::Salt> salts(acts.size());
  for (record::Salt& salt : salts) env_.random.Fill(salt);
  sink_.Submit(
      record::SelfRecords(acts, env_.clock.Now(), salts),
      [this, entries, done = std::move(done)](const Result<record::CommitOutcome>& outcome) {
        if (!outcome.ok()) {
          for (const SourceTallies::Entry& entry : *entries) tallies_.PutBack(entry);
        }
        done(outcome.status());
      });
}

}  // namespace sealtrail::pipeline
