// Renders a MetricSet in the Prometheus text format.
#pragma once

#include <string>

#include "base/metrics.h"

namespace sealtrail::api {

std::string RenderMetrics(const MetricSet& metrics);

}  // namespace sealtrail::api
