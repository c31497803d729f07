#include "query/engine.h"

#include <filesystem>
#include <fstream>
#include <future>
#include <signal.h>
#include <sstream>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/limits.h"
#include "query/duck.h"
#include "query/part_writer.h"
#include "query/testing/fake_ledger.h"
#include "query/worker_process.h"

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

  void WaitUntilIndexed(uint64_t records) {
    const Counter& failures = metrics_.GetCounter("sealtrail_index_failures_total", "");
    while (Value(engine_->indexed()) < records) {
      ASSERT_EQ(failures.value(), 0u) << "a part could not be written";
      std::this_thread::yield();
    }
  }

  // Merging follows behind.
  void WaitUntilPartsAreFewerThan(size_t count) {
    while (Parts() >= count) std::this_thread::yield();
  }

  size_t Parts() const {
    size_t parts = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_ + "/index")) {
      parts += entry.path().extension() == ".parquet";
    }
    return parts;
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

// A record is in the next answer although nothing writes parts: the tail catches up when asked.
TEST_F(EngineTest, ReadsItsOwnWritesWithTheIndexPaused) {
  OpenPaused();
  for (int i = 0; i < 3; ++i) {
    const Seq seq =
        ledger_.Append(MakeLeaf({.attributes = fmt::format(R"(["i",{{"i":"{}"}}])", i)}));
    const auto result = engine_->QueryAndWait(
        {.sql = "SELECT max(seq), count(*), max(attributes['i']) FROM audit_spans",
         .asked_by = "",
         .covers_at_least = seq});
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    EXPECT_EQ(result->rows, fmt::format("[{},{},\"{}\"]\n", i, i + 1, i));
    EXPECT_EQ(result->statement.covers, TreeSize{Value(seq) + 1});
  }
  EXPECT_EQ(engine_->indexed(), TreeSize{0}) << "a query forces no part";
  const auto beyond =
      engine_->QueryAndWait({.sql = "SELECT 1", .asked_by = "", .covers_at_least = Seq{3}});
  EXPECT_EQ(beyond.status().code(), StatusCode::kUnavailable);
}

TEST_F(EngineTest, SaysWhatAnAnswerRestsOn) {
  ledger_.Append(MakeLeaf({.attributes = R"(["enduser.id","alice"])"}));
  OpenPaused();
  const std::string sql = "SELECT actor, seq FROM audit_spans";
  const auto result = Ask(sql);
  ASSERT_TRUE(result.ok());
  const Statement& statement = result->statement;
  EXPECT_EQ(statement.sql, sql);
  EXPECT_EQ(statement.tree_size, TreeSize{1});
  EXPECT_EQ(statement.root.size(), 64u);
  EXPECT_EQ(statement.engine, "DuckDB v1.4.4");
  EXPECT_EQ(statement.asked_by, "test");
  EXPECT_TRUE(statement.rerunnable);
  EXPECT_EQ(statement.rows, 1u);
  // printf '["alice",0]' | sha256sum | xxd -r -p | sha256sum
  EXPECT_EQ(statement.rows_sha256,
            "24f5096a6ff60b9a31504639ea79b66c268bfbe8777cc7e395dc37c21337ef7b");
  EXPECT_EQ(statement.sorted_rows_sha256, statement.rows_sha256);
  EXPECT_THAT(statement.now, ::testing::MatchesRegex("....-..-..T..:..:..\\.......Z"));
  EXPECT_THAT(StatementJson(statement), HasSubstr("\"tree_size\":1"));
  EXPECT_FALSE(Ask("SELECT random()")->statement.rerunnable);
}

TEST_F(EngineTest, RefusesInWordsForTheAuthor) {
  OpenPaused();
  EXPECT_EQ(Rows("SELECT * FROM read_csv('/etc/passwd')"),
            "INVALID_ARGUMENT: function read_csv is not allowed in FROM, at line 1, column 15");
  EXPECT_EQ(Rows("SELECT 1; SELECT 2"),
            "INVALID_ARGUMENT: a query is one SELECT statement, and there are 2");
  EXPECT_THAT(Rows("SELECT nonsense FROM audit_spans"),
              HasSubstr("Binder Error: Referenced column \"nonsense\" not found"));
  EXPECT_THAT(Rows("SELECT nonsense FROM audit_spans"), HasSubstr("LINE 1: SELECT nonsense"));
  EXPECT_THAT(Rows("SELECT"), HasSubstr("SELECT clause without selection list"));
  EXPECT_THAT(Rows("SELECT 1 / (SELECT actor::INT FROM (VALUES ('x')) t(actor))"),
              HasSubstr("Conversion Error"));
  EXPECT_THAT(Rows(std::string(kSqlBytesMax + 1, ' ')), HasSubstr("at most 262144 are allowed"));
  EXPECT_THAT(Rows("SELECT '101'::BIT"), HasSubstr("cast it to VARCHAR"));
}

