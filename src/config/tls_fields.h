// The key `tls` of a listener.
#pragma once

#include <optional>
#include <string>

#include "config/yaml_fields.h"
#include "net/options.h"

namespace sealtrail::config {

// `key`: its full name, "listen.api.tls". An error unless certificate and key are both there.
Status ReadTls(const YamlFields& yaml, const YAML::Node& node, const std::string& key,
               std::optional<net::TlsOptions>& out);

}  // namespace sealtrail::config
