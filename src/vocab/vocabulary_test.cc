#include "vocab/vocabulary.h"

#include <gtest/gtest.h>

namespace sealtrail::vocab {
namespace {

constexpr std::string_view kAliases = R"(
version: 7
columns:
  actor: [audit.actor.id, enduser.id]
  target: audit.target
resource:
  service: [service.name]
outcomes:
  success: [ok, "true"]
  failure: [denied]
)";
constexpr std::string_view kActions = R"(
version: 3
rules:
  - {class: grant, actions: ["role_*"], resource_types: ["*permission*"]}
  - {class: config, actions: ["*config*"]}
)";

std::shared_ptr<const Vocabulary> Small() {
  auto loaded = Vocabulary::Load(kAliases, kActions);
  EXPECT_TRUE(loaded.ok()) << loaded.status().ToString();
  return std::move(loaded).value();
}

TEST(VocabularyTest, PrefersSpellingsInTheirOrder) {
  const auto vocabulary = Small();
  ASSERT_EQ(vocabulary->ForAttribute("enduser.id").size(), 1u);
  EXPECT_EQ(vocabulary->ForAttribute("enduser.id")[0].column, TextColumn::kActor);
  EXPECT_EQ(vocabulary->ForAttribute("enduser.id")[0].rank, 1);
  EXPECT_TRUE(vocabulary->ForAttribute("service.name").empty());
  EXPECT_EQ(vocabulary->ForResource("service.name").size(), 1u);
  EXPECT_TRUE(vocabulary->IsPrefix("audit"));
  EXPECT_TRUE(vocabulary->IsPrefix("audit.actor"));
  EXPECT_FALSE(vocabulary->IsPrefix("audit.actor.id"));
}

TEST(VocabularyTest, NormalizesOutcomes) {
  const auto vocabulary = Small();
  EXPECT_EQ(vocabulary->NormalizeOutcome("OK"), "success");
  EXPECT_EQ(vocabulary->NormalizeOutcome("true"), "success");
  EXPECT_EQ(vocabulary->NormalizeOutcome("Denied"), "failure");
  EXPECT_EQ(vocabulary->NormalizeOutcome("204"), "success");
  EXPECT_EQ(vocabulary->NormalizeOutcome("302"), "success");
  EXPECT_EQ(vocabulary->NormalizeOutcome("403"), "failure");
  EXPECT_EQ(vocabulary->NormalizeOutcome("503"), "failure");
  EXPECT_EQ(vocabulary->NormalizeOutcome("100"), "100");
  EXPECT_EQ(vocabulary->NormalizeOutcome("Strange"), "Strange");
}

TEST(VocabularyTest, ClassifiesByActionAndResourceType) {
  const auto vocabulary = Small();
  EXPECT_EQ(vocabulary->ActionClass("role_update", "user_permission"), "grant");
  EXPECT_EQ(vocabulary->ActionClass("role.update", "UserPermission"), "grant");
  EXPECT_EQ(vocabulary->ActionClass("role_update", "film"), "other");
  EXPECT_EQ(vocabulary->ActionClass("config_change", {}), "config");
  EXPECT_TRUE(vocabulary->ActionClass({}, "x").empty());
}

TEST(VocabularyTest, NamesVersionsByContent) {
  EXPECT_TRUE(Small()->aliases_version().starts_with("7-"));
  EXPECT_TRUE(Small()->actions_version().starts_with("3-"));
  const auto other = Vocabulary::Load(std::string(kAliases) + "# changed\n", kActions);
  ASSERT_TRUE(other.ok());
  EXPECT_NE((*other)->aliases_version(), Small()->aliases_version());
}

TEST(VocabularyTest, RefusesBrokenFilesNamingThePlace) {
  const auto message = [](std::string_view aliases, std::string_view actions) {
    const auto loaded = Vocabulary::Load(aliases, actions);
    return loaded.ok() ? "loaded" : loaded.status().message();
  };
  EXPECT_EQ(message("version: 1\ncolumns:\n  nobody: [x]\nresource: {}\noutcomes: {}\n", kActions),
            "aliases: line 3: no column is called \"nobody\"");
  EXPECT_EQ(message("[1, 2]", kActions), "aliases: expected a map at the top");
  EXPECT_EQ(message("a: [", kActions).substr(0, 9), "aliases: ");
  EXPECT_EQ(message(kAliases, "version: 1\nrules:\n  - {class: fly, actions: [x]}\n"),
            "actions: line 3: no class is called \"fly\"");
  EXPECT_EQ(message(kAliases, "version: 1\nrules: [3]\n"),
            "actions: line 2: a rule is a map with `class` and `actions`");
}

// The files that are built in say what the article, the draft and the old conventions need.
TEST(VocabularyTest, KnowsTheArticleAndTheDraft) {
  const auto vocabulary = Vocabulary::BuiltIn();
  const auto fills = [&](std::string_view key, TextColumn column) {
    for (const Alias& alias : vocabulary->ForAttribute(key)) {
      if (alias.column == column) return true;
    }
    return false;
  };
  for (const char* key : {"audit.actor.id", "user.id", "enduser.id", "audit.changed_by"}) {
    EXPECT_TRUE(fills(key, TextColumn::kActor)) << key;
  }
  EXPECT_TRUE(fills("enduser.role", TextColumn::kActorRole));
  EXPECT_TRUE(fills("enduser.ip", TextColumn::kClientAddress));
  EXPECT_TRUE(fills("audit.target_user", TextColumn::kTarget));
  EXPECT_TRUE(fills("audit.target.id", TextColumn::kTarget));
  EXPECT_TRUE(fills("audit.result", TextColumn::kOutcome));
  EXPECT_TRUE(fills("audit.outcome", TextColumn::kOutcome));
  EXPECT_TRUE(fills("audit.resource_type", TextColumn::kResourceType));

  const std::pair<const char*, const char*> kClassified[] = {{"role_update", "grant"},
                                                             {"config_change", "config"},
                                                             {"LOGIN", "login"},
                                                             {"LOGOUT", "logout"},
                                                             {"READ", "read"},
                                                             {"EXPORT", "export"},
                                                             {"DELETE", "delete"},
                                                             {"CREATE", "create"},
                                                             {"APPROVE", "approve"},
                                                             {"ConsoleLogin", "login"},
                                                             {"user.disable", "disable"},
                                                             {"api_key.create", "key"},
                                                             {"permission.revoke", "revoke"},
                                                             {"service.deploy", "deploy"},
                                                             {"data_export", "export"},
                                                             {"sealtrail.query.run", "read"},
                                                             {"sealtrail.token.create", "key"},
                                                             {"paint", "other"}};
  for (const auto& [action, action_class] : kClassified) {
    EXPECT_EQ(vocabulary->ActionClass(action, {}), action_class) << action;
  }
  EXPECT_EQ(vocabulary->ActionClass("UPDATE", "user_permission"), "grant");
}

TEST(VocabularyTest, GlobsFitWholeTexts) {
  EXPECT_TRUE(GlobMatches("*", ""));
  EXPECT_TRUE(GlobMatches("a*c", "abbc"));
  EXPECT_TRUE(GlobMatches("*role*update*", "user_role_x_update"));
  EXPECT_FALSE(GlobMatches("a*c", "abcd"));
  EXPECT_FALSE(GlobMatches("abc", "ab"));
  EXPECT_FALSE(GlobMatches("", "a"));
}

}  // namespace
}  // namespace sealtrail::vocab
