#include "query/table_views.h"

#include <fmt/format.h>

#include "query/duck.h"
#include "query/part_columns.h"
#include "vocab/columns.h"

namespace sealtrail::query {
namespace {

constexpr std::string_view kNullMap = "NULL::MAP(VARCHAR, VARCHAR)";

std::string CanonicalColumns() {
  std::string columns = "seq";
  for (const std::string_view name : vocab::kTimeColumnNames)
    columns += fmt::format(", \"{}\"", name);
  columns += ", time_unix_nano";
  for (const std::string_view name : vocab::kTextColumnNames)
    columns += fmt::format(", \"{}\"", name);
  return columns + ", severity_number, findings";
}

// One of the two map columns.
struct MapColumn {
  std::string_view name;      // of the column that the user sees
  std::string_view rest;      // of the parts' rest map
  std::string_view function;  // that puts the map together
  std::string (*column_of)(std::string_view key);
};
constexpr MapColumn kAttributes{"attributes", "a_rest", kAttributesFunction, AttributeColumn};
constexpr MapColumn kResource{"resource", "r_rest", kResourceFunction, ResourceColumn};

// `key` as the parts have it.
std::string KeyInParts(const MapColumn& map, const PartKeys& parts, const std::string& key) {
  const bool in_column = parts.columns.contains(key);
  const bool in_rest = parts.rest_is_open || parts.rest.contains(key);
  const std::string column = SqlName(map.column_of(key));
  const std::string rest = fmt::format("{}[{}]", map.rest, SqlText(key));
  if (in_column && in_rest) return fmt::format("coalesce({}, {})", column, rest);
  if (in_column) return column;
  return in_rest ? rest : "NULL::VARCHAR";
}

template <typename KeyExpression>
std::string Struct(const std::set<std::string>& keys, KeyExpression expression) {
  std::string fields;
  for (const std::string& key : keys) {
    fields += fmt::format("{}{} := {}", fields.empty() ? "" : ", ", SqlName(key), expression(key));
  }
  return fmt::format("struct_pack({})", fields);
}

std::string MapFromParts(const MapColumn& map, const MapUse& use, const PartKeys& parts) {
  if (use.whole) {
    std::string arguments(map.rest);
    for (const std::string& key : parts.columns) arguments += ", " + SqlName(map.column_of(key));
    return fmt::format("{}({})", map.function, arguments);
  }
  if (use.keys.empty()) return std::string(kNullMap);
  return Struct(use.keys, [&](const std::string& key) { return KeyInParts(map, parts, key); });
}

std::string MapFromTail(const MapColumn& map, const MapUse& use) {
  if (use.whole) return std::string(map.name);
  if (use.keys.empty()) return std::string(kNullMap);
  return Struct(use.keys, [&](const std::string& key) { return SqlName(map.column_of(key)); });
}

std::string KindsOf(std::string_view table) {
  if (table == "audit_spans") return "'span', 'span_event'";
  if (table == "audit_logs") return "'log', 'audit'";
  if (table == "audit_self") return "'self', 'seal'";
  return "'span', 'span_event', 'log', 'audit', 'unreadable'";
}

std::string AuditView(std::string_view table, const StatementShape& shape, const ViewInput& input) {
  const std::string where = fmt::format("WHERE kind IN ({})", KindsOf(table));
  std::string sql = fmt::format("CREATE VIEW {} AS ", table);
  if (!input.part_paths.empty()) {
    std::string paths;
    for (const std::string& path : input.part_paths) {
      paths += (paths.empty() ? "" : ", ") + SqlText(path);
    }
    sql += fmt::format(
        "SELECT {}, {} AS attributes, {} AS resource FROM read_parquet([{}], union_by_name = true) "
        "{}",
        CanonicalColumns(), MapFromParts(kAttributes, shape.attributes, input.attributes),
        MapFromParts(kResource, shape.resource, input.resource), paths, where);
    if (input.end != UINT64_MAX) sql += fmt::format(" AND seq < {}", input.end);
    sql += " UNION ALL ";
  }
  return sql + fmt::format("SELECT {}, {} AS attributes, {} AS resource FROM {}() {}",
                           CanonicalColumns(), MapFromTail(kAttributes, shape.attributes),
                           MapFromTail(kResource, shape.resource), kTailFunction, where);
}

std::string SegmentsView(const std::vector<SegmentRow>& segments) {
  std::string rows;
  for (const SegmentRow& segment : segments) {
    rows += fmt::format("{}({}, {}, {}, {}, {})", rows.empty() ? "" : ", ", SqlText(segment.name),
                        segment.first, segment.count, segment.bytes, segment.active);
  }
  const std::string_view types =
      "name::VARCHAR AS name, first_seq::BIGINT AS first_seq, records::BIGINT AS records, "
      "bytes::BIGINT AS bytes, active::BOOLEAN AS active";
  if (rows.empty()) {
    return fmt::format(
        "CREATE VIEW segments AS SELECT {} FROM (SELECT NULL AS name, NULL AS first_seq, NULL AS "
        "records, NULL AS bytes, NULL AS active) WHERE false",
        types);
  }
  return fmt::format(
      "CREATE VIEW segments AS SELECT {} FROM (VALUES {}) AS t(name, first_seq, records, bytes, "
      "active)",
      types, rows);
}

std::string CheckpointsView(const std::vector<CheckpointRow>& checkpoints) {
  std::string rows;
  for (const CheckpointRow& checkpoint : checkpoints) {
    rows += fmt::format("{}({}, {}, {})", rows.empty() ? "" : ", ", checkpoint.tree_size,
                        SqlText(checkpoint.root), SqlText(checkpoint.note));
  }
  const std::string_view types =
      "tree_size::BIGINT AS tree_size, root::VARCHAR AS root, note::VARCHAR AS note";
  if (rows.empty()) {
    return fmt::format(
        "CREATE VIEW checkpoints AS SELECT {} FROM (SELECT NULL AS tree_size, NULL AS root, NULL "
        "AS "
        "note) WHERE false",
        types);
  }
  return fmt::format(
      "CREATE VIEW checkpoints AS SELECT {} FROM (VALUES {}) AS t(tree_size, root, note)", types,
      rows);
}

constexpr std::string_view kSourcesView =
    "CREATE VIEW sources AS SELECT principal, service, pipeline, count(*) AS records, min(seq) AS "
    "first_seq, "
    "max(seq) AS last_seq, min(received_at) AS first_received_at, max(received_at) AS "
    "last_received_at "
    "FROM audit_events GROUP BY principal, service, pipeline";

std::vector<TailColumns::Key> TailKeys(const MapUse& use, const MapColumn& map) {
  std::vector<TailColumns::Key> keys;
  for (const std::string& key : use.keys) keys.push_back({map.column_of(key), key});
  return keys;
}

}  // namespace

Views MakeViews(const StatementShape& shape, const ViewInput& input) {
  Views views;
  std::set<std::string> tables = shape.tables;
  if (tables.contains("sources")) tables.insert("audit_events");
  for (const std::string& table : tables) {
    if (table == "segments") {
      views.statements.push_back(SegmentsView(input.segments));
    } else if (table == "checkpoints") {
      views.statements.push_back(CheckpointsView(input.checkpoints));
    } else if (table != "sources") {
      views.statements.push_back(AuditView(table, shape, input));
    }
  }
  if (tables.contains("sources")) views.statements.emplace_back(kSourcesView);

  views.tail.attribute_keys = TailKeys(shape.attributes, kAttributes);
  views.tail.resource_keys = TailKeys(shape.resource, kResource);
  views.tail.maps = shape.attributes.whole || shape.resource.whole;
  views.attribute_keys.assign(input.attributes.columns.begin(), input.attributes.columns.end());
  views.resource_keys.assign(input.resource.columns.begin(), input.resource.columns.end());
  return views;
}

}  // namespace sealtrail::query
