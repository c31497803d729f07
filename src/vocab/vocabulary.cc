#include "vocab/vocabulary.h"

#include <algorithm>

#include "base/check.h"

namespace sealtrail::vocab {
namespace {

constexpr std::string_view kOther = "other";

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
bool IsUpper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), Lower);
  return out;
}

// 2xx and 3xx succeeded, 4xx and 5xx failed; anything else is no status code.
std::string_view OutcomeOfStatusCode(std::string_view word) {
  const bool is_code = word.size() == 3 && std::all_of(word.begin(), word.end(),
                                                       [](char c) { return c >= '0' && c <= '9'; });
  if (!is_code) return {};
  if (word[0] == '2' || word[0] == '3') return "success";
  if (word[0] == '4' || word[0] == '5') return "failure";
  return {};
}

bool MatchesAny(const std::vector<std::string>& globs, std::string_view text) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return GlobMatches(glob, text); });
}

const std::vector<Alias>& Find(const TextMap<std::vector<Alias>>& aliases, std::string_view key) {
  static const std::vector<Alias> kNone;
  const auto found = aliases.find(key);
  return found == aliases.end() ? kNone : found->second;
}

}  // namespace

Result<std::shared_ptr<const Vocabulary>> Vocabulary::Load(std::string_view aliases_yaml,
                                                           std::string_view actions_yaml) {
  auto vocabulary = std::make_shared<Vocabulary>();
  if (Status s = vocabulary->LoadAliases(aliases_yaml); !s.ok()) return s.Annotate("aliases");
  if (Status s = vocabulary->LoadActions(actions_yaml); !s.ok()) return s.Annotate("actions");
  return std::shared_ptr<const Vocabulary>(std::move(vocabulary));
}

std::shared_ptr<const Vocabulary> Vocabulary::BuiltIn() {
  static const std::shared_ptr<const Vocabulary> vocabulary = [] {
    auto loaded = Load(BuiltInAliases(), BuiltInActions());
    SEAL_CHECK(loaded.ok());  // a test loads both files
    return std::move(loaded).value();
  }();
  return vocabulary;
}

const std::vector<Alias>& Vocabulary::ForAttribute(std::string_view key) const {
  return Find(attributes_, key);
}

const std::vector<Alias>& Vocabulary::ForResource(std::string_view key) const {
  return Find(resource_, key);
}

std::string_view Vocabulary::NormalizeOutcome(std::string_view word) const {
  if (const auto found = outcomes_.find(word); found != outcomes_.end()) return found->second;
  if (std::any_of(word.begin(), word.end(), IsUpper)) {
    if (const auto found = outcomes_.find(LowerCase(word)); found != outcomes_.end()) {
      return found->second;
    }
  }
  const std::string_view by_code = OutcomeOfStatusCode(word);
  return by_code.empty() ? word : by_code;
}

std::string_view Vocabulary::ActionClass(std::string_view action,
                                         std::string_view resource_type) const {
  if (action.data() == nullptr) return {};
  const std::string normal_action = NormalizeAction(action);
  const std::string normal_type = NormalizeAction(resource_type);
  for (const ActionRule& rule : rules_) {
    if (!MatchesAny(rule.actions, normal_action)) continue;
    if (rule.resource_types.empty() || MatchesAny(rule.resource_types, normal_type)) {
      return rule.action_class;
    }
  }
  return kOther;
}

std::string NormalizeAction(std::string_view action) {
  std::string out;
  out.reserve(action.size() + 4);
  for (size_t i = 0; i < action.size(); ++i) {
    const char c = action[i];
    if (c == '.' || c == '-' || c == ' ' || c == ':' || c == '/' || c == '_') {
      if (!out.empty() && out.back() != '_') out.push_back('_');
      continue;
    }
    if (IsUpper(c) && i > 0 && IsLowerOrDigit(action[i - 1])) out.push_back('_');
    out.push_back(Lower(c));
  }
  return out;
}

// Greedy with one point of return: linear for one star, and never worse than |glob| · |text|.
bool GlobMatches(std::string_view glob, std::string_view text) {
  size_t g = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_text = t;
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

}  // namespace sealtrail::vocab
