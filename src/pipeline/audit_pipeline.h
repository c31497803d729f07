// OTLP requests to durable audit records: decode, select, map, hand to the sink, count, answer.
#pragma once

#include <memory>

#include "base/metrics.h"
#include "env/env.h"
#include "pipeline/export_handler.h"
#include "pipeline/redactor.h"
#include "pipeline/selector.h"
#include "pipeline/source_tally.h"
#include "record/record_sink.h"

namespace sealtrail::pipeline {

// Threads  Safe; requests are decoded on the threads that bring them, side by side.
class AuditPipeline : public ExportHandler {
 public:
  // Borrows all but the selector. Without a redactor everything is kept as it is.
  AuditPipeline(const env::Env& env, Selector selector, record::RecordSink& sink,
                MetricSet& metrics, std::shared_ptr<const Redactor> redactor = nullptr);

  void Export(Signal signal, otlp::Encoding encoding, SharedBytes body, ExportContext context,
              std::function<void(Status)> done) override;
  void CountUndecodable(const ExportContext& context, size_t bytes) override;

  // Records the tallies of every source with news since the last time, then calls `done`.
  void RecordTallies(std::function<void(Status)> done);

 private:
  Result<MappedRequest> Map(Signal signal, otlp::Encoding encoding, const SharedBytes& body,
                            const ExportContext& context);

  const env::Env env_;
  const Selector selector_;
  const std::shared_ptr<const Redactor> redactor_;
  record::RecordSink& sink_;
  MetricSet& metrics_;
  SourceTallies tallies_;
};

}  // namespace sealtrail::pipeline
