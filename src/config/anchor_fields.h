// The keys `anchors:` of the store's configuration.
#pragma once

#include "config/config.h"
#include "config/yaml_fields.h"

namespace sealtrail::config {

Status ReadAnchors(const YamlFields& yaml, const YAML::Node& node, Config& config);

}  // namespace sealtrail::config
