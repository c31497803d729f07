#include "api/metrics_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace sealtrail::api {

std::string RenderMetrics(const MetricSet& metrics) {
  std::vector<prometheus::MetricFamily> families;
  for (const MetricSet::Sample& sample : metrics.Collect()) {
    if (families.empty() || families.back().name != sample.name) {
      families.push_back(
          {sample.name,
           sample.help,
           sample.is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
           {}});
    }
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
    if (sample.is_counter) {
      metric.counter.value = sample.value;
    } else {
      metric.gauge.value = sample.value;
    }
    families.back().metric.push_back(std::move(metric));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace sealtrail::api
