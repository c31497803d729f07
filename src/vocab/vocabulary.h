// The vocabulary as data: which spellings of an attribute fill which canonical column, which words
// mean success or failure, and which class an action belongs to. rules/aliases.yaml and
// rules/actions.yaml are built in and may be replaced. Applied when indexing and asking; a stored
// record is never rewritten.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "vocab/columns.h"

namespace sealtrail::vocab {

// Allows looking up a std::string key by view.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <typename T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;
using TextSet = std::unordered_set<std::string, TextHash, std::equal_to<>>;

// A spelling's place: the column it fills and how many spellings are preferred to it.
struct Alias {
  TextColumn column;
  uint16_t rank;
};

// The YAML texts that are built into the program.
std::string_view BuiltInAliases();
std::string_view BuiltInActions();

// Threads  Immutable, so safe.
class Vocabulary {
 public:
  // InvalidArgument, with line and what was expected, for a text that is no such file.
  static Result<std::shared_ptr<const Vocabulary>> Load(std::string_view aliases_yaml,
                                                        std::string_view actions_yaml);
  static std::shared_ptr<const Vocabulary> BuiltIn();

  // "3-1f2e3d4c": the file's `version`, and a checksum of its text.
  const std::string& aliases_version() const { return aliases_version_; }
  const std::string& actions_version() const { return actions_version_; }

  // The columns that an attribute, an address inside a map ("a.b"), or a resource attribute fills;
  // empty: none.
  const std::vector<Alias>& ForAttribute(std::string_view key) const;
  const std::vector<Alias>& ForResource(std::string_view key) const;

  // Whether some spelling starts with `key` and a dot: only then is a map worth looking into.
  bool IsPrefix(std::string_view key) const { return prefixes_.find(key) != prefixes_.end(); }

  // "success", "failure" or "unknown" for a known word or an HTTP status code, in any case; else
  // `word` itself.
  std::string_view NormalizeOutcome(std::string_view word) const;

  // "other" where no rule matches; NULL for a NULL action. Rules are tried in their order.
  std::string_view ActionClass(std::string_view action, std::string_view resource_type) const;

 private:
  struct ActionRule {
    std::vector<std::string> actions;         // globs over normalized text
    std::vector<std::string> resource_types;  // likewise; empty: any
    std::string action_class;
  };

  Status LoadAliases(std::string_view yaml);
  Status LoadActions(std::string_view yaml);

  std::string aliases_version_;
  std::string actions_version_;
  TextMap<std::vector<Alias>> attributes_;
  TextMap<std::vector<Alias>> resource_;
  TextSet prefixes_;
  TextMap<std::string> outcomes_;
  std::vector<ActionRule> rules_;
};

// "ConsoleLogin", "console.login" and "CONSOLE-LOGIN" are one word: "console_login".
std::string NormalizeAction(std::string_view action);

// Whether `text` fits `glob`, where * stands for any run of characters.
bool GlobMatches(std::string_view glob, std::string_view text);

}  // namespace sealtrail::vocab
