// A decoded request to the batch of audit records in it.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "env/random.h"
#include "model/telemetry.h"
#include "pipeline/redactor.h"
#include "pipeline/selector.h"
#include "record/batch_builder.h"

namespace sealtrail::pipeline {

// Who emits: the unit in which received = stored + duplicate + filtered + refused is counted.
struct Source {
  std::string service_namespace;
  std::string service;
  std::string environment;
  auto operator<=>(const Source&) const = default;
};

// Counted units (spans, span events, log records) of one source in one request.
struct UnitCounts {
  uint64_t received = 0;
  uint64_t selected = 0;
};

struct MappedRequest {
  // Records of the batch, in its order, that came from one source.
  struct Run {
    Source source;
    size_t records;
  };

  record::RecordBatch batch;
  std::map<Source, UnitCounts> counts;
  std::vector<Run> runs;
  bool redacted = false;  // something was taken out: the request holds what must not stay in memory
};

// What the mapping needs to know beside the request itself.
struct MappingContext {
  const Selector& selector;
  env::Random& random;  // for salts
  record::Receipt receipt;
  ByteView request;                    // the uncompressed bytes: identity of what has no id
  const Redactor* redactor = nullptr;  // null: everything is kept as it is
};

// ResourceExhausted if the records would pass kRequestCanonicalBytesMax; InvalidArgument for the receipt's texts.
Result<MappedRequest> MapTraces(const model::TracesRequest& request, const MappingContext& context);
Result<MappedRequest> MapLogs(const model::LogsRequest& request, const MappingContext& context);

}  // namespace sealtrail::pipeline
