// The allow-list, over DuckDB's own trees.
#include "query/statement_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/allowed_functions.h"
#include "query/syntax_tree.h"

namespace sealtrail::query {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Duck& SharedDuck() {
  static Duck duck = *Duck::Open({});
  return duck;
}

Result<StatementShape> Check(const std::string& sql) {
  SEAL_ASSIGN_OR_RETURN(const std::string tree, SyntaxTree(SharedDuck(), sql));
  return CheckStatement(sql, tree);
}

std::string Refusal(const std::string& sql) {
  const auto shape = Check(sql);
  if (shape.ok()) return "ALLOWED";
  EXPECT_EQ(shape.status().code(), StatusCode::kInvalidArgument);
  return shape.status().message();
}

TEST(StatementCheckTest, AllowsWhatPeopleAsk) {
  for (const char* sql : {
           "SELECT 1",
           "FROM audit_spans",
           "TABLE audit_logs",
           "select ACTOR, count(*) from Audit_Events group by all order by all",
           "SELECT actor FROM audit_spans WHERE action ILIKE 'role%' AND outcome IN ('failure') "
           "LIMIT 5 OFFSET 2",
           "SELECT date_trunc('day', timestamp) AS d, count(DISTINCT actor) FILTER (WHERE outcome "
           "= 'failure') FROM "
           "audit_events GROUP BY 1 HAVING count(*) > 1 ORDER BY d DESC NULLS LAST",
           "WITH a AS (SELECT * FROM audit_spans), b AS (SELECT actor FROM a) SELECT * FROM b JOIN "
           "a USING (actor)",
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * "
           "FROM n",
           "SELECT lag(actor) OVER (PARTITION BY service ORDER BY seq ROWS BETWEEN 1 PRECEDING AND "
           "CURRENT ROW), "
           "row_number() OVER w FROM audit_logs WINDOW w AS (ORDER BY seq)",
           "SELECT * FROM audit_spans s LEFT JOIN audit_logs l ON s.trace_id = l.trace_id",
           "SELECT CASE WHEN seq > 1 THEN 'a' ELSE 'b' END, seq::VARCHAR, try_cast('x' AS INT), "
           "NOT true, -seq, "
           "[1, 2][1], {'a': 1}.a, map {'k': 1}['k'], seq BETWEEN 1 AND 2, actor IS NULL FROM "
           "audit_spans",
           "SELECT unnest(map_keys(attributes)) FROM audit_spans",
           "SELECT * FROM range(10), generate_series(1, 3), unnest([1, 2])",
           "SELECT body->>'a', json_extract(body, '$.b'), body::JSON FROM audit_logs",
           "SELECT list_filter([1, 2], lambda x: x > 1), list_transform([1], x -> x + 1), [x + 1 "
           "FOR x IN [1, 2] IF x > 1]",
           "(SELECT 1 UNION SELECT 2) EXCEPT SELECT 3 ORDER BY 1",
           "SELECT extract(year FROM timestamp), timestamp AT TIME ZONE 'UTC', current_date, "
           "position('a' IN actor), "
           "substring(actor FROM 1 FOR 2), trim(actor), actor SIMILAR TO 'a', actor ~ 'x' FROM "
           "audit_spans",
           "SELECT * EXCLUDE (body) REPLACE (upper(actor) AS actor) FROM audit_logs",
           "SELECT (SELECT max(seq) FROM audit_self) , EXISTS (SELECT 1 FROM segments), seq = ANY "
           "(SELECT 1) FROM sources",
           "SELECT * FROM audit_events ASOF JOIN checkpoints ON seq >= tree_size",
           "SELECT actor FROM audit_spans QUALIFY row_number() OVER (PARTITION BY actor ORDER BY "
           "seq DESC) = 1",
           "SELECT * FROM audit_spans USING SAMPLE 10 ROWS",
           "SELECT count(*) FROM audit_spans GROUP BY GROUPING SETS ((actor), ())",
           "SELECT count(*) FROM audit_spans GROUP BY ROLLUP (actor, service)",
           "VALUES (1, 'a'), (2, 'b')",
           "SELECT $$x$$ AS a; -- a comment\n",
           "PIVOT (SELECT service, outcome FROM audit_spans) ON outcome IN ('success', 'failure') "
           "USING count(*)",
           "UNPIVOT (SELECT seq, severity_number FROM audit_logs) ON seq, severity_number INTO "
           "NAME n VALUE v",
       }) {
    EXPECT_EQ(Refusal(sql), "ALLOWED") << sql;
  }
}

// Each way out of the box that DuckDB 1.4 has, by what it reaches.
TEST(StatementCheckTest, RefusesEveryWayOut) {
  for (const char* sql : {
           // files
           "SELECT * FROM read_csv('/etc/passwd')",
           "SELECT * FROM read_text('/etc/passwd')",
           "SELECT * FROM read_blob('/etc/passwd')",
           "SELECT * FROM read_parquet('/proc/self/fd/4')",
           "SELECT * FROM parquet_scan('/proc/self/fd/4')",
           "SELECT * FROM parquet_metadata('x')",
           "SELECT * FROM parquet_kv_metadata('x')",
           "SELECT * FROM read_json_auto('x')",
           "SELECT * FROM sniff_csv('x')",
           "SELECT * FROM glob('/*')",
           "SELECT * FROM '/etc/passwd'",
           "SELECT * FROM 'a.csv'",
           "FROM 'a.parquet'",
           "SELECT * FROM \"a.json\"",
           "SELECT (SELECT count(*) FROM 'a.csv')",
           "SELECT 1 WHERE EXISTS (FROM read_csv('x'))",
           "SELECT 1 ORDER BY (SELECT 1 FROM glob('*'))",
           "SELECT 1 LIMIT (SELECT count(*) FROM glob('*'))",
           "SELECT count(*) FILTER (WHERE (SELECT true FROM glob('*')))",
           "WITH a AS (FROM read_csv('x')) SELECT 1",
           "VALUES ((SELECT 1 FROM glob('*')))",
           "SELECT * FROM audit_spans JOIN glob('*') ON true",
           "SELECT sum(1) OVER (ORDER BY (SELECT 1 FROM glob('*')))",
           "SELECT [(SELECT 1 FROM glob('*'))]",
           "SELECT * FROM (FROM glob('*'))",
           "SELECT * FROM range((SELECT 1 FROM glob('*')))",
           "PIVOT (FROM glob('*')) ON file IN ('a') USING count(*)",
           "FROM audit_spans, LATERAL (FROM glob('*'))",
           "SELECT list_transform([1], lambda x: (SELECT 1 FROM glob('*')))",
           // other statements
           "COPY (SELECT 1) TO '/tmp/x'",
           "COPY audit_spans TO 'x'",
           "ATTACH 'x'",
           "DETACH x",
           "USE x",
           "PRAGMA version",
           "CALL pragma_version()",
           "SET threads = 4",
           "RESET threads",
           "INSTALL httpfs",
           "LOAD httpfs",
           "EXPORT DATABASE 'x'",
           "IMPORT DATABASE 'x'",
           "CREATE TABLE t (a INT)",
           "CREATE VIEW v AS SELECT 1",
           "CREATE MACRO m() AS 1",
           "CREATE SECRET s (TYPE s3)",
           "INSERT INTO audit_spans SELECT 1",
           "UPDATE audit_spans SET seq = 1",
           "DELETE FROM audit_spans",
           "DROP VIEW audit_spans",
           "ALTER TABLE t ADD COLUMN a INT",
           "CHECKPOINT",
           "VACUUM",
           "BEGIN",
           "COMMIT",
           "PREPARE p AS SELECT 1",
           "EXECUTE p",
           "EXPLAIN SELECT 1",
           "EXPLAIN ANALYZE SELECT 1",
           "DESCRIBE audit_spans",
           "SHOW TABLES",
           "SUMMARIZE audit_spans",
           "FROM (DESCRIBE audit_spans)",
           "SELECT * FROM (SHOW TABLES)",
           "SELECT * FROM (SUMMARIZE audit_spans)",
           "SELECT 1; SELECT 2",
           "SELECT 1; DROP TABLE x",
           "",
           ";",
           "-- nothing",
           // SQL in SQL
           "SELECT * FROM query('SELECT 1')",
           "SELECT * FROM query_table('audit_spans')",
           "SELECT * FROM query_table(['a'])",
           "SELECT * FROM json_execute_serialized_sql('{}')",
           "SELECT json_serialize_sql('SELECT 1')",
           "SELECT json_deserialize_sql('{}')",
           "SELECT json_serialize_plan('SELECT 1')",
           // the engine itself
           "SELECT * FROM duckdb_settings()",
           "SELECT * FROM duckdb_tables",
           "SELECT * FROM duckdb_secrets()",
           "SELECT * FROM pragma_version()",
           "SELECT * FROM information_schema.tables",
           "SELECT * FROM pg_catalog.pg_class",
           "SELECT * FROM sqlite_master",
           "SELECT * FROM pg_tables",
           "SELECT current_setting('threads')",
           "SELECT getvariable('x')",
           "SELECT getenv('HOME')",
           "SELECT nextval('s')",
           "SELECT write_log('x')",
           "SELECT current_query()",
           "SELECT setseed(0.5)",
           "SELECT * FROM seq_scan('audit_spans')",
           "SELECT * FROM which_secret('a', 'b')",
           "SELECT * FROM test_all_types()",
           "SELECT * FROM repeat_row(1, num_rows = 9)",
           "SELECT * FROM sealtrail_tail()",
           "SELECT sealtrail_attributes(NULL)",
           "SELECT * FROM main.audit_spans",
           "SELECT * FROM memory.main.audit_spans",
           "SELECT * FROM system.main.range(1)",
           "SELECT pg_catalog.current_database()",
           "SELECT * FROM arrow_scan(1, 2, 3)",
           "SELECT * FROM nowhere",
           "SELECT $1",
           "SELECT ?",
           "SELECT * FROM audit_spans AT (VERSION => 1)",
       }) {
    EXPECT_NE(Refusal(sql), "ALLOWED") << sql;
  }
}

// A name in WITH opens nothing outside of its own reach.
TEST(StatementCheckTest, ResolvesWithAsDuckDbDoes) {
  EXPECT_EQ(Refusal("WITH \"a.csv\" AS (SELECT 1) SELECT * FROM \"a.csv\""), "ALLOWED");
  EXPECT_NE(Refusal("SELECT * FROM (WITH \"a.csv\" AS (SELECT 1) FROM \"a.csv\"), \"a.csv\""),
            "ALLOWED");
  EXPECT_NE(Refusal("WITH a AS (FROM duckdb_tables), duckdb_tables AS (SELECT 1) FROM a"),
            "ALLOWED");
  EXPECT_NE(Refusal("WITH duckdb_tables AS (FROM duckdb_tables) FROM duckdb_tables"), "ALLOWED");
  EXPECT_EQ(Refusal("WITH a AS (SELECT 1), b AS (FROM a) FROM b"), "ALLOWED");
  EXPECT_THAT(Refusal("WITH audit_spans AS (SELECT 1) FROM audit_spans"),
              HasSubstr("may not give the name"));
  EXPECT_NE(Refusal("SELECT 1 FROM (WITH x AS (SELECT 1) FROM x) WHERE EXISTS (FROM x)"),
            "ALLOWED");
}

TEST(StatementCheckTest, NamesThePlace) {
  EXPECT_EQ(Refusal("SELECT *\nFROM read_csv('x')"),
            "function read_csv is not allowed in FROM, at line 2, column 6");
  EXPECT_EQ(Refusal("SELECT getenv('x')"), "function getenv is not allowed, at line 1, column 8");
  EXPECT_THAT(Refusal("SELECT * FROM audit_span"),
              HasSubstr("there is no table audit_span; the tables are audit_events, "));
  EXPECT_THAT(Refusal("SELECT * FROM audit_span"), HasSubstr(", at line 1, column 15"));
  EXPECT_THAT(Refusal("SELECT 1 FORM x y"), HasSubstr("syntax error"));
  EXPECT_EQ(Refusal("SELECT 1; SELECT 2"), "a query is one SELECT statement, and there are 2");
  EXPECT_EQ(Refusal("DROP TABLE x"), "a query is one SELECT statement, and this is another");
  EXPECT_EQ(Refusal(""), "a query is one SELECT statement, and there are 0");
}

TEST(StatementCheckTest, RefusesWhatIsNoTree) {
  for (const char* tree : {"", "[]", "{}", "{\"error\":true}", "{\"statements\":3}",
                           "{\"statements\":[{\"node\":{\"type\":\"NEW_NODE\"}}]}",
                           "{\"statements\":[{\"class\":\"NEW\",\"type\":\"NEW\"}]}"}) {
    EXPECT_FALSE(CheckStatement("x", tree).ok()) << tree;
  }
}

std::string Uses(const std::string& sql) {
  const auto shape = Check(sql);
  if (!shape.ok()) return shape.status().ToString();
  std::string out;
  for (const MapUse* use : {&shape->attributes, &shape->resource}) {
    if (use->whole) out += "whole";
    for (const std::string& key : use->keys) out += key + ",";
    out += ";";
  }
  return out;
}

TEST(StatementCheckTest, SeesHowMapsAreUsed) {
  EXPECT_EQ(Uses("SELECT actor, count(*) FROM audit_spans GROUP BY 1"), ";;");
  EXPECT_EQ(
      Uses(
          "SELECT attributes['b'], s.attributes['a'] FROM audit_spans s WHERE resource['r'] = 'x'"),
      "a,b,;r,;");
  EXPECT_EQ(Uses("SELECT ATTRIBUTES['x'] FROM audit_spans"), "x,;;");
  EXPECT_EQ(Uses("WITH c AS (SELECT attributes['a'] AS v FROM audit_spans) SELECT v FROM c"),
            "a,;;");
  EXPECT_EQ(Uses("SELECT attributes['a'][1] FROM audit_spans"), "a,;;");
  // whoever may see the whole map, gets it
  EXPECT_EQ(Uses("SELECT * FROM audit_spans"), "whole;whole;");
  EXPECT_EQ(Uses("SELECT attributes FROM audit_spans"), "whole;;");
  EXPECT_EQ(Uses("SELECT attributes AS a FROM audit_spans"), "whole;;");
  EXPECT_EQ(Uses("SELECT attributes['a'], map_keys(attributes) FROM audit_spans"), "whole;;");
  EXPECT_EQ(Uses("SELECT attributes[actor] FROM audit_spans"), "whole;;");
  EXPECT_EQ(Uses("SELECT attributes['a' || 'b'] FROM audit_spans"), "whole;;");
  EXPECT_EQ(Uses("SELECT attributes[1] FROM audit_spans"), "whole;;");
  EXPECT_EQ(Uses("SELECT attributes.a FROM audit_spans"), "whole;;");
  EXPECT_EQ(Uses("SELECT s FROM audit_spans AS s"), "whole;whole;");
  EXPECT_EQ(Uses("SELECT to_json(audit_spans) FROM audit_spans"), "whole;whole;");
  EXPECT_EQ(Uses("SELECT seq FROM audit_spans NATURAL JOIN audit_events"), "whole;whole;");
  EXPECT_EQ(Uses("SELECT seq FROM audit_spans a JOIN audit_events b USING (attributes)"),
            "whole;;");
  EXPECT_EQ(Uses("SELECT x FROM audit_spans AS t(x)"), "whole;whole;");
  EXPECT_EQ(Uses("SELECT COLUMNS('a.*') FROM audit_spans"), "whole;whole;");
  EXPECT_EQ(Uses("SELECT #3 FROM audit_spans"), "whole;whole;");
  EXPECT_EQ(Uses("SELECT attributes['A'], attributes['a'] FROM audit_spans"), "whole;;")
      << "a STRUCT folds case";
  EXPECT_EQ(Uses("SELECT attributes[''] FROM audit_spans"), "whole;;");
}

TEST(StatementCheckTest, SeesWhatIsVolatile) {
  EXPECT_FALSE(Check("SELECT now()")->is_volatile);
  EXPECT_TRUE(Check("SELECT random()")->is_volatile);
  EXPECT_TRUE(Check("SELECT uuid()")->is_volatile);
  EXPECT_TRUE(Check("SELECT * FROM audit_spans USING SAMPLE 5 ROWS")->is_volatile);
}

// Every function that DuckDB has is either on the list or was left out on purpose: none that is volatile or has to do
// with files, settings or the catalogue is on it.
TEST(StatementCheckTest, ListsNoFunctionWithSideEffects) {
  for (const char* name :
       {"getenv", "read_csv", "read_text", "glob", "query", "query_table",
        "json_execute_serialized_sql", "current_setting", "getvariable", "nextval", "currval",
        "setseed", "write_log", "duckdb_settings", "pragma_version", "parquet_scan",
        "json_serialize_sql", "current_query", "txid_current"}) {
    EXPECT_FALSE(IsAllowedFunction(name)) << name;
    EXPECT_FALSE(IsAllowedTableFunction(name)) << name;
  }
}

}  // namespace
}  // namespace sealtrail::query
