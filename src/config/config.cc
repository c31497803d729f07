#include "config/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>

#include <yaml-cpp/yaml.h>

#include "base/origin.h"

namespace sealtrail::config {
namespace {

// How many single-character edits lie between two names.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substitute}));
    }
  }
  return row[b.size()];
}

class Parser {
 public:
  explicit Parser(std::string name) : name_(std::move(name)) {}

  Result<Config> Parse(const YAML::Node& root) {
    if (root.IsNull()) return config_;
    SEAL_RETURN_IF_ERROR(
        Map(root, "",
            {
                {"origin", [this](const YAML::Node& n) { return Origin(n); }},
                {"listen", [this](const YAML::Node& n) { return Listen(n); }},
                {"insecure_bind",
                 [this](const YAML::Node& n) {
                   return Bool(n, "insecure_bind", config_.insecure_bind);
                 }},
                {"select", [this](const YAML::Node& n) { return Select(n); }},
                {"min_free_bytes", [this](const YAML::Node& n) { return MinFreeBytes(n); }},
                {"index", [this](const YAML::Node& n) { return Index(n); }},
            }));
    return config_;
  }

 private:
  using Field = std::function<Status(const YAML::Node&)>;
  using Fields = std::map<std::string, Field>;

  Status Error(const YAML::Node& at, const std::string& text) const {
    return InvalidArgument("{}:{}: {}", name_, at.Mark().line + 1, text);
  }

  Status Map(const YAML::Node& node, const std::string& path, const Fields& fields) const {
    if (!node.IsMap()) {
      return Error(node,
                   fmt::format("{}: expected a map of keys", path.empty() ? "the file" : path));
    }
    for (const auto& member : node) {
      const std::string key = member.first.IsScalar() ? member.first.Scalar() : "";
      const auto field = fields.find(key);
      if (field == fields.end()) {
        return Error(member.first,
                     fmt::format("unknown key \"{}{}\"; did you mean \"{}\"? Expected one of: {}",
                                 path, key, Nearest(key, path, fields), Names(fields)));
      }
      SEAL_RETURN_IF_ERROR(field->second(member.second));
    }
    return OkStatus();
  }

  // Of the keys beside it, and, at the top, of those that stand one level deeper.
  static std::string Nearest(const std::string& key, const std::string& path,
                             const Fields& fields) {
    std::vector<std::string> known;
    for (const auto& [name, field] : fields) known.push_back(name);
    if (path.empty()) {
      for (const char* nested : {"listen.otlp_grpc", "listen.otlp_http", "listen.api",
                                 "select.attributes", "index.paused"}) {
        known.emplace_back(nested);
      }
    }
    const auto last_word = [](const std::string& name) {
      return std::string_view(name).substr(name.rfind('.') + 1);
    };
    return *std::ranges::min_element(
        known, {}, [&](const std::string& name) { return EditDistance(key, last_word(name)); });
  }

  static std::string Names(const Fields& fields) {
    std::string names;
    for (const auto& [name, field] : fields) names += names.empty() ? name : ", " + name;
    return names;
  }

  Status Text(const YAML::Node& node, std::string_view key, std::string& out) const {
    if (!node.IsScalar()) return Error(node, fmt::format("{}: expected a text", key));
    out = node.Scalar();
    return OkStatus();
  }

  Status Origin(const YAML::Node& node) {
    SEAL_RETURN_IF_ERROR(Text(node, "origin", config_.origin));
    const Status checked = CheckOrigin(config_.origin);
    return checked.ok() ? checked : Error(node, "origin: " + checked.message());
  }

  Status Bool(const YAML::Node& node, std::string_view key, bool& out) const {
    if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false")) {
      return Error(node, fmt::format("{}: expected true or false", key));
    }
    out = node.Scalar() == "true";
    return OkStatus();
  }

  Status Address(const YAML::Node& node, std::string_view key, std::string& out) const {
    SEAL_RETURN_IF_ERROR(Text(node, key, out));
    if (!IsLoopback(out).ok())
      return Error(node, fmt::format("{}: \"{}\", expected host:port", key, out));
    return OkStatus();
  }

  Status Listen(const YAML::Node& node) {
    return Map(
        node, "listen.",
        {
            {"otlp_grpc",
             [this](const YAML::Node& n) {
               return Address(n, "listen.otlp_grpc", config_.otlp_grpc);
             }},
            {"otlp_http",
             [this](const YAML::Node& n) {
               return Address(n, "listen.otlp_http", config_.otlp_http);
             }},
            {"api", [this](const YAML::Node& n) { return Address(n, "listen.api", config_.api); }},
        });
  }

  Status Select(const YAML::Node& node) {
    if (node.IsScalar() && node.Scalar() == "all") {
      config_.select_all = true;
      return OkStatus();
    }
    if (!node.IsMap())
      return Error(node, "select: expected \"all\" or a map with the key attributes");
    return Map(node, "select.",
               {{"attributes", [this](const YAML::Node& n) { return SelectAttributes(n); }}});
  }

  Status SelectAttributes(const YAML::Node& node) {
    constexpr std::string_view kExpected =
        "select.attributes: expected a list of 1 to 64 attribute keys";
    if (!node.IsSequence() || node.size() == 0 || node.size() > 64)
      return Error(node, std::string(kExpected));
    config_.select_attributes.clear();
    for (const auto& item : node) {
      if (!item.IsScalar() || item.Scalar().empty()) return Error(item, std::string(kExpected));
      config_.select_attributes.push_back(item.Scalar());
    }
    return OkStatus();
  }

  Status MinFreeBytes(const YAML::Node& node) {
    uint64_t bytes = 0;
    const std::string text = node.IsScalar() ? node.Scalar() : "";
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
      return Error(node, "min_free_bytes: expected a number of bytes, 0 or more");
    }
    config_.min_free_bytes = bytes;
    return OkStatus();
  }

  Status Index(const YAML::Node& node) {
    return Map(
        node, "index.",
        {
            {"paused",
             [this](const YAML::Node& n) { return Bool(n, "index.paused", config_.index_paused); }},
        });
  }

  const std::string name_;
  Config config_;
};

}  // namespace

Result<Config> ParseConfig(std::string_view yaml, const std::string& name) {
  try {
    return Parser(name).Parse(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& error) {
    return InvalidArgument("{}:{}: {}; expected YAML", name, error.mark.line + 1, error.msg);
  }
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
  for (const auto& [key, address] :
       std::array<std::pair<std::string_view, std::string>, 3>{{{"otlp_grpc", config.otlp_grpc},
                                                                {"otlp_http", config.otlp_http},
                                                                {"api", config.api}}}) {
    SEAL_ASSIGN_OR_RETURN(const bool loopback, IsLoopback(address));
    if (!loopback) {
      return InvalidArgument(
          "{} would listen on {}, beyond this machine, without TLS and authentication: set "
          "\"insecure_bind: true\" in the configuration if that is meant",
          key, address);
    }
  }
  return OkStatus();
}

}  // namespace sealtrail::config