TEST_F(EngineTest, ShowsEveryTypeExactly) {
  OpenPaused();
  EXPECT_EQ(Rows("SELECT 9007199254740991::BIGINT, 9007199254740992::BIGINT, "
                 "-9223372036854775807 - 1, "
                 "170141183460469231731687303715884105727::HUGEINT, 18446744073709551615::UBIGINT, "
                 "NULL, true, 1.5::DOUBLE, "
                 "'nan'::DOUBLE, '-inf'::DOUBLE, 1.10::DECIMAL(5,2), -0.05::DECIMAL(18,3), "
                 "'a\"b\\c'::VARCHAR, chr(10), ''"),
            "[9007199254740991,\"9007199254740992\",\"-9223372036854775808\","
            "\"170141183460469231731687303715884105727\","
            "\"18446744073709551615\",null,true,1.5,\"NaN\",\"-Infinity\",\"1.10\",\"-0.050\","
            "\"a\\\"b\\\\c\",\"\\n\",\"\"]\n");
  EXPECT_EQ(Rows("SELECT TIMESTAMPTZ '2026-11-24 03:04:05.000006+00', TIMESTAMP '1969-12-31 "
                 "23:59:59.5', DATE '2026-11-24', "
                 "TIME '03:04:05.25', TIMESTAMP_NS '2026-11-24 03:04:05.000000007', INTERVAL '1 "
                 "year 2 days 3.5 seconds', "
                 "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID, 'ab'::BLOB"),
            "[\"2026-11-24T03:04:05.000006Z\",\"1969-12-31T23:59:59.500000\",\"2026-11-24\",\"03:"
            "04:05.250000\","
            "\"2026-11-24T03:04:05.000000007\",\"P1Y2DT3.500000S\",\"a0eebc99-9c0b-4ef8-bb6d-"
            "6bb9bd380a11\",\"YWI=\"]\n");
  EXPECT_EQ(Rows("SELECT [1, NULL, 3], {'a': 1, 'b': 'x'}, map {'k': 1, 'l': NULL}, map {1: 'x'}, "
                 "[1, 2]::INT[2], "
                 "'b'::ENUM('a', 'b'), [{'a': [1]}]"),
            "[[1,null,3],{\"a\":1,\"b\":\"x\"},{\"k\":1,\"l\":null},[[1,\"x\"]],[1,2],\"b\",[{"
            "\"a\":[1]}]]\n");
  const auto result =
      Ask("SELECT 1::DECIMAL(5,2), [1], {'a': 1}, map {'k': 1}, now(), [1, 2]::INT[2] LIMIT 0");
  ASSERT_TRUE(result.ok());
  std::vector<std::string> types;
  for (const Column& column : result->columns) types.push_back(column.type);
  EXPECT_THAT(types, ::testing::ElementsAre("DECIMAL(5,2)", "INTEGER[]", "STRUCT(a INTEGER)",
                                            "MAP(VARCHAR, INTEGER)", "TIMESTAMP WITH TIME ZONE",
                                            "INTEGER[2]"));
}

TEST_F(EngineTest, KeepsNanosecondsAndEveryColumn) {
  ledger_.Append(MakeLeaf({.attributes = R"(["enduser.id","alice"],["audit.action","role_update"])",
                           .resource = R"(["service.name","iam"])",
                           .time = 1764039845123456789}));
  OpenPaused();
  EXPECT_EQ(Rows("SELECT time_unix_nano, timestamp, kind, actor, action, action_class, service, "
                 "findings, principal, outcome, "
                 "severity_number, end_time FROM audit_spans"),
            "[\"1764039845123456789\",\"2025-11-25T03:04:05.123456Z\",\"span\",\"alice\",\"role_"
            "update\",\"grant\",\"iam\","
            "[\"no_outcome\"],\"local\",null,null,null]\n");
  const auto all = Ask("SELECT * FROM audit_events LIMIT 0");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->columns.size(), 36u);
  EXPECT_EQ(all->columns.front().name + " " + all->columns.front().type, "seq BIGINT");
  EXPECT_EQ(all->columns.back().name + " " + all->columns.back().type,
            "resource MAP(VARCHAR, VARCHAR)");
}

