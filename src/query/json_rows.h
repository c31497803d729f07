// Results as text that any JSON reader understands: a row is one JSON array on one line, with every value exact.
// The form is specified in docs/sql.md, because digests of answers are taken over it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

struct _duckdb_data_chunk;
struct _duckdb_logical_type;

namespace sealtrail::query {

// The type's name as DuckDB prints it: "BIGINT", "TIMESTAMP WITH TIME ZONE", "MAP(VARCHAR, VARCHAR)", "VARCHAR[]".
std::string TypeName(_duckdb_logical_type* type);

// OK if values of `type` have a JSON form; else InvalidArgument, asking for a cast.
Status CheckHasJsonForm(_duckdb_logical_type* type);

// Appends one line for each row of `chunk`: "[1,\"x\",null]\n". The types must have passed CheckHasJsonForm.
void AppendJsonRows(_duckdb_data_chunk* chunk, std::string& out);

}  // namespace sealtrail::query
