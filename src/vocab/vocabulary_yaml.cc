// Reads the two rule files. The form is documented at their top.
#include <algorithm>
#include <set>

#include <yaml-cpp/yaml.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "vocab/vocabulary.h"

namespace sealtrail::vocab {
namespace {

// A place in the file, for people.
std::string At(const YAML::Node& node) {
  return node.Mark().is_null() ? "end of file" : fmt::format("line {}", node.Mark().line + 1);
}

Result<YAML::Node> Parse(std::string_view yaml) {
  try {
    YAML::Node root = YAML::Load(std::string(yaml));
    if (!root.IsMap()) return InvalidArgument("expected a map at the top");
    return root;
  } catch (const YAML::Exception& error) {
    return InvalidArgument("{}", error.what());
  }
}

Result<std::string> Version(const YAML::Node& root, std::string_view yaml) {
  const YAML::Node version = root["version"];
  if (!version || !version.IsScalar() || version.Scalar().empty()) {
    return InvalidArgument("expected `version: N`");
  }
  return fmt::format("{}-{:08x}", version.Scalar(), Crc32c(AsBytes(yaml)));
}

// A list of non-empty texts, or one text alone.
Result<std::vector<std::string>> Words(const YAML::Node& node, std::string_view what) {
  std::vector<std::string> words;
  if (node.IsScalar()) {
    words.push_back(node.Scalar());
  } else if (node.IsSequence()) {
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) return InvalidArgument("{}: {}: expected a text", At(item), what);
      words.push_back(item.Scalar());
    }
  } else {
    return InvalidArgument("{}: {}: expected a list", At(node), what);
  }
  for (const std::string& word : words) {
    if (word.empty()) return InvalidArgument("{}: {}: an empty text", At(node), what);
  }
  return words;
}

Result<TextColumn> ColumnNamed(const YAML::Node& key) {
  for (size_t i = 0; i < kTextColumnCount; ++i) {
    if (kTextColumnNames[i] == key.Scalar()) return static_cast<TextColumn>(i);
  }
  return InvalidArgument("{}: no column is called \"{}\"", At(key), key.Scalar());
}

Status ReadAliases(const YAML::Node& root, const char* section,
                   TextMap<std::vector<Alias>>& aliases) {
  const YAML::Node columns = root[section];
  if (!columns || !columns.IsMap()) return InvalidArgument("expected a map `{}`", section);
  for (const auto& entry : columns) {
    SEAL_ASSIGN_OR_RETURN(const TextColumn column, ColumnNamed(entry.first));
    SEAL_ASSIGN_OR_RETURN(const auto spellings, Words(entry.second, entry.first.Scalar()));
    for (size_t rank = 0; rank < spellings.size(); ++rank) {
      aliases[spellings[rank]].push_back({column, static_cast<uint16_t>(rank)});
    }
  }
  return OkStatus();
}

Status ReadOutcomes(const YAML::Node& root, TextMap<std::string>& outcomes) {
  const YAML::Node words = root["outcomes"];
  if (!words || !words.IsMap()) return InvalidArgument("expected a map `outcomes`");
  for (const auto& entry : words) {
    const std::string outcome = entry.first.Scalar();
    if (outcome != "success" && outcome != "failure" && outcome != "unknown") {
      return InvalidArgument("{}: an outcome is success, failure or unknown, not \"{}\"",
                             At(entry.first), outcome);
    }
    SEAL_ASSIGN_OR_RETURN(const auto synonyms, Words(entry.second, outcome));
    for (const std::string& synonym : synonyms) outcomes[synonym] = outcome;
  }
  return OkStatus();
}

const std::set<std::string_view> kClasses = {"login",   "logout", "grant",  "revoke", "create",
                                             "disable", "read",   "export", "delete", "approve",
                                             "deploy",  "config", "key",    "other"};

}  // namespace

Status Vocabulary::LoadAliases(std::string_view yaml) {
  SEAL_ASSIGN_OR_RETURN(const YAML::Node root, Parse(yaml));
  SEAL_ASSIGN_OR_RETURN(aliases_version_, Version(root, yaml));
  SEAL_RETURN_IF_ERROR(ReadAliases(root, "columns", attributes_));
  SEAL_RETURN_IF_ERROR(ReadAliases(root, "resource", resource_));
  SEAL_RETURN_IF_ERROR(ReadOutcomes(root, outcomes_));
  for (const auto& [spelling, aliases] : attributes_) {
    for (size_t dot = spelling.find('.'); dot != std::string::npos;
         dot = spelling.find('.', dot + 1)) {
      prefixes_.insert(spelling.substr(0, dot));
    }
  }
  return OkStatus();
}

Status Vocabulary::LoadActions(std::string_view yaml) {
  SEAL_ASSIGN_OR_RETURN(const YAML::Node root, Parse(yaml));
  SEAL_ASSIGN_OR_RETURN(actions_version_, Version(root, yaml));
  const YAML::Node rules = root["rules"];
  if (!rules || !rules.IsSequence()) return InvalidArgument("expected a list `rules`");
  for (const YAML::Node& node : rules) {
    if (!node.IsMap() || !node["class"] || !node["class"].IsScalar() || !node["actions"]) {
      return InvalidArgument("{}: a rule is a map with `class` and `actions`", At(node));
    }
    ActionRule rule{.action_class = node["class"].Scalar()};
    if (!kClasses.contains(rule.action_class)) {
      return InvalidArgument("{}: no class is called \"{}\"", At(node["class"]), rule.action_class);
    }
    SEAL_ASSIGN_OR_RETURN(rule.actions, Words(node["actions"], "actions"));
    if (node["resource_types"]) {
      SEAL_ASSIGN_OR_RETURN(rule.resource_types, Words(node["resource_types"], "resource_types"));
    }
    rules_.push_back(std::move(rule));
  }
  return OkStatus();
}

}  // namespace sealtrail::vocab
