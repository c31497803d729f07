#include "config/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>

#include "base/origin.h"
#include "config/anchor_fields.h"
#include "config/signer_fields.h"
#include "config/tls_fields.h"
#include "config/yaml_fields.h"

namespace sealtrail::config {
namespace {

class Parser {
 public:
  explicit Parser(std::string name)
      : yaml_(std::move(name),
              {"listen.otlp_grpc", "listen.otlp_http", "listen.api", "listen.otlp_grpc.tls",
               "listen.otlp_grpc.tls.cert_file", "listen.otlp_grpc.tls.key_file",
               "listen.otlp_grpc.tls.client_ca_file", "select.attributes", "index.paused",
               "segment.bytes_max", "segment.age_max_seconds", "anchors.policy", "anchors.tsa",
               "anchors.fail", "signer.command", "signer.vkey", "redaction.rules",
               "redaction.without", "redaction.hmac_key"}) {}

  Result<Config> Parse(const YAML::Node& root) {
    if (root.IsNull()) return config_;
    SEAL_RETURN_IF_ERROR(yaml_.Map(
        root, "",
        {
            {"origin", [this](const YAML::Node& n) { return Origin(n); }},
            {"listen", [this](const YAML::Node& n) { return Listen(n); }},
            {"insecure_bind",
             [this](const YAML::Node& n) {
               return yaml_.Bool(n, "insecure_bind", config_.insecure_bind);
             }},
            {"select", [this](const YAML::Node& n) { return Select(n); }},
            {"redaction", [this](const YAML::Node& n) { return ReadRedaction(n); }},
            {"min_free_bytes", [this](const YAML::Node& n) { return MinFreeBytes(n); }},
            {"segment", [this](const YAML::Node& n) { return Segment(n); }},
            {"duplicates", [this](const YAML::Node& n) { return Duplicates(n); }},
            {"signing_state",
             [this](const YAML::Node& n) {
               return yaml_.Text(n, "signing_state", config_.signing_state);
             }},
            {"signer",
             [this](const YAML::Node& n) {
               return ReadSigner(yaml_, n, "signer", config_.signer);
             }},
            {"next_signer",
             [this](const YAML::Node& n) {
               return ReadSigner(yaml_, n, "next_signer", config_.next_signer);
             }},
            {"anchors", [this](const YAML::Node& n) { return ReadAnchors(yaml_, n, config_); }},
            {"index", [this](const YAML::Node& n) { return Index(n); }},
        }));
    return config_;
  }

 private:
  Status Origin(const YAML::Node& node) {
    SEAL_RETURN_IF_ERROR(yaml_.Text(node, "origin", config_.origin));
    const Status checked = CheckOrigin(config_.origin);
    return checked.ok() ? checked : yaml_.Error(node, "origin: " + checked.message());
  }

  Status Address(const YAML::Node& node, std::string_view key, std::string& out) const {
    SEAL_RETURN_IF_ERROR(yaml_.Text(node, key, out));
    if (!IsLoopback(out).ok())
      return yaml_.Error(node, fmt::format("{}: \"{}\", expected host:port", key, out));
    return OkStatus();
  }

  // "host:port", or a map of `address` and `tls`.
  Status Listener(const YAML::Node& node, const std::string& key, std::string& address,
                  std::optional<net::TlsOptions>& tls) const {
    if (!node.IsMap()) return Address(node, key, address);
    return yaml_.Map(
        node, key + ".",
        {
            {"address", [&](const YAML::Node& n) { return Address(n, key + ".address", address); }},
            {"tls", [&](const YAML::Node& n) { return ReadTls(yaml_, n, key + ".tls", tls); }},
        });
  }

  Status Listen(const YAML::Node& node) {
    return yaml_.Map(
        node, "listen.",
        {
            {"otlp_grpc",
             [this](const YAML::Node& n) {
               return Listener(n, "listen.otlp_grpc", config_.otlp_grpc, config_.otlp_grpc_tls);
             }},
            {"otlp_http",
             [this](const YAML::Node& n) {
               return Listener(n, "listen.otlp_http", config_.otlp_http, config_.otlp_http_tls);
             }},
            {"api",
             [this](const YAML::Node& n) {
               return Listener(n, "listen.api", config_.api, config_.api_tls);
             }},
        });
  }

  Status Select(const YAML::Node& node) {
    if (node.IsScalar() && node.Scalar() == "all") {
      config_.select_all = true;
      return OkStatus();
    }
    if (!node.IsMap())
      return yaml_.Error(node, "select: expected \"all\" or a map with the key attributes");
    return yaml_.Map(node, "select.",
                     {{"attributes", [this](const YAML::Node& n) { return SelectAttributes(n); }}});
  }

  Status SelectAttributes(const YAML::Node& node) {
    constexpr std::string_view kExpected =
        "select.attributes: expected a list of 1 to 64 attribute keys";
    if (!node.IsSequence() || node.size() == 0 || node.size() > 64)
      return yaml_.Error(node, std::string(kExpected));
    config_.select_attributes.clear();
    for (const auto& item : node) {
      if (!item.IsScalar() || item.Scalar().empty())
        return yaml_.Error(item, std::string(kExpected));
      config_.select_attributes.push_back(item.Scalar());
    }
    return OkStatus();
  }

