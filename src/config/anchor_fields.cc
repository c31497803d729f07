#include "config/anchor_fields.h"

namespace sealtrail::config {
namespace {

constexpr size_t kAuthoritiesMax = 8;
constexpr uint64_t kIntervalSecondsMax = 86'400;

Status ReadAuthority(const YamlFields& yaml, const YAML::Node& node, anchor::Options& options) {
  anchor::TimeStampAuthority authority;
  SEAL_RETURN_IF_ERROR(yaml.Map(
      node, "anchors.tsa.",
      {{"url", [&](const YAML::Node& n) { return yaml.Text(n, "anchors.tsa.url", authority.url); }},
       {"ca_file", [&](const YAML::Node& n) {
          return yaml.Text(n, "anchors.tsa.ca_file", authority.ca_file);
        }}}));
  if (authority.url.empty() || authority.ca_file.empty()) {
    return yaml.Error(
        node,
        "anchors.tsa: expected url and ca_file, the certificates that may vouch for its tokens");
  }
  options.authorities.push_back(std::move(authority));
  return OkStatus();
}

Status ReadFail(const YamlFields& yaml, const YAML::Node& node, anchor::Options& options) {
  std::string text;
  SEAL_RETURN_IF_ERROR(yaml.Text(node, "anchors.fail", text));
  if (text != "open" && text != "closed")
    return yaml.Error(node, "anchors.fail: expected open or closed");
  options.fail_mode = text == "open" ? anchor::FailMode::kOpen : anchor::FailMode::kClosed;
  return OkStatus();
}

}  // namespace

Status ReadAnchors(const YamlFields& yaml, const YAML::Node& node, Config& config) {
  anchor::Options& options = config.anchors;
  const auto seconds = [&yaml](std::string_view key, int64_t& nanos) {
    return [&yaml, key, &nanos](const YAML::Node& n) {
      return yaml.Seconds(n, key, 1, kIntervalSecondsMax, nanos);
    };
  };
  const auto text = [&yaml](std::string_view key, std::string& out) {
    return [&yaml, key, &out](const YAML::Node& n) { return yaml.Text(n, key, out); };
  };
  SEAL_RETURN_IF_ERROR(
      yaml.Map(node, "anchors.",
               {{"policy", text("anchors.policy", config.anchor_policy_file)},
                {"witness_interval_seconds",
                 seconds("anchors.witness_interval_seconds", options.witness_interval_ns)},
                {"tsa",
                 [&](const YAML::Node& n) {
                   return yaml.List(n, "anchors.tsa", kAuthoritiesMax, [&](const YAML::Node& each) {
                     return ReadAuthority(yaml, each, options);
                   });
                 }},
                {"stamp_interval_seconds",
                 seconds("anchors.stamp_interval_seconds", options.stamp_interval_ns)},
                {"fail", [&](const YAML::Node& n) { return ReadFail(yaml, n, options); }},
                {"max_age_seconds", seconds("anchors.max_age_seconds", options.age_max_ns)},
                {"ca_file", text("anchors.ca_file", options.transport.ca_file)},
                {"proxy", text("anchors.proxy", options.transport.proxy)}}));
  const bool anchored = !config.anchor_policy_file.empty() || !options.authorities.empty();
  if (options.fail_mode == anchor::FailMode::kClosed && !anchored) {
    return yaml.Error(node["fail"],
                      "anchors.fail: closed without an anchor would never close; expected "
                      "anchors.policy or anchors.tsa too");
  }
  return OkStatus();
}

}  // namespace sealtrail::config
