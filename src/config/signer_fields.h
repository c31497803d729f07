#pragma once

#include "config/config.h"
#include "config/yaml_fields.h"

namespace sealtrail::config {

// The map under `key`, "signer" or "next_signer".
Status ReadSigner(const YamlFields& yaml, const YAML::Node& node, const std::string& key,
                  std::optional<SignerCommand>& signer);

}  // namespace sealtrail::config
