#include "vocab/redaction_rules.h"

#include <gtest/gtest.h>

namespace sealtrail::vocab {
namespace {

RedactionRules Loaded(std::string_view version, std::initializer_list<std::string_view> names) {
  std::string yaml = fmt::format("version: {}\nkeep: [k{}]\nrules:\n", version, version);
  for (const std::string_view name : names) {
    yaml += fmt::format(
        "  - {{name: {}, keys: [v{}], action: drop, examples: [[a, b, ~], [a, b, b]]}}\n", name,
        version);
  }
  auto rules = LoadRedactionRules(yaml);
  EXPECT_TRUE(rules.ok()) << rules.status().ToString();
  return rules.ok() ? *std::move(rules) : RedactionRules();
}

std::string Shown(const RedactionRules& rules) {
  std::string out;
  for (const RedactionRule& rule : rules.rules) out += rule.name + rule.keys.at(0) + " ";
  return out;
}

TEST(RedactionRulesTest, OwnRulesGoFirstAndReplace) {
  const RedactionRules defaults = Loaded("1", {"a", "b", "c"});
  const RedactionRules own = Loaded("2", {"d", "b"});
  const auto both = CombineRedactionRules(defaults, own, {"c"});
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(Shown(*both), "dv2 bv2 av1 ");
  EXPECT_EQ(both->keep, (std::vector<std::string>{"k2", "k1"}));
  EXPECT_EQ(both->version, own.version + " " + defaults.version + " without c");
  const auto alone = CombineRedactionRules(defaults, {}, {});
  ASSERT_TRUE(alone.ok());
  EXPECT_EQ(Shown(*alone), "av1 bv1 cv1 ");
  EXPECT_EQ(alone->version, defaults.version);
  EXPECT_EQ(CombineRedactionRules(defaults, own, {"d"}).status().message(),
            "no built-in rule of redaction is called \"d\"");
}

}  // namespace
}  // namespace sealtrail::vocab