TEST_F(EngineTest, SortsRecordsIntoTables) {
  for (const char* kind : {"span", "span_event", "log", "audit", "self", "seal"})
    ledger_.Append(MakeLeaf({.kind = kind}));
  ledger_.Append("no leaf at all");
  OpenPaused();
  EXPECT_EQ(Rows("SELECT list(kind ORDER BY seq) FROM audit_spans"),
            "[[\"span\",\"span_event\"]]\n");
  EXPECT_EQ(Rows("SELECT list(kind ORDER BY seq) FROM audit_logs"), "[[\"log\",\"audit\"]]\n");
  EXPECT_EQ(Rows("SELECT list(kind ORDER BY seq) FROM audit_self"), "[[\"self\",\"seal\"]]\n");
  EXPECT_EQ(Rows("SELECT list(kind ORDER BY seq) FROM audit_events"),
            "[[\"span\",\"span_event\",\"log\",\"audit\",\"unreadable\"]]\n");
  EXPECT_EQ(Rows("SELECT findings FROM audit_events WHERE seq = 6"), "[[\"unreadable\"]]\n");
  EXPECT_EQ(Rows("SELECT * FROM segments"), "[\"00000000000000000000.seg\",0,7,4096,true]\n");
  EXPECT_EQ(Rows("SELECT tree_size, note FROM checkpoints"), "[7,\"a note\\n\"]\n");
  EXPECT_EQ(
      Rows("SELECT principal, service, records, first_seq, last_seq FROM sources ORDER BY ALL"),
      "[\"local\",null,4,0,3]\n[null,null,1,6,6]\n");
}

// For a moment; nor does it stay so in the index.
TEST_F(EngineTest, ARecordWhoseContentCannotBeReadIsNotIndexedWithoutIt) {
  const std::string resource = R"({"r":{"a":[["service.name","big"]]}})";
  const crypto::Hash hash = crypto::Sha256(AsBytes(resource));
  ledger_.AddBeside(hash, Bytes(resource.begin(), resource.end()));
  ledger_.Append(MakeLeaf({.resource = R"(["service.name","small"])"}));
  std::string leaf = MakeLeaf({.resource = "?"});
  const std::string_view inline_form = R"({"r":{"a":[?]}})";
  leaf.replace(leaf.find(inline_form), inline_form.size(),
               fmt::format(R"(["{}",{}])", Base64Encode(hash), resource.size()));
  ledger_.Append(leaf);
  OpenPaused();
  ledger_.FailBeside(Unavailable("read segments/0.seg: Input/output error"));
  const auto unread = Ask("SELECT service FROM audit_spans ORDER BY seq");
  if (unread.ok()) {
    EXPECT_EQ(unread->rows, "[\"small\"]\n") << "it covers the first record alone";
  }
  ledger_.FailBeside(OkStatus());
  EXPECT_EQ(Rows("SELECT service FROM audit_spans ORDER BY seq"), "[\"small\"]\n[\"big\"]\n");
  EXPECT_EQ(metrics_.GetCounter("sealtrail_index_unreadable_records_total", "").value(), 0u);
}

// What DuckDB names a column, whichever form the map has.
TEST_F(EngineTest, NamesColumnsAsTheStatementDoes) {
  ledger_.Append(MakeLeaf({.attributes = R"(["k","v"])"}));
  OpenPaused();
  const auto names = [&](const std::string& sql) {
    std::string out;
    const auto result = Ask(sql);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    for (const Column& column : result->columns) out += column.name + "|";
    return out;
  };
  EXPECT_EQ(names("SELECT attributes['k'], ACTOR, count(*) FROM audit_spans GROUP BY ALL"),
            "attributes['k']|actor|count_star()|");
  EXPECT_EQ(names("SELECT attributes['k'], attributes['K'] FROM audit_spans"),
            "attributes['k']|attributes['K']|");
}

