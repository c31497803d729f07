#include "vocab/redaction_rules.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <yaml-cpp/yaml.h>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace sealtrail::vocab {
namespace {

int Line(const YAML::Node& node) {
  return node.Mark().line + 1;
}

template <typename... Args>
Status Wrong(const YAML::Node& node, fmt::format_string<Args...> text, Args&&... args) {
  return InvalidArgument("line {}: {}", Line(node), fmt::format(text, std::forward<Args>(args)...));
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kRedactionNameMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Status ReadPatterns(const YAML::Node& node, std::string_view what,
                    std::vector<std::string>& patterns) {
  if (!node) return OkStatus();
  if (!node.IsSequence() || node.size() == 0) {
    return Wrong(node, "{}: expected a list of patterns", what);
  }
  for (const YAML::Node& item : node) {
    if (!item.IsScalar() || item.Scalar().empty()) {
      return Wrong(item, "{}: expected a pattern", what);
    }
    patterns.push_back(item.Scalar());
  }
  return OkStatus();
}

Result<RedactionAction> ReadAction(const YAML::Node& rule) {
  const YAML::Node node = rule["action"];
  const std::string name = node && node.IsScalar() ? node.Scalar() : "";
  if (name == "mask") return RedactionAction::kMask;
  if (name == "drop") return RedactionAction::kDrop;
  if (name == "hmac") return RedactionAction::kHmac;
  return Wrong(node ? node : rule, "action: expected mask, drop or hmac");
}

Status ReadExamples(const YAML::Node& rule, std::vector<RedactionExample>& examples) {
  constexpr std::string_view kExpected = "examples: expected a list of [key, text, what is stored]";
  const YAML::Node list = rule["examples"];
  if (!list || !list.IsSequence()) return Wrong(list ? list : rule, "{}", kExpected);
  bool changes = false;
  bool stays = false;
  for (const YAML::Node& item : list) {
    if (!item.IsSequence() || item.size() != 3 || !item[0].IsScalar() || !item[1].IsScalar() ||
        (!item[2].IsScalar() && !item[2].IsNull())) {
      return Wrong(item, "{}", kExpected);
    }
    RedactionExample example{.key = item[0].Scalar(), .text = item[1].Scalar(), .stored = {}};
    if (item[2].IsScalar()) example.stored = item[2].Scalar();
    (example.stored == example.text ? stays : changes) = true;
    examples.push_back(std::move(example));
  }
  if (!changes || !stays) {
    return Wrong(list, "examples: expected one at least that changes, and one that stays");
  }
  return OkStatus();
}

Result<RedactionRule> ReadRule(const YAML::Node& node) {
  static const std::set<std::string_view> kMembers = {"name",   "keys",   "except",
                                                      "values", "action", "examples"};
  if (!node.IsMap()) return Wrong(node, "a rule is a map");
  for (const auto& member : node) {
    if (!member.first.IsScalar() || !kMembers.contains(member.first.Scalar())) {
      return Wrong(member.first, "a rule has name, keys, except, values, action and examples");
    }
  }
  RedactionRule rule{.name = {}, .keys = {}, .except = {}, .values = {}, .examples = {}};
  rule.line = Line(node);
  if (node["name"] && node["name"].IsScalar()) rule.name = node["name"].Scalar();
  if (!IsName(rule.name)) {
    return Wrong(node, "name: expected 1 to {} of a-z, 0-9 and -", kRedactionNameMax);
  }
  SEAL_RETURN_IF_ERROR(ReadPatterns(node["keys"], "keys", rule.keys));
  SEAL_RETURN_IF_ERROR(ReadPatterns(node["except"], "except", rule.except));
  SEAL_RETURN_IF_ERROR(ReadPatterns(node["values"], "values", rule.values));
  if (rule.keys.empty() && rule.values.empty()) {
    return Wrong(node, "{}: expected keys, values, or both", rule.name);
  }
  SEAL_ASSIGN_OR_RETURN(rule.action, ReadAction(node));
  SEAL_RETURN_IF_ERROR(ReadExamples(node, rule.examples));
  return rule;
}

Result<RedactionRules> Read(const YAML::Node& root, std::string_view yaml) {
  if (!root.IsMap()) return InvalidArgument("line 1: expected a map with version and rules");
  RedactionRules out;
  for (const auto& member : root) {
    const std::string key = member.first.IsScalar() ? member.first.Scalar() : "";
    if (key != "version" && key != "keep" && key != "rules") {
      return Wrong(member.first, "expected version, keep or rules");
    }
  }
  const YAML::Node version = root["version"];
  if (!version || !version.IsScalar() || version.Scalar().empty()) {
    return Wrong(version ? version : root, "expected `version: N`");
  }
  out.version = fmt::format("{}-{:08x}", version.Scalar(), Crc32c(AsBytes(yaml)));
  SEAL_RETURN_IF_ERROR(ReadPatterns(root["keep"], "keep", out.keep));
  const YAML::Node rules = root["rules"];
  if (!rules || !rules.IsSequence() || rules.size() > kRedactionRulesMax) {
    return Wrong(rules ? rules : root, "expected a list `rules` of at most {}", kRedactionRulesMax);
  }
  std::set<std::string> names;
  for (const YAML::Node& node : rules) {
    SEAL_ASSIGN_OR_RETURN(RedactionRule rule, ReadRule(node));
    if (!names.insert(rule.name).second) return Wrong(node, "a second rule named {}", rule.name);
    out.rules.push_back(std::move(rule));
  }
  return out;
}

}  // namespace

Result<RedactionRules> CombineRedactionRules(RedactionRules defaults, RedactionRules own,
                                             const std::vector<std::string>& without) {
  const auto named = [](std::string_view name) {
    return [name](const RedactionRule& rule) { return rule.name == name; };
  };
  RedactionRules out = std::move(own);
  out.version += out.version.empty() ? defaults.version : " " + defaults.version;
  if (!without.empty()) out.version += " without";
  for (const std::string& name : without) {
    if (std::ranges::none_of(defaults.rules, named(name))) {
      return InvalidArgument("no built-in rule of redaction is called \"{}\"", name);
    }
    out.version += " " + name;
  }
  const size_t own_rules = out.rules.size();
  for (RedactionRule& rule : defaults.rules) {
    const auto begin = out.rules.begin();
    const bool replaced =
        std::any_of(begin, begin + static_cast<ptrdiff_t>(own_rules), named(rule.name));
    if (replaced || std::ranges::find(without, rule.name) != without.end()) continue;
    out.rules.push_back(std::move(rule));
  }
  std::ranges::move(defaults.keep, std::back_inserter(out.keep));
  return out;
}

Result<RedactionRules> LoadRedactionRules(std::string_view yaml) {
  try {
    return Read(YAML::Load(std::string(yaml)), yaml);
  } catch (const YAML::Exception& error) {
    return InvalidArgument("line {}: {}", error.mark.line + 1, error.msg);
  }
}

}  // namespace sealtrail::vocab
