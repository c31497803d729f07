#include "query/syntax_tree.h"

#include <duckdb.h>

#include "query/duck_vectors.h"

namespace sealtrail::query {
namespace {

struct Prepared {
  duckdb_prepared_statement statement = nullptr;
  ~Prepared() { duckdb_destroy_prepare(&statement); }
};
struct Answer {
  duckdb_result result{};
  duckdb_data_chunk chunk = nullptr;
  ~Answer() {
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
  }
};

}  // namespace

Result<std::string> SyntaxTree(Duck& duck, const std::string& sql) {
  Prepared prepared;
  if (duckdb_prepare(duck.connection(), "SELECT json_serialize_sql(?::VARCHAR)",
                     &prepared.statement) != DuckDBSuccess ||
      duckdb_bind_varchar_length(prepared.statement, 1, sql.data(), sql.size()) != DuckDBSuccess) {
    return FailedPrecondition("DuckDB: {}", duckdb_prepare_error(prepared.statement));
  }
  Answer answer;
  if (duckdb_execute_prepared(prepared.statement, &answer.result) != DuckDBSuccess) {
    return InvalidArgument("{}", duckdb_result_error(&answer.result));
  }
  answer.chunk = duckdb_fetch_chunk(answer.result);
  if (answer.chunk == nullptr || duckdb_data_chunk_get_size(answer.chunk) != 1) {
    return FailedPrecondition("DuckDB gave no syntax tree");
  }
  const duckdb_vector vector = duckdb_data_chunk_get_vector(answer.chunk, 0);
  if (!IsValid(duckdb_vector_get_validity(vector), 0)) {
    return FailedPrecondition("DuckDB gave no syntax tree");
  }
  return std::string(ViewOf(DataOf<duckdb_string_t>(vector)[0]));
}

}  // namespace sealtrail::query