// Records of every odd shape, for comparisons between the ways they can be stored: numbers `first` to `last` - 1.
void AppendOddRecords(FakeLedger& ledger, int first, int last) {
  const char* const kShapes[] = {
      R"(["enduser.id","alice"],["audit.action","role_update"],["audit.result","ok"])",
      R"(["Key","upper"],["key","lower"],["KEY","shout"])",
      R"(["dup","first"],["dup","last"])",
      R"(["empty",null],["gone"],["blank",""])",
      R"(["nested",{"m":[["b",{"i":"1"}],["a",[true,{"d":1.5}]]]}],["list",["x","y"]])",
      R"(["schlüssel","wert"],["quote\"'key","q"],["with space","s"],["dot.ted.key","d"],["%41","percent"])",
      R"(["int",{"i":"9223372036854775807"}],["bool",true],["bytes",{"b":"AAEC"}],["nan",{"d":"NaN"}])",
      R"(["","no key"],["long value","0123456789012345678901234567890123456789"])",
      "",
  };
  for (int i = first; i < last; ++i) {
    std::string attributes = kShapes[static_cast<size_t>(i) % std::size(kShapes)];
    if (i % 3 == 0) {
      attributes += fmt::format(R"({}["n",{{"i":"{}"}}],["only-{}","rare"])",
                                attributes.empty() ? "" : ",", i, i);
    }
    const std::string resource =
        i % 4 == 0 ? ""
                   : fmt::format(R"(["service.name","s{}"],["Host","h"],["void",null])", i % 7);
    ledger.Append(MakeLeaf({.kind = i % 5 == 4     ? "log"
                                    : i % 11 == 10 ? "self"
                                                   : "span",
                            .attributes = attributes,
                            .resource = resource,
                            .time = 1764039845000000007 + i * 1'000'003}));
  }
}

// Parts as soon as there is a record.
const IndexOptions kEager{
    .part_rows_max = 1, .part_interval_ns = 0, .part_interval_max_ns = 0, .part_rows_min = 1};

const char* const kQuestions[] = {
    "SELECT * FROM audit_spans ORDER BY seq",
    "SELECT seq, attributes, resource FROM audit_events ORDER BY seq",
    "SELECT seq, attributes['key'], attributes['dup'] FROM audit_spans ORDER BY seq",
    "SELECT seq, attributes['Key'], attributes['key'], attributes['KEY'] FROM audit_spans ORDER BY "
    "seq",
    "SELECT seq, attributes['empty'], attributes['gone'], attributes['blank'] FROM audit_spans "
    "ORDER BY seq",
    "SELECT seq, attributes['nested'], attributes['list'], attributes['%41'] FROM audit_events "
    "ORDER BY seq",
    "SELECT seq, attributes['schlüssel'], attributes['quote\"''key'], attributes['with space'], "
    "attributes['dot.ted.key'] FROM "
    "audit_events ORDER BY seq",
    "SELECT seq FROM audit_spans WHERE attributes['never seen'] IS NOT NULL",
    "SELECT count(*), count(attributes['never seen']), count(attributes['only-3']), "
    "count(resource['nowhere']) FROM audit_spans",
    "SELECT seq FROM audit_events WHERE attributes['only-9'] = 'rare'",
    "SELECT attributes['n'], count(*) FROM audit_events GROUP BY 1 ORDER BY 1 NULLS FIRST",
    "SELECT resource['service.name'], resource['Host'], count(*) FROM audit_events GROUP BY ALL "
    "ORDER BY ALL",
    "SELECT s.seq, s.attributes['dup'], l.seq FROM audit_spans s JOIN audit_logs l ON "
    "l.attributes['key'] = s.attributes['key'] AND l.resource['service.name'] <> "
    "s.resource['service.name'] ORDER BY ALL",
    "WITH a AS (SELECT seq, attributes['key'] AS k FROM audit_spans) SELECT k, count(*) FROM a "
    "GROUP BY k ORDER BY k NULLS LAST",
    "WITH a AS (SELECT * FROM audit_spans) SELECT seq, attributes['key'] FROM a WHERE "
    "attributes['dup'] IS NULL ORDER BY seq",
    "SELECT seq, map_keys(attributes), cardinality(attributes) FROM audit_events ORDER BY seq",
    "SELECT seq, attributes['long value'], attributes[''] FROM audit_spans WHERE seq % 9 = 7 ORDER "
    "BY seq",
    "SELECT seq, t FROM audit_spans AS t WHERE seq < 4 ORDER BY seq",
    "SELECT DISTINCT unnest(map_keys(attributes)) AS k FROM audit_events ORDER BY k",
    "SELECT actor, action_class, outcome, findings, count(*) FROM audit_events GROUP BY ALL ORDER "
    "BY ALL",
    "SELECT seq, timestamp, time_unix_nano FROM audit_logs WHERE timestamp > TIMESTAMPTZ "
    "'2025-11-25 03:04:05.05Z' ORDER BY seq",
    "SELECT min(seq), max(seq), count(*), bit_xor(hash(seq)) FROM audit_self",
    "SELECT seq FROM audit_spans WHERE attributes['int']::HUGEINT > 5 ORDER BY seq",
};

