#include "query/map_function.h"

#include "query/duck_vectors.h"

namespace sealtrail::query {
namespace {

using Keys = std::shared_ptr<const std::vector<std::string>>;

// `rest` as a vector of maps, read.
struct RestReader {
  explicit RestReader(duckdb_vector map)
      : validity(duckdb_vector_get_validity(map)),
        rows(DataOf<duckdb_list_entry>(map)),
        keys(DataOf<duckdb_string_t>(Child(map, 0))),
        values(DataOf<duckdb_string_t>(Child(map, 1))),
        value_validity(duckdb_vector_get_validity(Child(map, 1))) {}

  static duckdb_vector Child(duckdb_vector map, idx_t index) {
    return duckdb_struct_vector_get_child(duckdb_list_vector_get_child(map), index);
  }
  duckdb_list_entry Row(size_t row) const {
    return IsValid(validity, row) ? rows[row] : duckdb_list_entry{0, 0};
  }

  const uint64_t* validity;
  const duckdb_list_entry* rows;
  const duckdb_string_t* keys;
  const duckdb_string_t* values;
  const uint64_t* value_validity;
};

struct Column {
  std::string_view key;
  const duckdb_string_t* data;
  const uint64_t* validity;
};

// Columns that are not NULL in every row of this chunk: most keys of a wide part are rare.
std::vector<Column> ColumnsInUse(duckdb_data_chunk input, const std::vector<std::string>& keys,
                                 size_t rows) {
  std::vector<Column> columns;
  for (size_t i = 0; i < keys.size(); ++i) {
    const duckdb_vector vector = duckdb_data_chunk_get_vector(input, i + 1);
    const uint64_t* const validity = duckdb_vector_get_validity(vector);
    bool any = validity == nullptr;
    for (size_t word = 0; !any && word < (rows + 63) / 64; ++word) any = validity[word] != 0;
    if (any) columns.push_back({keys[i], DataOf<duckdb_string_t>(vector), validity});
  }
  return columns;
}

// Puts one row's entries in order: two sorted runs merged. A key in both has a value in its column, or none and NULL
// in the rest.
class RowMerger {
 public:
  RowMerger(const std::vector<Column>& columns, const RestReader& rest, duckdb_vector output)
      : columns_(columns), rest_(rest), output_(output), map_(output) {}

  void Merge(size_t row) {
    const duckdb_list_entry entries = rest_.Row(row);
    size_t at = entries.offset;
    const size_t end = entries.offset + entries.length;
    for (const Column& column : columns_) {
      if (!IsValid(column.validity, row)) continue;
      while (at < end && ViewOf(rest_.keys[at]) < column.key) AddRest(at++);
      if (at < end && ViewOf(rest_.keys[at]) == column.key) ++at;
      Note(values_, column.data[row]);
      map_.Add(column.key, column.data[row]);
      ++size_;
    }
    while (at < end) AddRest(at++);
    map_.EndRow(row);
  }

  // The output outlives the input, so texts of the input that are too long to lie in their vector are copied by
  // DuckDB's own call. Keys of columns live as long as the function.
  void Finish() {
    map_.Finish();
    CopyTexts(RestReader::Child(output_, 0), keys_);
    CopyTexts(RestReader::Child(output_, 1), values_);
  }

 private:
  void AddRest(size_t at) {
    const std::string_view key = ViewOf(rest_.keys[at]);
    Note(keys_, rest_.keys[at]);
    if (IsValid(rest_.value_validity, at)) {
      Note(values_, rest_.values[at]);
      map_.Add(key, rest_.values[at]);
    } else {
      map_.AddNull(key);
    }
    ++size_;
  }

  void Note(std::vector<size_t>& places, const duckdb_string_t& text) const {
    if (text.value.inlined.length > sizeof(text.value.inlined.inlined)) places.push_back(size_);
  }

  static void CopyTexts(duckdb_vector vector, const std::vector<size_t>& places) {
    const duckdb_string_t* const texts = DataOf<duckdb_string_t>(vector);
    for (const size_t place : places) {
      const std::string_view text = ViewOf(texts[place]);
      duckdb_vector_assign_string_element_len(vector, place, text.data(), text.size());
    }
  }

  const std::vector<Column>& columns_;
  const RestReader& rest_;
  const duckdb_vector output_;
  TextMapWriter map_;
  size_t size_ = 0;
  std::vector<size_t> keys_;    // entries whose key must be copied
  std::vector<size_t> values_;  // entries whose value must be copied
};

void PutTogether(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const Keys& keys = *static_cast<const Keys*>(duckdb_scalar_function_get_extra_info(info));
  const size_t rows = duckdb_data_chunk_get_size(input);
  if (duckdb_data_chunk_get_column_count(input) != keys->size() + 1) {
    duckdb_scalar_function_set_error(info,
                                     "a map function was called with other columns than it knows");
    return;
  }
  const std::vector<Column> columns = ColumnsInUse(input, *keys, rows);
  const RestReader rest(duckdb_data_chunk_get_vector(input, 0));
  RowMerger merger(columns, rest, output);
  for (size_t row = 0; row < rows; ++row) merger.Merge(row);
  merger.Finish();
}

}  // namespace

Status RegisterMapFunction(Duck& duck, const std::string& name, Keys keys) {
  const DuckType text(DUCKDB_TYPE_VARCHAR);
  const DuckType map(DuckType::TextMap());
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, name.c_str());
  duckdb_scalar_function_add_parameter(function, map.get());
  duckdb_scalar_function_set_varargs(function, text.get());
  duckdb_scalar_function_set_return_type(function, map.get());
  duckdb_scalar_function_set_special_handling(function);  // NULL columns are the usual case
  duckdb_scalar_function_set_extra_info(function, new Keys(std::move(keys)),
                                        [](void* data) { delete static_cast<Keys*>(data); });
  duckdb_scalar_function_set_function(function, PutTogether);
  const duckdb_state state = duckdb_register_scalar_function(duck.connection(), function);
  duckdb_destroy_scalar_function(&function);
  if (state != DuckDBSuccess) return FailedPrecondition("DuckDB: cannot register {}", name);
  return OkStatus();
}

}  // namespace sealtrail::query
