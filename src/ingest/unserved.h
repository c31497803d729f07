// What reaches an OTLP port and belongs elsewhere: metrics and profiles, for which an audit trail has no place, and paths
// that nobody serves. All of it is refused for good, so that no sender takes it for stored or tries for ever
// (docs/otlp-answers.md), and counted.
#pragma once

#include <string_view>

#include "base/metrics.h"
#include "base/status.h"

namespace sealtrail::ingest {

// Threads  Safe; copies count into the same set, which outlives them.
class UnservedRequests {
 public:
  explicit UnservedRequests(MetricSet& metrics);

  // Counts a request for `path` (over gRPC: the method) and says why it is refused: Unimplemented. `served` tells where
  // traces and logs go.
  Status Refuse(std::string_view path, std::string_view served) const;

 private:
  Counter* metrics_;
  Counter* profiles_;
  Counter* unknown_;
};

}  // namespace sealtrail::ingest