// Goal: parts, tail and any mixture of both give the answers of a plain scan (everything in the tail).
// Method: a ledger that is indexed while it grows, in many parts of which some are merged; then more records behind
// them that no part has; then the same without any index.
TEST_F(EngineTest, PartsAndTailTogetherEqualAPlainScan) {
  Open({.index = kEager});
  for (int i = 0; i < 300; i += 15) {
    AppendOddRecords(ledger_, i, i + 15);
    WaitUntilIndexed(static_cast<uint64_t>(i) + 15);
  }
  WaitUntilPartsAreFewerThan(16);  // some were merged
  engine_.reset();
  EXPECT_GT(Parts(), 2u);
  AppendOddRecords(ledger_, 300, 350);
  OpenPaused();
  std::vector<std::string> mixed;
  for (const char* sql : kQuestions) mixed.push_back(Rows(sql));
  EXPECT_EQ(engine_->indexed(), TreeSize{300});
  engine_.reset();
  std::filesystem::remove_all(dir_ + "/index");

  OpenPaused();
  std::vector<std::string> plain;
  for (const char* sql : kQuestions) plain.push_back(Rows(sql));
  EXPECT_EQ(engine_->indexed(), TreeSize{0});
  engine_.reset();
  for (size_t i = 0; i < std::size(kQuestions); ++i) {
    EXPECT_EQ(mixed[i], plain[i]) << kQuestions[i];
    EXPECT_THAT(plain[i], ::testing::Not(HasSubstr("INVALID_ARGUMENT"))) << kQuestions[i];
  }

  Open({.index = kEager});
  WaitUntilIndexed(350);
  for (size_t i = 0; i < std::size(kQuestions); ++i)
    EXPECT_EQ(Rows(kQuestions[i]), plain[i]) << kQuestions[i];
}

// Goal: the STRUCT form and the map form of a question give equal answers.
// Method: a key that is computed forces the map.
TEST_F(EngineTest, StructAndMapGiveEqualAnswers) {
  AppendOddRecords(ledger_, 0, 120);
  Open({.index = kEager});
  WaitUntilIndexed(120);
  OpenPaused();
  AppendOddRecords(ledger_, 120, 127);
  for (const std::string sql : kQuestions) {
    std::string by_map;
    for (size_t i = 0; i < sql.size(); ++i) {
      by_map.push_back(sql[i]);
      if (sql[i] == '\'' && i + 1 < sql.size() && sql[i + 1] == ']') {
        by_map += " || ''";
      }
    }
    EXPECT_EQ(Rows(sql), Rows(by_map)) << by_map;
  }
}

// Goal: keys beyond the columns of a part, and parts whose columns differ, change no answer.
// Method: more keys than a part has columns for, common ones in one half of the ledger and rare in the other, so that a
// key is a column here and in the rest there; enough parts that some are merged; values too long to lie in a vector.
TEST_F(EngineTest, MoreKeysThanColumnsChangeNoAnswer) {
  Open({.index = kEager});
  for (int i = 0; i < 1600; ++i) {
    std::string attributes = fmt::format(R"(["long","{:0>40}"],["none",null])", i);
    const int first = i < 800 ? 0 : 300;
    for (int k = 0; k < 40; ++k)
      attributes += fmt::format(R"(,["key-{}","{}"])", first + (i * 7 + k * k * 13) % 700, i * k);
    ledger_.Append(MakeLeaf({.attributes = attributes}));
    if (i % 100 == 99) WaitUntilIndexed(static_cast<uint64_t>(i) + 1);
  }
  const char* const kWide[] = {
      "SELECT * FROM audit_spans ORDER BY hash(seq)",
      ("SELECT seq, attributes['key-5'], attributes['key-650'], attributes['key-999'], "
       "attributes['none'] FROM audit_spans ORDER BY seq"),
      ("SELECT count(attributes['key-350']), count(attributes['key-1']), count(attributes['long']) "
       "FROM audit_spans"),
      "SELECT cardinality(attributes), count(*) FROM audit_spans GROUP BY ALL ORDER BY ALL",
  };
  std::vector<std::string> from_parts;
  for (const char* sql : kWide) from_parts.push_back(Rows(sql));
  engine_.reset();
  std::filesystem::remove_all(dir_ + "/index");
  OpenPaused();
  for (size_t i = 0; i < std::size(kWide); ++i) {
    EXPECT_EQ(from_parts[i], Rows(kWide[i])) << kWide[i];
    EXPECT_THAT(from_parts[i], ::testing::StartsWith("["));
  }
}

