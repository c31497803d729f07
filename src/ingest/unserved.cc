#include "ingest/unserved.h"

#include <string>

#include "base/utf8.h"

namespace sealtrail::ingest {
namespace {

constexpr size_t kPathShownBytesMax = 200;  // so that the right ones still go into the message

Counter* CounterOf(MetricSet& metrics, const std::string& signal) {
  return &metrics.GetCounter("sealtrail_unserved_requests_total",
                             "Requests on the OTLP ports for what is not stored here",
                             {{"signal", signal}});
}

}  // namespace

UnservedRequests::UnservedRequests(MetricSet& metrics)
    : metrics_(CounterOf(metrics, "metrics")),
      profiles_(CounterOf(metrics, "profiles")),
      unknown_(CounterOf(metrics, "unknown")) {}

Status UnservedRequests::Refuse(std::string_view path, std::string_view served) const {
  const auto elsewhere = [&](std::string_view signal) {
    return Unimplemented(
        "Sealtrail stores traces and logs; no {} pipeline belongs here, and nothing was stored. "
        "Here are {}",
        signal, served);
  };
  if (path == "/v1/metrics" ||
      path == "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export") {
    metrics_->Add();
    return elsewhere("metrics");
  }
  if (path == "/v1development/profiles" ||
      path == "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export") {
    profiles_->Add();
    return elsewhere("profiles");
  }
  unknown_->Add();
  return Unimplemented("no {} here, and nothing was stored. Here are {}",
                       Utf8Shortened(path, kPathShownBytesMax), served);
}

}  // namespace sealtrail::ingest
