#include "query/engine.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/testing/fake_ledger.h"

namespace sealtrail::query {
namespace {

using testing::FakeLedger;
using ::testing::HasSubstr;
using testing::LeafParts;
using testing::MakeLeaf;

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    std::string name = ::testing::TempDir() + "sealtrail-query-XXXXXX";
    dir_ = ::mkdtemp(name.data());
  }
  ~EngineTest() override {
    engine_.reset();
    std::filesystem::remove_all(dir_);
  }

  void Open(EngineOptions options = {}) {
    engine_.reset();
    options.index.dir = dir_ + "/index";
    auto engine = Engine::Open(env::RealEnv(), ledger_, vocab::Vocabulary::BuiltIn(),
                               std::move(options), metrics_);
    ASSERT_TRUE(engine.ok()) << engine.status().ToString();
    engine_ = std::move(*engine);
  }
  void OpenPaused() { Open({.index = {.paused = true}}); }

  Result<QueryResult> Ask(std::string sql) {
    return engine_->QueryAndWait({.sql = std::move(sql), .asked_by = "test"});
  }

  // The rows as JSON lines, or the error.
  std::string Rows(const std::string& sql) {
    const auto result = Ask(sql);
    return result.ok() ? result->rows : result.status().ToString();
  }

  std::string dir_;
  FakeLedger ledger_;
  MetricSet metrics_;
  std::unique_ptr<Engine> engine_;
};

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_F(EngineTest, AnswersTheArticlesStatementVerbatim) {
  const int64_t now = Value(env::RealEnv().clock.Now());
  const auto append = [&](int64_t age_days, std::string_view action, std::string_view actor) {
    ledger_.Append(MakeLeaf(
        {.attributes = fmt::format(
             R"(["enduser.id","{}"],["audit.action","{}"],["audit.target_user","bob"],)"
             R"(["audit.old_value","viewer"],["audit.new_value","editor"],["audit.result","success"])",
             actor, action),
         .time = now - age_days * 86'400 * kNanosPerSecond}));
  };
  append(91, "role_update", "too old");
  append(89, "role_update", "alice");
  append(1, "login", "mallory");
  append(0, "role_update", "carol");
  OpenPaused();
  const auto result = Ask(ReadText(std::string(SEALTRAIL_SOURCE_DIR) + "/docs/article.sql"));
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  std::vector<std::string> names;
  for (const Column& column : result->columns) names.push_back(column.name + " " + column.type);
  EXPECT_THAT(names, ::testing::ElementsAre("timestamp TIMESTAMP WITH TIME ZONE", "actor VARCHAR",
                                            "target VARCHAR", "previous_role VARCHAR",
                                            "new_role VARCHAR", "outcome VARCHAR"));
  EXPECT_EQ(result->statement.rows, 2u);
  EXPECT_THAT(result->rows,
              ::testing::MatchesRegex(
                  "\\[\"[^\"]*Z\",\"carol\",\"bob\",\"viewer\",\"editor\",\"success\"\\]\n"
                  "\\[\"[^\"]*Z\",\"alice\",\"bob\",\"viewer\",\"editor\",\"success\"\\]\n"));
}

}  // namespace
}  // namespace sealtrail::query