// A map borrows nothing from the chunk that it was made from: a sort keeps maps of many chunks at the same time.
TEST_F(EngineTest, MapsOutliveTheirChunks) {
  for (int i = 0; i < 10'000; ++i) {
    ledger_.Append(MakeLeaf({.attributes = fmt::format(R"(["long","{:0>60}"],["void",null])", i)}));
  }
  OpenPaused();
  const std::string sql = "SELECT seq, attributes FROM audit_spans ORDER BY hash(seq)";
  const std::string plain = Rows(sql);
  Open({.index = kEager});
  WaitUntilIndexed(10'000);
  EXPECT_TRUE(Rows(sql) == plain);
}

// A stop does not wait for a statement that runs.
TEST_F(EngineTest, AStopEndsWhatRuns) {
  AppendOddRecords(ledger_, 0, 60);
  OpenPaused();
  std::promise<Result<QueryResult>> answer;
  engine_->Query(
      {.sql = "SELECT count(*) FROM range(200000) a, range(200000) b WHERE a.range * b.range = -1",
       .asked_by = "t"},
      [&](Result<QueryResult> result) { answer.set_value(std::move(result)); });
  auto future = answer.get_future();
  EXPECT_EQ(future.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);
  engine_->Stop();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  const auto result = future.get();
  EXPECT_EQ(result.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(result.status().message(), "shutting down");
  EXPECT_EQ(Rows("SELECT 1").substr(0, 11), "UNAVAILABLE");
}

// A merge has to give up columns where its parts together have too many.
TEST(PartWriterTest, FoldsColumnsThatAMergedPartHasNoRoomFor) {
  std::string dir = ::testing::TempDir() + "sealtrail-parts-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  PartWriter writer(env::RealEnv().files, dir);
  std::vector<PartInfo> parts;
  for (uint64_t p = 0; p < 2; ++p) {
    TailChunkBuilder builder;
    for (uint64_t i = 0; i < 10; ++i) {
      std::vector<std::string> texts;
      for (uint64_t k = 0; k < 200; ++k) texts.push_back(fmt::format("part-{}-key-{:03}", p, k));
      std::vector<vocab::MapEntry> entries;
      for (const std::string& text : texts) entries.push_back({text, text});
      vocab::CanonicalRow row = vocab::RowDecoder::Unreadable(Seq{p * 10 + i});
      row.attributes = entries;
      builder.Append(row);
    }
    const Bytes bytes = builder.Encode();
    auto part = writer.Write({*TailChunk::Open(bytes)});
    ASSERT_TRUE(part.ok()) << part.status().ToString();
    EXPECT_EQ(part->attributes.columns.size(), 200u);
    parts.push_back(std::move(*part));
  }
  const auto merged = writer.Merge(parts);
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  EXPECT_EQ(merged->count, 20u);
  EXPECT_EQ(merged->attributes.columns.size(), kKeyColumnsMax);
  EXPECT_EQ(merged->attributes.rest.size(), 400 - kKeyColumnsMax);

  auto process = WorkerProcess::Start(env::RealEnv().clock, 0);
  ASSERT_TRUE(process.ok());
  auto file = env::OpenForReading(dir + "/" + merged->file);
  ASSERT_TRUE(file.ok());
  WorkerRequest request{
      .sql =
          "SELECT count(*), count(attributes['part-0-key-199']), "
          "count(attributes['part-1-key-199']), "
          "min(cardinality(attributes)), max(cardinality(attributes)) FROM audit_events",
      .parts = 1};
  for (const auto& [key, count] : merged->attributes.columns)
    request.tables.attributes.columns.insert(key);
  request.tables.attributes.rest = merged->attributes.rest;
  const auto answer = (*process)->Run(request, {file->get()});
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->rows, "[20,10,10,200,200]\n");
  std::filesystem::remove_all(dir);
}

TEST(WorkerProcessTest, LeavesOutWhatTheStatementDoesNotCover) {
  TailChunkBuilder builder;
  for (uint64_t i = 0; i < 5; ++i) builder.Append(vocab::RowDecoder::Unreadable(Seq{i}));
  const Bytes bytes = builder.Encode();
  auto memory = env::MakeSealedMemory("test", bytes);
  ASSERT_TRUE(memory.ok());
  for (const uint64_t end : {0, 2, 5, 9}) {
    auto process = WorkerProcess::Start(env::RealEnv().clock, 0);
    ASSERT_TRUE(process.ok());
    WorkerRequest request{.sql = "SELECT count(*), max(seq) FROM audit_events"};
    request.tables.end = end;
    const auto answer = (*process)->Run(request, {memory->get()});
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    const uint64_t rows = std::min<uint64_t>(end, 5);
    EXPECT_EQ(answer->rows, rows == 0 ? "[0,null]\n" : fmt::format("[{},{}]\n", rows, rows - 1));
  }
}

std::vector<int> Children() {
  std::vector<int> pids;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "children");
    for (int pid; file >> pid;) pids.push_back(pid);
  }
  return pids;
}

