#include "config/tls_fields.h"

namespace sealtrail::config {

Status ReadTls(const YamlFields& yaml, const YAML::Node& node, const std::string& key,
               std::optional<net::TlsOptions>& out) {
  net::TlsOptions tls;
  const auto file = [&](const char* name, std::string& path) {
    return [&yaml, &path, full = key + "." + name](const YAML::Node& n) {
      SEAL_RETURN_IF_ERROR(yaml.Text(n, full, path));
      return path.empty() ? yaml.Error(n, full + ": expected the path of a file") : OkStatus();
    };
  };
  SEAL_RETURN_IF_ERROR(yaml.Map(node, key + ".",
                                {
                                    {"cert_file", file("cert_file", tls.cert_file)},
                                    {"key_file", file("key_file", tls.key_file)},
                                    {"client_ca_file", file("client_ca_file", tls.client_ca_file)},
                                    {"reload_interval_seconds",
                                     [&](const YAML::Node& n) {
                                       return yaml.Seconds(n, key + ".reload_interval_seconds", 1,
                                                           86'400, tls.reload_interval_ns);
                                     }},
                                }));
  if (tls.cert_file.empty() || tls.key_file.empty()) {
    return yaml.Error(node, key + ": expected cert_file and key_file");
  }
  out = std::move(tls);
  return OkStatus();
}

}  // namespace sealtrail::config
