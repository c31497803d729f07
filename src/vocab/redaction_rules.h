// The rules of redaction as data: rules/redaction.yaml, which says what each part means, is built in; who runs the store
// may add a file of the same form. `pipeline` compiles the patterns and applies them before anything is hashed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace sealtrail::vocab {

enum class RedactionAction : uint8_t { kMask, kDrop, kHmac };

struct RedactionExample {
  std::string key;
  std::string text;
  std::optional<std::string> stored;  // none: nothing is stored
};

struct RedactionRule {
  std::string name;
  std::vector<std::string> keys;    // RE2 patterns, as are the next two
  std::vector<std::string> except;  // over keys
  std::vector<std::string> values;
  RedactionAction action = RedactionAction::kMask;
  std::vector<RedactionExample> examples;
  int line = 0;  // in its file, from 1; for messages
};

struct RedactionRules {
  // "1-1f2e3d4c": the file's `version`, and a checksum of its text; of combined ones "2-… 1-… without a b".
  std::string version;
  std::vector<std::string> keep;     // patterns over keys that are never taken by their key
  std::vector<RedactionRule> rules;  // in their order
};

// The text that is built into the program.
std::string_view BuiltInRedaction();

// InvalidArgument, with line and what was expected, for a text that is no such file. Patterns are not looked at.
Result<RedactionRules> LoadRedactionRules(std::string_view yaml);

// `own` before `defaults`, which lose the rules that `own` has under the same name and those in `without`. InvalidArgument
// for a name in `without` that no default has.
Result<RedactionRules> CombineRedactionRules(RedactionRules defaults, RedactionRules own,
                                             const std::vector<std::string>& without);

constexpr size_t kRedactionNameMax = 64;
constexpr size_t kRedactionRulesMax = 512;

}  // namespace sealtrail::vocab