// 'Z' for a process that has ended and is not waited for yet, 0 for none.
char StateOf(int pid) {
  const std::string stat = ReadText(fmt::format("/proc/{}/stat", pid));
  const size_t end = stat.rfind(") ");
  return end == std::string::npos ? '\0' : stat[end + 2];
}

TEST_F(EngineTest, AWorkerKilledWhileItWaitsCostsNothing) {
  Open({.index = {.paused = true}, .workers = 2});
  ASSERT_EQ(Rows("SELECT 1"), "[1]\n");
  const std::vector<int> waiting = Children();
  for (const int pid : waiting) ::kill(pid, SIGKILL);
  for (const int pid : waiting) {
    for (char state = 'R'; state != 'Z' && state != '\0'; state = StateOf(pid))
      std::this_thread::yield();
  }
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Rows("SELECT 2"), "[2]\n");
}

TEST(WorkerProcessTest, AKilledWorkerCostsItsStatementOnly) {
  auto process = WorkerProcess::Start(env::RealEnv().clock, 0);
  ASSERT_TRUE(process.ok()) << process.status().ToString();
  // Whether the kill comes before the statement begins or while it runs, this is all that is lost.
  std::thread killer([pid = (*process)->pid()] { ::kill(pid, SIGKILL); });
  const auto answer =
      (*process)->Run({.sql = "SELECT count(*) FROM range(100000000000) WHERE range % 3 = 7"}, {});
  killer.join();
  EXPECT_EQ(answer.status().ToString(),
            "UNAVAILABLE: the process that ran the statement ended before its answer (signal 9 "
            "(Killed))");

  auto next = WorkerProcess::Start(env::RealEnv().clock, 0);
  ASSERT_TRUE(next.ok());
  const auto sound = (*next)->Run({.sql = "SELECT 2"}, {});
  ASSERT_TRUE(sound.ok()) << sound.status().ToString();
  EXPECT_EQ(sound->rows, "[2]\n");
}

// The engine is closed before the statement runs: were the allow-list to fail, a file would still be out of reach.
TEST(DuckTest, OpensNothingOnceClosed) {
  auto duck = Duck::Open({});
  ASSERT_TRUE(duck.ok());
  ASSERT_TRUE(duck->Close({"/etc/hosts"}, 64u << 20).ok());
  EXPECT_TRUE(duck->Run("SELECT * FROM read_text('/etc/hosts')").ok());
  for (const char* sql :
       {"SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '/tmp/sealtrail-x'", "ATTACH '/tmp/sealtrail-x'",
        "SET enable_external_access = true", "INSTALL httpfs", "LOAD httpfs", "SET threads = 3"}) {
    EXPECT_FALSE(duck->Run(sql).ok()) << sql;
  }
}

