// The configuration of `sealtrail witness`: docs/witness.md.
#include "base/origin.h"
#include "config/config.h"
#include "config/yaml_fields.h"

namespace sealtrail::config {
namespace {

constexpr size_t kLogsMax = 1'000;
constexpr size_t kKeysMax = 16;  // of one log

Status ReadLog(const YamlFields& yaml, const YAML::Node& node, anchor::WitnessOptions& options) {
  anchor::WitnessedLog log;
  const auto add_key = [&](const YAML::Node& n) {
    log.vkeys.emplace_back();
    return yaml.Text(n, "logs.vkey", log.vkeys.back());
  };
  SEAL_RETURN_IF_ERROR(yaml.Map(
      node, "logs.",
      {{"vkey", add_key},
       {"vkeys",
        [&](const YAML::Node& n) { return yaml.List(n, "logs.vkeys", kKeysMax, add_key); }},
       {"requests_per_minute", [&](const YAML::Node& n) {
          uint64_t requests = 0;
          SEAL_RETURN_IF_ERROR(
              yaml.Number(n, "logs.requests_per_minute", "requests", 1, 60'000, requests));
          log.requests_per_minute_max = static_cast<int>(requests);
          return OkStatus();
        }}}));
  if (log.vkeys.empty()) return yaml.Error(node, "logs: expected vkey, or vkeys, of the log");
  options.logs.push_back(std::move(log));
  return OkStatus();
}

}  // namespace

Result<anchor::WitnessOptions> ParseWitnessConfig(std::string_view text, const std::string& name) {
  anchor::WitnessOptions options;
  const YamlFields yaml(name, {"logs.vkey", "logs.vkeys", "logs.requests_per_minute"});
  SEAL_RETURN_IF_ERROR(ReadYaml(text, name, [&](const YAML::Node& root) {
    return yaml.Map(
        root, "",
        {{"listen", [&](const YAML::Node& n) { return yaml.Text(n, "listen", options.listen); }},
         {"name",
          [&](const YAML::Node& n) {
            SEAL_RETURN_IF_ERROR(yaml.Text(n, "name", options.name));
            const Status checked = CheckKeyName(options.name);
            return checked.ok() ? checked : yaml.Error(n, "name: " + checked.message());
          }},
         {"logs", [&](const YAML::Node& n) {
            return yaml.List(n, "logs", kLogsMax,
                             [&](const YAML::Node& each) { return ReadLog(yaml, each, options); });
          }}});
  }));
  if (options.name.empty())
    return InvalidArgument("{}:1: name: expected the name of the witness's key", name);
  if (options.logs.empty()) return InvalidArgument("{}:1: logs: expected one log at least", name);
  return options;
}

}  // namespace sealtrail::config
