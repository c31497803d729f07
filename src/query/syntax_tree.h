#pragma once

#include <string>

#include "base/status.h"
#include "query/duck.h"

namespace sealtrail::query {

// DuckDB's syntax tree of `sql`, as JSON. A statement that cannot be parsed has a tree that says why
// (statement_check.h reads it).
Result<std::string> SyntaxTree(Duck& duck, const std::string& sql);

}  // namespace sealtrail::query