TEST_F(EngineTest, StopsAtLimits) {
  Open({.index = {.paused = true},
        .limits = {.memory_bytes = 64u << 20, .rows_max = 100, .bytes_max = 10'000}});
  EXPECT_THAT(Rows("SELECT range FROM range(101)"),
              HasSubstr("RESOURCE_EXHAUSTED: the answer has more than 100 rows"));
  EXPECT_THAT(Rows("SELECT repeat('x', 6000) FROM range(2)"), HasSubstr("more than 10000 bytes"));
  EXPECT_THAT(Rows("SELECT len(list(repeat('x', 1000) || range)) FROM range(1000000)"),
              HasSubstr("needs more than 64 MiB of memory"));
  EXPECT_EQ(Rows("SELECT count(*) FROM range(100)"), "[100]\n");
  // By itself, so that the others are no matter of speed.
  Open({.index = {.paused = true}, .limits = {.time_ns = 2 * kNanosPerSecond}});
  EXPECT_THAT(Rows("SELECT count(*) FROM range(100000000000) WHERE range % 3 = 7"),
              HasSubstr("RESOURCE_EXHAUSTED: the statement ran longer than 2 s"));
  EXPECT_EQ(Rows("SELECT 2"), "[2]\n");
}

TEST_F(EngineTest, AnIndexIsCheckedWhenOpenedAndRebuiltWhenInDoubt) {
  AppendOddRecords(ledger_, 0, 60);
  const auto build = [&] {
    Open({.index = kEager});
    WaitUntilIndexed(60);
    engine_.reset();
  };
  const std::string kCount = "SELECT count(*) FROM audit_events";
  build();
  OpenPaused();
  const std::string count = Rows(kCount);
  EXPECT_EQ(engine_->indexed(), TreeSize{60}) << "a sound index is kept";
  engine_.reset();

  const auto part = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(dir_ + "/index")) {
      if (entry.path().extension() == ".parquet") return entry.path();
    }
    return std::filesystem::path();
  };
  // What a crash leaves: a part that was not entered, temporary files.
  std::ofstream(dir_ + "/index/part-99999999999999999999-1.parquet") << "half a part";
  std::ofstream(dir_ + "/index/catalogue.json.tmp") << "{";
  OpenPaused();
  EXPECT_EQ(engine_->indexed(), TreeSize{60});
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/index/part-99999999999999999999-1.parquet"));
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/index/catalogue.json.tmp"));
  engine_.reset();

  const std::pair<const char*, std::function<void()>> kDamages[] = {
      {"a part is cut", [&] { std::filesystem::resize_file(part(), 10); }},
      {"a byte of a part changes",
       [&] {
         std::fstream file(part(), std::ios::in | std::ios::out | std::ios::binary);
         file.seekg(50);
         const char byte = static_cast<char>(file.get() ^ 1);
         file.seekp(50);
         file.put(byte);
       }},
      {"a part is missing", [&] { std::filesystem::remove(part()); }},
      {"no catalogue", [&] { std::filesystem::remove(dir_ + "/index/catalogue.json"); }},
      {"half a catalogue",
       [&] { std::filesystem::resize_file(dir_ + "/index/catalogue.json", 100); }},
  };
  for (const auto& [what, damage] : kDamages) {
    SCOPED_TRACE(what);
    damage();
    OpenPaused();
    EXPECT_EQ(engine_->indexed(), TreeSize{0});
    EXPECT_EQ(Rows(kCount), count);
    engine_.reset();
    build();
  }
}

// The server then says so and ends; it once died of a segment fault while it did.
TEST_F(EngineTest, AnIndexThatCannotBeOpenedIsAnError) {
  std::filesystem::create_directories(dir_ + "/index/of somebody else/x");
  const auto engine = Engine::Open(env::RealEnv(), ledger_, vocab::Vocabulary::BuiltIn(),
                                   {.index = {.dir = dir_ + "/index"}}, metrics_);
  EXPECT_THAT(engine.status().message(), HasSubstr("of somebody else"));
}

TEST_F(EngineTest, AnIndexOfAnotherLedgerIsNotBelieved) {
  AppendOddRecords(ledger_, 0, 20);
  Open({.index = kEager});
  WaitUntilIndexed(20);
  engine_.reset();
  FakeLedger other;
  for (int i = 0; i < 25; ++i) other.Append(MakeLeaf({.attributes = R"(["enduser.id","other"])"}));
  auto engine = Engine::Open(env::RealEnv(), other, vocab::Vocabulary::BuiltIn(),
                             {.index = {.dir = dir_ + "/index", .paused = true}}, metrics_);
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ((*engine)
                ->QueryAndWait({.sql = "SELECT count(*) FROM audit_spans WHERE actor = 'other'"})
                ->rows,
            "[25]\n");
}

}  // namespace
}  // namespace sealtrail::query
