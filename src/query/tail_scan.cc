#include "query/tail_scan.h"

#include <algorithm>

#include "query/duck_vectors.h"
#include "vocab/findings.h"

namespace sealtrail::query {
namespace {

using vocab::kTextColumnCount;
using vocab::kTimeColumnCount;

// What stands at each place of the table.
struct ColumnKind {
  enum class Type : uint8_t {
    kSeq,
    kTime,
    kUnixNano,
    kText,
    kSeverityNumber,
    kFindings,
    kAttribute,
    kResource,
    kAttributeMap,
    kResourceMap,
    kAttributeRest,
    kResourceRest,
  };
  Type type;
  size_t index = 0;  // of the time, text or key
};
using Type = ColumnKind::Type;

std::vector<ColumnKind> KindsOf(const TailColumns& columns) {
  std::vector<ColumnKind> kinds = {{Type::kSeq}};
  for (size_t i = 0; i < kTimeColumnCount; ++i) kinds.push_back({Type::kTime, i});
  kinds.push_back({Type::kUnixNano});
  for (size_t i = 0; i < kTextColumnCount; ++i) kinds.push_back({Type::kText, i});
  kinds.push_back({Type::kSeverityNumber});
  kinds.push_back({Type::kFindings});
  for (size_t i = 0; i < columns.attribute_keys.size(); ++i) kinds.push_back({Type::kAttribute, i});
  for (size_t i = 0; i < columns.resource_keys.size(); ++i) kinds.push_back({Type::kResource, i});
  if (columns.maps) {
    kinds.push_back({Type::kAttributeMap});
    kinds.push_back({Type::kResourceMap});
  }
  if (columns.rests) {
    kinds.push_back({Type::kAttributeRest});
    kinds.push_back({Type::kResourceRest});
  }
  return kinds;
}

using SourceHolder = std::shared_ptr<const TailSource>;

// Where a scan stands, and what it needs of the present chunk.
struct Scan {
  SourceHolder source;
  std::vector<ColumnKind> projected;  // by output column
  size_t chunk = 0;
  size_t row = 0;
  // By key number of the present chunk: the output columns that show the key, -1 for none; whether it has a column
  // of its own.
  std::vector<int> attribute_outputs;
  std::vector<int> resource_outputs;
  std::vector<bool> attribute_is_column;
  std::vector<bool> resource_is_column;
  bool chunk_is_ready = false;
};

void Bind(duckdb_bind_info info) {
  const auto& source = *static_cast<SourceHolder*>(duckdb_bind_get_extra_info(info));
  const auto add = [&](std::string_view name, const DuckType& type) {
    duckdb_bind_add_result_column(info, std::string(name).c_str(), type.get());
  };
  const DuckType text(DUCKDB_TYPE_VARCHAR);
  const DuckType big(DUCKDB_TYPE_BIGINT);
  const DuckType time(DUCKDB_TYPE_TIMESTAMP_TZ);
  const DuckType map(DuckType::TextMap());
  add("seq", big);
  for (const std::string_view name : vocab::kTimeColumnNames) add(name, time);
  add("time_unix_nano", big);
  for (const std::string_view name : vocab::kTextColumnNames) add(name, text);
  add("severity_number", DuckType(DUCKDB_TYPE_INTEGER));
  add("findings", DuckType(DuckType::TextList()));
  for (const auto& key : source->columns.attribute_keys) add(key.name, text);
  for (const auto& key : source->columns.resource_keys) add(key.name, text);
  if (source->columns.maps) {
    add("attributes", map);
    add("resource", map);
  }
  if (source->columns.rests) {
    add("a_rest", map);
    add("r_rest", map);
  }
  size_t rows = 0;
  for (const TailChunk& chunk : source->chunks) rows += chunk.rows();
  duckdb_bind_set_cardinality(info, rows, false);
}

void Init(duckdb_init_info info) {
  auto scan = std::make_unique<Scan>();
  scan->source = *static_cast<SourceHolder*>(duckdb_init_get_extra_info(info));
  const std::vector<ColumnKind> kinds = KindsOf(scan->source->columns);
  for (idx_t i = 0; i < duckdb_init_get_column_count(info); ++i) {
    // A query that only counts asks for a column beyond the last: any will do.
    scan->projected.push_back(
        kinds[std::min<size_t>(duckdb_init_get_column_index(info, i), kinds.size() - 1)]);
  }
  duckdb_init_set_max_threads(info, 1);
  duckdb_init_set_init_data(info, scan.release(),
                            [](void* data) { delete static_cast<Scan*>(data); });
}

// Resolves the keys of the present chunk.
void PrepareChunk(Scan& scan, const TailChunk& chunk) {
  const auto resolve = [&](const std::vector<TailColumns::Key>& keys, Type type,
                           std::vector<int>& outputs, std::vector<bool>& is_column) {
    vocab::TextMap<size_t> places;
    for (size_t i = 0; i < keys.size(); ++i) places.emplace(keys[i].key, i);
    std::vector<int> output_of(keys.size(), -1);
    for (size_t out = 0; out < scan.projected.size(); ++out) {
      if (scan.projected[out].type == type)
        output_of[scan.projected[out].index] = static_cast<int>(out);
    }
    outputs.assign(chunk.keys().size(), -1);
    is_column.assign(chunk.keys().size(), false);
    for (size_t number = 0; number < chunk.keys().size(); ++number) {
      const auto place = places.find(chunk.text(chunk.keys()[number]));
      if (place == places.end()) continue;
      outputs[number] = output_of[place->second];
      is_column[number] = true;
    }
  };
  resolve(scan.source->columns.attribute_keys, Type::kAttribute, scan.attribute_outputs,
          scan.attribute_is_column);
  resolve(scan.source->columns.resource_keys, Type::kResource, scan.resource_outputs,
          scan.resource_is_column);
  scan.chunk_is_ready = true;
}

int64_t FloorMicros(int64_t nanos) {
  return nanos / 1000 - (nanos % 1000 < 0 ? 1 : 0);
}

void FillTimes(std::span<const int64_t> nanos, duckdb_vector out, bool micros) {
  int64_t* const data = DataOf<int64_t>(out);
  uint64_t* validity = nullptr;
  for (size_t i = 0; i < nanos.size(); ++i) {
    if (nanos[i] == vocab::kNullTime) {
      if (validity == nullptr) validity = WritableValidity(out);
      SetNull(validity, i);
    } else {
      data[i] = micros ? FloorMicros(nanos[i]) : nanos[i];
    }
  }
}

void FillTexts(const TailChunk& chunk, std::span<const TextRef> refs, size_t from, size_t rows,
               duckdb_vector out) {
  if (refs.empty()) {
    SetAllNull(out, rows);
    return;
  }
  duckdb_string_t* const data = DataOf<duckdb_string_t>(out);
  uint64_t* validity = nullptr;
  for (size_t i = 0; i < rows; ++i) {
    const TextRef ref = refs[from + i];
    if (ref.is_null()) {
      if (validity == nullptr) validity = WritableValidity(out);
      SetNull(validity, i);
    } else {
      data[i] = BorrowText(chunk.text(ref));
    }
  }
}

void FillFindings(std::span<const uint32_t> findings, duckdb_vector out) {
  auto* const lists = DataOf<duckdb_list_entry>(out);
  size_t total = 0;
  for (const uint32_t bits : findings) total += static_cast<size_t>(__builtin_popcount(bits));
  duckdb_list_vector_reserve(out, total);
  auto* const names = DataOf<duckdb_string_t>(duckdb_list_vector_get_child(out));
  size_t at = 0;
  for (size_t i = 0; i < findings.size(); ++i) {
    lists[i].offset = at;
    for (size_t bit = 0; bit < vocab::kFindingCount; ++bit) {
      if (findings[i] >> bit & 1) names[at++] = BorrowText(vocab::kFindingNames[bit]);
    }
    lists[i].length = at - lists[i].offset;
  }
  duckdb_list_vector_set_size(out, total);
}

// Spreads the entries of each row over the columns of their keys.
template <typename EntriesOf>
void FillKeys(const TailChunk& chunk, const Scan& scan, Type type, const std::vector<int>& outputs,
              size_t rows, duckdb_data_chunk output, EntriesOf entries_of) {
  struct Column {
    duckdb_string_t* data = nullptr;
    uint64_t* validity = nullptr;
  };
  std::vector<Column> columns(scan.projected.size());
  bool any = false;
  for (size_t out = 0; out < scan.projected.size(); ++out) {
    if (scan.projected[out].type != type) continue;
    duckdb_vector vector = duckdb_data_chunk_get_vector(output, out);
    SetAllNull(vector, rows);
    columns[out] = {DataOf<duckdb_string_t>(vector), duckdb_vector_get_validity(vector)};
    any = true;
  }
  if (!any || std::all_of(outputs.begin(), outputs.end(), [](int out) { return out < 0; })) return;
  for (size_t i = 0; i < rows; ++i) {
    for (const EntryRef& entry : entries_of(i)) {
      const int out = outputs[entry.key];
      if (out < 0 || entry.value.is_null()) continue;
      const Column& column = columns[static_cast<size_t>(out)];
      column.data[i] = BorrowText(chunk.text(entry.value));
      SetValid(column.validity, i);
    }
  }
}

// `only_rest`: leaves out entries that a column shows.
template <typename EntriesOf>
void FillMap(const TailChunk& chunk, const std::vector<bool>* only_rest, size_t rows,
             duckdb_vector out, EntriesOf entries_of) {
  TextMapWriter map(out);
  for (size_t i = 0; i < rows; ++i) {
    for (const EntryRef& entry : entries_of(i)) {
      const std::string_view key = chunk.text(chunk.keys()[entry.key]);
      if (entry.value.is_null()) {
        map.AddNull(key);
      } else if (only_rest == nullptr || !(*only_rest)[entry.key]) {
        map.Add(key, BorrowText(chunk.text(entry.value)));
      }
    }
    map.EndRow(i);
  }
  map.Finish();
}

void FillColumn(const TailChunk& chunk, const Scan& scan, size_t out, size_t rows,
                duckdb_vector vector) {
  const ColumnKind kind = scan.projected[out];
  const size_t from = scan.row;
  const auto attributes_of = [&](size_t i) { return chunk.attributes(from + i); };
  const auto resource_of = [&](size_t i) { return chunk.resource(from + i); };
  switch (kind.type) {
    case Type::kSeq:
      for (size_t i = 0; i < rows; ++i) {
        DataOf<int64_t>(vector)[i] = static_cast<int64_t>(Value(chunk.first()) + from + i);
      }
      return;
    case Type::kTime:
      FillTimes(chunk.times(static_cast<vocab::TimeColumn>(kind.index)).subspan(from, rows), vector,
                true);
      return;
    case Type::kUnixNano:
      FillTimes(chunk.times(vocab::TimeColumn::kTimestamp).subspan(from, rows), vector, false);
      return;
    case Type::kText:
      FillTexts(chunk, chunk.texts(static_cast<vocab::TextColumn>(kind.index)), from, rows, vector);
      return;
    case Type::kSeverityNumber:
      for (size_t i = 0; i < rows; ++i) {
        const int32_t number = chunk.severity_numbers()[from + i];
        DataOf<int32_t>(vector)[i] = number;
        if (number == 0) SetNull(WritableValidity(vector), i);
      }
      return;
    case Type::kFindings:
      FillFindings(chunk.findings().subspan(from, rows), vector);
      return;
    case Type::kAttributeMap:
      FillMap(chunk, nullptr, rows, vector, attributes_of);
      return;
    case Type::kResourceMap:
      FillMap(chunk, nullptr, rows, vector, resource_of);
      return;
    case Type::kAttributeRest:
      FillMap(chunk, &scan.attribute_is_column, rows, vector, attributes_of);
      return;
    case Type::kResourceRest:
      FillMap(chunk, &scan.resource_is_column, rows, vector, resource_of);
      return;
    case Type::kAttribute:
    case Type::kResource:
      return;  // FillKeys fills all of them together
  }
}

// Rows of `chunk` that count.
size_t RowsOf(const TailChunk& chunk, Seq end) {
  if (chunk.first() >= end) return 0;
  return std::min<uint64_t>(chunk.rows(), Value(end) - Value(chunk.first()));
}

void NextRows(duckdb_function_info info, duckdb_data_chunk output) {
  Scan& scan = *static_cast<Scan*>(duckdb_function_get_init_data(info));
  const auto& chunks = scan.source->chunks;
  while (scan.chunk < chunks.size() && scan.row >= RowsOf(chunks[scan.chunk], scan.source->end)) {
    ++scan.chunk;
    scan.row = 0;
    scan.chunk_is_ready = false;
  }
  if (scan.chunk == chunks.size()) {
    duckdb_data_chunk_set_size(output, 0);
    return;
  }
  const TailChunk& chunk = chunks[scan.chunk];
  if (!scan.chunk_is_ready) PrepareChunk(scan, chunk);
  const size_t rows =
      std::min<size_t>(duckdb_vector_size(), RowsOf(chunk, scan.source->end) - scan.row);
  for (size_t out = 0; out < scan.projected.size(); ++out) {
    FillColumn(chunk, scan, out, rows, duckdb_data_chunk_get_vector(output, out));
  }
  FillKeys(chunk, scan, Type::kAttribute, scan.attribute_outputs, rows, output,
           [&](size_t i) { return chunk.attributes(scan.row + i); });
  FillKeys(chunk, scan, Type::kResource, scan.resource_outputs, rows, output,
           [&](size_t i) { return chunk.resource(scan.row + i); });
  duckdb_data_chunk_set_size(output, rows);
  scan.row += rows;
}

}  // namespace

Status RegisterTailScan(Duck& duck, const std::string& name,
                        std::shared_ptr<const TailSource> source) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, name.c_str());
  duckdb_table_function_set_extra_info(function, new SourceHolder(std::move(source)),
                                       [](void* data) { delete static_cast<SourceHolder*>(data); });
  duckdb_table_function_set_bind(function, Bind);
  duckdb_table_function_set_init(function, Init);
  duckdb_table_function_set_function(function, NextRows);
  duckdb_table_function_supports_projection_pushdown(function, true);
  const duckdb_state state = duckdb_register_table_function(duck.connection(), function);
  duckdb_destroy_table_function(&function);
  if (state != DuckDBSuccess) return FailedPrecondition("DuckDB: cannot register {}", name);
  return OkStatus();
}

}  // namespace sealtrail::query
