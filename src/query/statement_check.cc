#include "query/statement_check.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "query/allowed_functions.h"

namespace sealtrail::query {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 1500;  // DuckDB's parser stops at 1,000 levels of expressions
constexpr size_t kStructKeyBytesMax = 512;

constexpr std::string_view kExpressionClasses[] = {"BETWEEN",
                                                   "CASE",
                                                   "CAST",
                                                   "COLLATE",
                                                   "COLUMN_REF",
                                                   "COMPARISON",
                                                   "CONJUNCTION",
                                                   "CONSTANT",
                                                   "FUNCTION",
                                                   "LAMBDA",
                                                   "LAMBDA_REF",
                                                   "OPERATOR",
                                                   "POSITIONAL_REFERENCE",
                                                   "STAR",
                                                   "SUBQUERY",
                                                   "WINDOW"};
constexpr std::string_view kTableRefTypes[] = {"BASE_TABLE", "EMPTY",    "EXPRESSION_LIST", "JOIN",
                                               "PIVOT",      "SUBQUERY", "TABLE_FUNCTION"};
constexpr std::string_view kNodeTypes[] = {"SELECT_NODE",
                                           "SET_OPERATION_NODE",
                                           "RECURSIVE_CTE_NODE",
                                           "CTE_NODE",
                                           "ORDER_MODIFIER",
                                           "LIMIT_MODIFIER",
                                           "LIMIT_PERCENT_MODIFIER",
                                           "DISTINCT_MODIFIER",
                                           "ORDER_DEFAULT",
                                           "ASCENDING",
                                           "DESCENDING"};

template <size_t N>
bool Has(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::string TextOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const Json* Member(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string PlaceText(std::string_view sql, size_t offset) {
  if (offset > sql.size()) return "";
  const std::string_view before = sql.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return fmt::format(", at line {}, column {}", line, offset - line_start + 1);
}

// Walks a whole tree: every object in it is looked at, whichever member it hangs on.
class Checker {
 public:
  explicit Checker(std::string_view sql) : sql_(sql) {}

  Result<StatementShape> Check(const Json& statement) {
    CollectNames(statement);
    SEAL_RETURN_IF_ERROR(Walk(statement, {}, 0));
    for (MapUse* use : {&shape_.attributes, &shape_.resource}) KeepOnlyWhatAStructHolds(*use);
    return std::move(shape_);
  }

 private:
  using Scope = std::set<std::string>;  // names of CTEs that are visible

  Status Refuse(const Json& node, std::string what) const {
    size_t offset = SIZE_MAX;
    if (const Json* location = Member(node, "query_location");
        location && location->is_number_unsigned()) {
      offset = location->get<uint64_t>();
    }
    return InvalidArgument("{}{}", what, PlaceText(sql_, offset));
  }

  // Names under which a whole row can be written as one value (SELECT t FROM audit_spans AS t).
  void CollectNames(const Json& node) {
    if (node.is_object()) {
      const std::string type = TextOf(node, "type");
      if (Has(kTableRefTypes, type) && !node.contains("class")) {
        for (const char* member : {"alias", "table_name"}) {
          if (const std::string name = TextOf(node, member); !name.empty())
            row_names_.insert(Lower(name));
        }
      }
      if (const Json* map = CteMap(node)) {
        for (const Json& entry : *map) row_names_.insert(Lower(TextOf(entry, "key")));
      }
    }
    if (node.is_structured()) {
      for (const Json& child : node) CollectNames(child);
    }
  }

  static const Json* CteMap(const Json& node) {
    const Json* ctes = Member(node, "cte_map");
    return ctes != nullptr && ctes->is_object() ? Member(*ctes, "map") : nullptr;
  }

  Status WalkChildren(const Json& node, const Scope& scope, int depth) {
    for (const auto& [name, child] : node.items()) {
      if (name == "cte_map") continue;  // walked before, in its own order
      SEAL_RETURN_IF_ERROR(Walk(child, scope, depth + 1));
    }
    return OkStatus();
  }

  Status Walk(const Json& node, const Scope& scope, int depth) {
    if (depth > kDepthMax) return InvalidArgument("the statement is nested too deeply");
    if (node.is_array()) {
      for (const Json& child : node) SEAL_RETURN_IF_ERROR(Walk(child, scope, depth + 1));
      return OkStatus();
    }
    if (!node.is_object()) return OkStatus();

    Scope inner = scope;
    if (const Json* map = CteMap(node)) SEAL_RETURN_IF_ERROR(WalkCtes(*map, inner, depth));
    if (TextOf(node, "type") == "RECURSIVE_CTE_NODE" || TextOf(node, "type") == "CTE_NODE") {
      SEAL_RETURN_IF_ERROR(AddCte(node, TextOf(node, "cte_name"), inner));
    }
    SEAL_RETURN_IF_ERROR(CheckNode(node, inner));
    if (IsConstantSubscript(node)) return OkStatus();  // taken as a whole by CheckNode
    return WalkChildren(node, inner, depth);
  }

  // A CTE sees those before it, and itself where it is recursive: exactly as DuckDB resolves names, for whatever
  // it does not find among them it looks up in its catalogue.
  Status WalkCtes(const Json& map, Scope& scope, int depth) {
    for (const Json& entry : map) {
      const std::string name = TextOf(entry, "key");
      SEAL_RETURN_IF_ERROR(
          Walk(entry.contains("value") ? entry["value"] : Json(), scope, depth + 1));
      SEAL_RETURN_IF_ERROR(AddCte(entry, name, scope));
    }
    return OkStatus();
  }

  Status AddCte(const Json& node, const std::string& name, Scope& scope) {
    const std::string lower = Lower(name);
    if (AllowedTables().contains(lower)) {
      return Refuse(
          node, fmt::format("WITH may not give the name of the table {} to something else", name));
    }
    scope.insert(lower);
    return OkStatus();
  }

  Status CheckNode(const Json& node, const Scope& scope) {
    const std::string type = TextOf(node, "type");
    if (node.contains("class")) return CheckExpression(node, TextOf(node, "class"), type);
    if (node.contains("show_type"))
      return Refuse(node, "SHOW, DESCRIBE and SUMMARIZE are not allowed");
    if (!node.contains("type") || !node["type"].is_string()) return OkStatus();
    if (const Json* sample = Member(node, "sample")) {
      (void)sample;
      shape_.is_volatile = true;
    }
    if (type == "BASE_TABLE") return CheckTable(node, scope);
    if (type == "TABLE_FUNCTION") return CheckTableFunction(node);
    if (type == "PIVOT") SeeWholeRows();
    if (type == "JOIN") return CheckJoin(node);
    if (Has(kTableRefTypes, type) || Has(kNodeTypes, type)) return OkStatus();
    if (type.ends_with("_TYPE_INFO")) return OkStatus();  // of a cast or a constant
    return Refuse(node, fmt::format("{} is not allowed", type));
  }

  Status CheckTable(const Json& node, const Scope& scope) {
    const std::string name = TextOf(node, "table_name");
    const std::string lower = Lower(name);
    if (!TextOf(node, "schema_name").empty() || !TextOf(node, "catalog_name").empty()) {
      return Refuse(node, fmt::format("table {}.{}: tables have no schema here; {}",
                                      TextOf(node, "schema_name"), name, TablesText()));
    }
    if (Member(node, "at_clause")) return Refuse(node, "AT (…) is not allowed");
    if (scope.contains(lower)) return OkStatus();
    if (!AllowedTables().contains(lower)) {
      return Refuse(node, fmt::format("there is no table {}; {}", name, TablesText()));
    }
    shape_.tables.insert(lower);
    // AS t(a, b, …) gives columns other names, under which they may be used unseen.
    if (const Json* names = Member(node, "column_name_alias"); names && !names->empty())
      SeeWholeRows();
    return OkStatus();
  }

  static std::string TablesText() {
    std::string names;
    for (const std::string_view name : AllowedTables())
      names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    return "the tables are " + names;
  }

  Status CheckTableFunction(const Json& node) {
    const Json* function = Member(node, "function");
    const std::string name = function == nullptr ? "" : Lower(TextOf(*function, "function_name"));
    if (!IsAllowedTableFunction(name)) {
      return Refuse(node, fmt::format("function {} is not allowed in FROM",
                                      name.empty() ? "of this kind" : name));
    }
    table_function_ = function;
    return OkStatus();
  }

  Status CheckJoin(const Json& node) {
    if (TextOf(node, "ref_type") == "NATURAL") SeeWholeRows();
    if (const Json* columns = Member(node, "using_columns")) {
      for (const Json& column : *columns) {
        const std::string name = column.is_string() ? Lower(column.get<std::string>()) : "";
        if (MapUse* use = UseOf(name)) use->whole = true;
      }
    }
    return OkStatus();
  }

  Status CheckExpression(const Json& node, const std::string& expression_class,
                         const std::string& type) {
    if (expression_class == "PARAMETER") return Refuse(node, "parameters ($1, ?) are not allowed");
    if (!Has(kExpressionClasses, expression_class)) {
      return Refuse(node, fmt::format("{} is not allowed", type.empty() ? expression_class : type));
    }
    if (IsConstantSubscript(node)) {
      const std::vector<std::string> path = ColumnPath(node["children"][0]);
      UseOf(path.back())->keys.insert(node["children"][1]["value"]["value"].get<std::string>());
      return OkStatus();
    }
    if (expression_class == "STAR" || expression_class == "POSITIONAL_REFERENCE") SeeWholeRows();
    if (expression_class == "COLUMN_REF") SeeColumn(ColumnPath(node));
    if (expression_class == "LAMBDA_REF") return OkStatus();
    if (node.contains("function_name")) return CheckFunction(node);
    return OkStatus();
  }

  Status CheckFunction(const Json& node) {
    const std::string name = Lower(TextOf(node, "function_name"));
    const std::string schema = Lower(TextOf(node, "schema"));
    const std::string catalog = Lower(TextOf(node, "catalog"));
    const bool has_usual_home = (schema.empty() || schema == "main") && catalog.empty();
    const bool allowed = &node == table_function_ || IsAllowedFunction(name);
    if (!allowed || !has_usual_home) {
      return Refuse(node, fmt::format("function {}{}{} is not allowed", schema,
                                      schema.empty() ? "" : ".", name));
    }
    shape_.is_volatile |= IsVolatileFunction(name);
    return OkStatus();
  }

  static std::vector<std::string> ColumnPath(const Json& node) {
    std::vector<std::string> path;
    if (const Json* names = Member(node, "column_names"); names && names->is_array()) {
      for (const Json& name : *names)
        path.push_back(name.is_string() ? Lower(name.get<std::string>()) : "");
    }
    return path;
  }

  MapUse* UseOf(std::string_view column) {
    if (column == "attributes") return &shape_.attributes;
    if (column == "resource") return &shape_.resource;
    return nullptr;
  }

  // attributes['key'] or t.attributes['key'].
  bool IsConstantSubscript(const Json& node) {
    if (TextOf(node, "class") != "OPERATOR" || TextOf(node, "type") != "ARRAY_EXTRACT")
      return false;
    const Json* children = Member(node, "children");
    if (!children || children->size() != 2 || !(*children)[0].is_object()) return false;
    const Json& column = (*children)[0];
    const Json& key = (*children)[1];
    if (TextOf(column, "class") != "COLUMN_REF" || TextOf(key, "class") != "CONSTANT") return false;
    const std::vector<std::string> path = ColumnPath(column);
    if (path.empty() || path.size() > 2 || UseOf(path.back()) == nullptr) return false;
    const Json* value = Member(key, "value");
    if (value == nullptr || !value->contains("value") || !(*value)["value"].is_string())
      return false;
    const Json* value_type = Member(*value, "type");
    return value_type != nullptr && TextOf(*value_type, "id") == "VARCHAR";
  }

  // Any other mention of a map column, or of a whole row by the name of its table.
  void SeeColumn(const std::vector<std::string>& path) {
    for (const std::string& name : path) {
      if (MapUse* use = UseOf(name)) use->whole = true;
    }
    if (!path.empty() && row_names_.contains(path.back())) SeeWholeRows();
  }

  void SeeWholeRows() {
    shape_.attributes.whole = true;
    shape_.resource.whole = true;
  }

  static void KeepOnlyWhatAStructHolds(MapUse& use) {
    std::set<std::string> folded;
    for (const std::string& key : use.keys) {
      if (key.empty() || key.size() > kStructKeyBytesMax || !folded.insert(Lower(key)).second)
        use.whole = true;
    }
    if (use.whole) use.keys.clear();
  }

  const std::string_view sql_;
  StatementShape shape_;
  std::set<std::string> row_names_;
  const Json* table_function_ = nullptr;
};

Status ParserError(std::string_view sql, const Json& tree) {
  const std::string message = TextOf(tree, "error_message");
  if (TextOf(tree, "error_type") == "not implemented") {
    return InvalidArgument("a query is one SELECT statement, and this is another");
  }
  size_t offset = SIZE_MAX;
  const std::string position = TextOf(tree, "position");
  if (!position.empty() && position.size() < 9 &&
      std::all_of(position.begin(), position.end(), ::isdigit)) {
    offset = std::stoul(position);
  }
  return InvalidArgument("{}{}", message, PlaceText(sql, offset));
}

}  // namespace

const std::set<std::string_view>& AllowedTables() {
  static const std::set<std::string_view> tables = {"audit_spans",  "audit_logs", "audit_self",
                                                    "audit_events", "segments",   "checkpoints",
                                                    "sources"};
  return tables;
}

Result<StatementShape> CheckStatement(std::string_view sql, std::string_view tree_json) {
  const Json tree = Json::parse(tree_json, nullptr, false);
  if (!tree.is_object()) return InvalidArgument("the statement has no syntax tree");
  if (const Json* error = Member(tree, "error");
      error && error->is_boolean() && error->get<bool>()) {
    return ParserError(sql, tree);
  }
  const Json* statements = Member(tree, "statements");
  const size_t count = statements == nullptr || !statements->is_array() ? 0 : statements->size();
  if (count != 1)
    return InvalidArgument("a query is one SELECT statement, and there are {}", count);
  return Checker(sql).Check((*statements)[0]);
}

}  // namespace sealtrail::query
