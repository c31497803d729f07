#include "config/yaml_fields.h"

#include <algorithm>
#include <charconv>

#include "base/ids.h"

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

std::string Names(const Fields& fields) {
  std::string names;
  for (const auto& [name, field] : fields) names += names.empty() ? name : ", " + name;
  return names;
}

}  // namespace

Status YamlFields::Error(const YAML::Node& at, const std::string& text) const {
  return InvalidArgument("{}:{}: {}", name_, at.Mark().line + 1, text);
}

Status YamlFields::Map(const YAML::Node& node, const std::string& path,
                       const Fields& fields) const {
  if (!node.IsMap()) {
    return Error(node, fmt::format("{}: expected a map of keys", path.empty() ? "the file" : path));
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

// Of the keys beside it, and, at the top, of those that stand deeper.
std::string YamlFields::Nearest(const std::string& key, const std::string& path,
                                const Fields& fields) const {
  std::vector<std::string> known;
  for (const auto& [name, field] : fields) known.push_back(name);
  if (path.empty()) known.insert(known.end(), nested_.begin(), nested_.end());
  const auto last_word = [](const std::string& name) {
    return std::string_view(name).substr(name.rfind('.') + 1);
  };
  return *std::ranges::min_element(
      known, {}, [&](const std::string& name) { return EditDistance(key, last_word(name)); });
}

Status YamlFields::Text(const YAML::Node& node, std::string_view key, std::string& out) const {
  if (!node.IsScalar()) return Error(node, fmt::format("{}: expected a text", key));
  out = node.Scalar();
  return OkStatus();
}

Status YamlFields::Bool(const YAML::Node& node, std::string_view key, bool& out) const {
  if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false")) {
    return Error(node, fmt::format("{}: expected true or false", key));
  }
  out = node.Scalar() == "true";
  return OkStatus();
}

Status YamlFields::Number(const YAML::Node& node, std::string_view key, std::string_view unit,
                          uint64_t min, uint64_t max, uint64_t& out) const {
  const std::string text = node.IsScalar() ? node.Scalar() : "";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || out < min ||
      out > max) {
    const std::string range =
        max == UINT64_MAX ? fmt::format("{} or more", min) : fmt::format("{} to {}", min, max);
    return Error(node, fmt::format("{}: expected a number of {}, {}", key, unit, range));
  }
  return OkStatus();
}

Status YamlFields::Seconds(const YAML::Node& node, std::string_view key, uint64_t min, uint64_t max,
                           int64_t& nanos) const {
  uint64_t seconds = 0;
  SEAL_RETURN_IF_ERROR(Number(node, key, "seconds", min, max, seconds));
  nanos = static_cast<int64_t>(seconds) * kNanosPerSecond;
  return OkStatus();
}

Status YamlFields::List(const YAML::Node& node, std::string_view key, size_t max,
                        const Field& item) const {
  if (!node.IsSequence() || node.size() == 0 || node.size() > max) {
    return Error(node, fmt::format("{}: expected a list of 1 to {}", key, max));
  }
  for (const auto& each : node) SEAL_RETURN_IF_ERROR(item(each));
  return OkStatus();
}

Status ReadYaml(std::string_view yaml, const std::string& name, const Field& root) {
  try {
    return root(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& error) {
    return InvalidArgument("{}:{}: {}; expected YAML", name, error.mark.line + 1, error.msg);
  }
}

}  // namespace sealtrail::config