  Status ReadRedaction(const YAML::Node& node) {
    Redaction& redaction = config_.redaction;
    return yaml_.Map(node, "redaction.",
                     {{"rules",
                       [&](const YAML::Node& n) {
                         return FilePath(n, "redaction.rules", redaction.rules_file);
                       }},
                      {"without", [&](const YAML::Node& n) { return RedactionWithout(n); }},
                      {"hmac_key", [&](const YAML::Node& n) {
                         return FilePath(n, "redaction.hmac_key", redaction.hmac_key_file);
                       }}});
  }

  Status FilePath(const YAML::Node& node, std::string_view key, std::string& out) const {
    SEAL_RETURN_IF_ERROR(yaml_.Text(node, key, out));
    if (out.empty()) return yaml_.Error(node, fmt::format("{}: expected the path of a file", key));
    return OkStatus();
  }

  Status RedactionWithout(const YAML::Node& node) {
    constexpr std::string_view kExpected =
        "redaction.without: expected \"all\" or a list of names of built-in rules";
    if (node.IsScalar() && node.Scalar() == "all") {
      config_.redaction.without_all = true;
      return OkStatus();
    }
    if (!node.IsSequence()) return yaml_.Error(node, std::string(kExpected));
    for (const auto& item : node) {
      if (!item.IsScalar() || item.Scalar().empty()) {
        return yaml_.Error(item, std::string(kExpected));
      }
      config_.redaction.without.push_back(item.Scalar());
    }
    return OkStatus();
  }

  Status MinFreeBytes(const YAML::Node& node) {
    uint64_t bytes = 0;
    SEAL_RETURN_IF_ERROR(yaml_.Number(node, "min_free_bytes", "bytes", 0, UINT64_MAX, bytes));
    config_.min_free_bytes = bytes;
    return OkStatus();
  }

  Status Segment(const YAML::Node& node) {
    return yaml_.Map(node, "segment.",
                     {{"bytes_max",
                       [this](const YAML::Node& n) {
                         return yaml_.Number(n, "segment.bytes_max", "bytes", 64 * kKiB,
                                             kSegmentBytes, config_.segment_bytes_max);
                       }},
                      {"age_max_seconds", [this](const YAML::Node& n) {
                         return yaml_.Number(n, "segment.age_max_seconds", "seconds", 1, 86'400,
                                             config_.segment_age_max_seconds);
                       }}});
  }

  Status Duplicates(const YAML::Node& node) {
    return yaml_.Map(node, "duplicates.",
                     {{"identities_max",
                       [this](const YAML::Node& n) {
                         return yaml_.Number(n, "duplicates.identities_max", "identities", 1000,
                                             kIdentitiesMax, config_.identities_max);
                       }},
                      {"hours_max", [this](const YAML::Node& n) {
                         return yaml_.Number(n, "duplicates.hours_max", "hours", 1,
                                             kIdentityHoursMax, config_.identity_hours_max);
                       }}});
  }

  Status Index(const YAML::Node& node) {
    return yaml_.Map(node, "index.",
                     {
                         {"paused",
                          [this](const YAML::Node& n) {
                            return yaml_.Bool(n, "index.paused", config_.index_paused);
                          }},
                     });
  }

  const YamlFields yaml_;
  Config config_;
};

}  // namespace

Result<Config> ParseConfig(std::string_view yaml, const std::string& name) {
  Config config;
  SEAL_RETURN_IF_ERROR(ReadYaml(yaml, name, [&](const YAML::Node& root) {
    SEAL_ASSIGN_OR_RETURN(config, Parser(name).Parse(root));
    return OkStatus();
  }));
  if (!name.empty()) config.digest = crypto::Sha256(AsBytes(yaml));
  return config;
}

Result<bool> IsLoopback(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == address.npos || colon == 0)
    return InvalidArgument("\"{}\": expected host:port", address);
  uint16_t port = 0;
  const char* end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    return InvalidArgument("\"{}\": expected host:port", address);
  const std::string host = address.substr(0, colon);
  const bool numeric =
      host.find_first_not_of("0123456789.") == host.npos;  // a name may resolve to anything
  return host == "localhost" || host == "[::1]" || (numeric && host.starts_with("127."));
}

Status CheckBinds(const Config& config) {
  if (config.insecure_bind) return OkStatus();
  struct Listener {
    std::string_view key;
    const std::string& address;
    const std::optional<net::TlsOptions>& tls;
  };
  for (const auto& [key, address, tls] :
       std::array<Listener, 3>{{{"otlp_grpc", config.otlp_grpc, config.otlp_grpc_tls},
                                {"otlp_http", config.otlp_http, config.otlp_http_tls},
                                {"api", config.api, config.api_tls}}}) {
    SEAL_ASSIGN_OR_RETURN(const bool loopback, IsLoopback(address));
    const bool asks_clients = tls.has_value() && !tls->client_ca_file.empty();
    if (!loopback && !asks_clients) {
      return InvalidArgument(
          "{} would listen on {}, beyond this machine, without TLS and authentication: set "
          "\"listen.{}.tls\" with a client_ca_file in the configuration, or \"insecure_bind: "
          "true\" "
          "if that is meant",
          key, address, key);
    }
  }
  return OkStatus();
}

}  // namespace sealtrail::config
