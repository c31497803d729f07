// The redactor that a configuration asks for.
#pragma once

#include <memory>
#include <string>

#include "base/metrics.h"
#include "config/config.h"
#include "env/env.h"
#include "pipeline/redactor.h"

namespace sealtrail::server {

struct OpenedRedactor {
  std::shared_ptr<const pipeline::Redactor> redactor;
  std::string version;  // of its rules
};

// As no configuration says: of the built-in rules.
std::string BuiltInRedactionVersion();

// Reads the files that the configuration names. Errors name file and line of what is wrong in them. A key file that others
// than its owner may read is a warning in the log.
Result<OpenedRedactor> OpenRedactor(const env::Env& env, const config::Redaction& config,
                                    MetricSet& metrics);

}  // namespace sealtrail::server
