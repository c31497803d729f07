// What a statement may do, decided on DuckDB's own syntax tree (json_serialize_sql), never on its text.
//
// Everything is by allow-list: a kind of node, a function or a table that is not named here is refused, so what a
// later DuckDB adds is refused too until someone has looked at it. Files, other databases, settings and the
// engine's own catalogue are reached through functions and tables that are on no list.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace sealtrail::query {

// How a statement uses one of the map columns.
struct MapUse {
  // Someone may look at the whole map (SELECT *, a join over it, a computed key, …), or two keys differ only in
  // case, which a STRUCT cannot hold: the column must be the map itself.
  bool whole = false;
  // Otherwise every use is a constant subscript, and these are all of them.
  std::set<std::string> keys;
};

struct StatementShape {
  std::set<std::string> tables;  // of ours, in lower case
  MapUse attributes;
  MapUse resource;
  // Run again on the same tree with the same now(), it may answer differently: random(), uuid(), TABLESAMPLE.
  bool is_volatile = false;
};

// The tables that a statement may name, in lower case.
const std::set<std::string_view>& AllowedTables();

// `tree_json` is what json_serialize_sql answered for `sql`.
// Errors  InvalidArgument: what is refused, and where ("function read_csv is not allowed, at line 1, column 15").
Result<StatementShape> CheckStatement(std::string_view sql, std::string_view tree_json);

}  // namespace sealtrail::query
