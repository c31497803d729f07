#include "query/json_rows.h"

#include <array>
#include <charconv>
#include <cmath>
#include <duckdb.h>

#include "base/encoding.h"
#include "base/utf8.h"
#include "query/duck_vectors.h"
#include "record/json_writer.h"

namespace sealtrail::query {
namespace {

// Integers beyond this are written as strings, because most JSON readers keep numbers as doubles.
constexpr int64_t kExactMax = (int64_t{1} << 53) - 1;

using Int128 = __int128;
using Uint128 = unsigned __int128;

std::string DecimalDigits(Uint128 value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return digits;
}

std::string DecimalText(Int128 value, unsigned scale) {
  const bool negative = value < 0;
  std::string digits =
      DecimalDigits(negative ? -static_cast<Uint128>(value) : static_cast<Uint128>(value));
  if (scale > 0) {
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - scale, ".");
  }
  return negative ? "-" + digits : digits;
}

// Text from the engine is UTF-8; should it ever not be, the answer still is.
void AppendQuoted(std::string& out, std::string_view text) {
  if (record::AppendJsonString(out, text)) return;
  SEAL_CHECK(record::AppendJsonString(out, Utf8Lossy(text)));
}

void AppendInteger(std::string& out, Int128 value) {
  const std::string text = DecimalText(value, 0);
  if (value > kExactMax || value < -kExactMax) {
    AppendQuoted(out, text);
  } else {
    out += text;
  }
}

void AppendUnsigned(std::string& out, duckdb_uhugeint value) {
  const Uint128 wide = static_cast<Uint128>(value.upper) << 64 | value.lower;
  if (wide > static_cast<Uint128>(kExactMax)) {
    AppendQuoted(out, DecimalDigits(wide));
  } else {
    out += DecimalDigits(wide);
  }
}

template <typename T>
void AppendFloat(std::string& out, T value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  } else {
    std::array<char, 64> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    out.append(text.data(), end);
  }
}

// "2026-11-24T03:04:05.000006" of a count of 1/`per_second` seconds since 1970.
std::string TimestampText(int64_t value, int64_t per_second, int decimals) {
  if (value == INT64_MAX) return "infinity";
  if (value == -INT64_MAX) return "-infinity";
  int64_t seconds = value / per_second;
  int64_t fraction = value % per_second;
  if (fraction < 0) {
    fraction += per_second;
    --seconds;
  }
  int64_t days = seconds / 86'400;
  int64_t of_day = seconds % 86'400;
  if (of_day < 0) {
    of_day += 86'400;
    --days;
  }
  const duckdb_date_struct date = duckdb_from_date({static_cast<int32_t>(days)});
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month,
                                 date.day, of_day / 3600, of_day / 60 % 60, of_day % 60);
  if (decimals > 0) text += fmt::format(".{:0{}}", fraction, decimals);
  return text;
}

std::string DateText(int32_t days) {
  if (days == INT32_MAX) return "infinity";
  if (days == -INT32_MAX) return "-infinity";
  const duckdb_date_struct date = duckdb_from_date({days});
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::string TimeText(int64_t micros) {
  const int64_t seconds = micros / 1'000'000;
  return fmt::format("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     micros % 1'000'000);
}

// ISO 8601, parts that are zero left out: "P1Y2M3DT4.5S".
std::string IntervalText(duckdb_interval value) {
  std::string date;
  if (value.months / 12 != 0) date += fmt::format("{}Y", value.months / 12);
  if (value.months % 12 != 0) date += fmt::format("{}M", value.months % 12);
  if (value.days != 0) date += fmt::format("{}D", value.days);
  if (value.micros == 0) return date.empty() ? "PT0S" : "P" + date;
  return fmt::format("P{}T{}S", date, DecimalText(value.micros, 6));
}

std::string UuidText(duckdb_hugeint value) {
  // Stored with its highest bit flipped, so that it sorts as a signed number.
  const uint64_t upper = static_cast<uint64_t>(value.upper) ^ uint64_t { 1 } << 63;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", upper >> 32, upper >> 16 & 0xffff,
                     upper & 0xffff, value.lower >> 48, value.lower & 0xffff'ffff'ffffu);
}

Int128 Wide(duckdb_hugeint value) {
  return static_cast<Int128>(static_cast<Uint128>(static_cast<uint64_t>(value.upper)) << 64 |
                             value.lower);
}

// Writes the values of one vector. Made once a chunk and column; children are made with it.
class Writer {
 public:
  explicit Writer(duckdb_vector vector)
      : type_(duckdb_vector_get_column_type(vector)),
        id_(type_.id()),
        data_(duckdb_vector_get_data(vector)),
        validity_(duckdb_vector_get_validity(vector)) {
    switch (id_) {
      case DUCKDB_TYPE_LIST:
      case DUCKDB_TYPE_MAP:
        children_.push_back(std::make_unique<Writer>(duckdb_list_vector_get_child(vector)));
        break;
      case DUCKDB_TYPE_ARRAY:
        children_.push_back(std::make_unique<Writer>(duckdb_array_vector_get_child(vector)));
        array_size_ = duckdb_array_type_array_size(type_.get());
        break;
      case DUCKDB_TYPE_STRUCT:
        for (idx_t i = 0; i < duckdb_struct_type_child_count(type_.get()); ++i) {
          children_.push_back(std::make_unique<Writer>(duckdb_struct_vector_get_child(vector, i)));
          char* const name = duckdb_struct_type_child_name(type_.get(), i);
          names_.emplace_back(name);
          duckdb_free(name);
        }
        break;
      default:
        break;
    }
  }

  void Append(size_t row, std::string& out) const {
    if (!IsValid(validity_, row)) {
      out += "null";
      return;
    }
    switch (id_) {
      case DUCKDB_TYPE_BOOLEAN:
        out += At<bool>(row) ? "true" : "false";
        return;
      case DUCKDB_TYPE_TINYINT:
        AppendInteger(out, At<int8_t>(row));
        return;
      case DUCKDB_TYPE_SMALLINT:
        AppendInteger(out, At<int16_t>(row));
        return;
      case DUCKDB_TYPE_INTEGER:
        AppendInteger(out, At<int32_t>(row));
        return;
      case DUCKDB_TYPE_BIGINT:
        AppendInteger(out, At<int64_t>(row));
        return;
      case DUCKDB_TYPE_UTINYINT:
        AppendInteger(out, At<uint8_t>(row));
        return;
      case DUCKDB_TYPE_USMALLINT:
        AppendInteger(out, At<uint16_t>(row));
        return;
      case DUCKDB_TYPE_UINTEGER:
        AppendInteger(out, At<uint32_t>(row));
        return;
      case DUCKDB_TYPE_UBIGINT:
        AppendInteger(out, At<uint64_t>(row));
        return;
      case DUCKDB_TYPE_HUGEINT:
        AppendInteger(out, Wide(At<duckdb_hugeint>(row)));
        return;
      case DUCKDB_TYPE_UHUGEINT:
        AppendUnsigned(out, At<duckdb_uhugeint>(row));
        return;
      case DUCKDB_TYPE_FLOAT:
        AppendFloat(out, At<float>(row));
        return;
      case DUCKDB_TYPE_DOUBLE:
        AppendFloat(out, At<double>(row));
        return;
      case DUCKDB_TYPE_DECIMAL:
        AppendQuoted(out, DecimalAt(row));
        return;
      case DUCKDB_TYPE_VARCHAR:
        AppendQuoted(out, ViewOf(At<duckdb_string_t>(row)));
        return;
      case DUCKDB_TYPE_BLOB:
        AppendQuoted(out, Base64Encode(AsBytes(ViewOf(At<duckdb_string_t>(row)))));
        return;
      case DUCKDB_TYPE_TIMESTAMP_TZ:
        AppendQuoted(out, TimestampText(At<int64_t>(row), 1'000'000, 6) + "Z");
        return;
      case DUCKDB_TYPE_TIMESTAMP:
        AppendQuoted(out, TimestampText(At<int64_t>(row), 1'000'000, 6));
        return;
      case DUCKDB_TYPE_TIMESTAMP_S:
        AppendQuoted(out, TimestampText(At<int64_t>(row), 1, 0));
        return;
      case DUCKDB_TYPE_TIMESTAMP_MS:
        AppendQuoted(out, TimestampText(At<int64_t>(row), 1'000, 3));
        return;
      case DUCKDB_TYPE_TIMESTAMP_NS:
        AppendQuoted(out, TimestampText(At<int64_t>(row), 1'000'000'000, 9));
        return;
      case DUCKDB_TYPE_DATE:
        AppendQuoted(out, DateText(At<int32_t>(row)));
        return;
      case DUCKDB_TYPE_TIME:
        AppendQuoted(out, TimeText(At<int64_t>(row)));
        return;
      case DUCKDB_TYPE_INTERVAL:
        AppendQuoted(out, IntervalText(At<duckdb_interval>(row)));
        return;
      case DUCKDB_TYPE_UUID:
        AppendQuoted(out, UuidText(At<duckdb_hugeint>(row)));
        return;
      case DUCKDB_TYPE_ENUM:
        AppendQuoted(out, EnumAt(row));
        return;
      case DUCKDB_TYPE_LIST:
        AppendList(At<duckdb_list_entry>(row), out);
        return;
      case DUCKDB_TYPE_ARRAY:
        AppendList({row * array_size_, array_size_}, out);
        return;
      case DUCKDB_TYPE_MAP:
        AppendMap(At<duckdb_list_entry>(row), out);
        return;
      case DUCKDB_TYPE_STRUCT:
        AppendStruct(row, out);
        return;
      default:
        out += "null";
        return;  // SQLNULL: nothing else passed CheckHasJsonForm
    }
  }

 private:
  template <typename T>
  const T& At(size_t row) const {
    return static_cast<const T*>(data_)[row];
  }

  std::string DecimalAt(size_t row) const {
    const unsigned scale = duckdb_decimal_scale(type_.get());
    switch (duckdb_decimal_internal_type(type_.get())) {
      case DUCKDB_TYPE_SMALLINT:
        return DecimalText(At<int16_t>(row), scale);
      case DUCKDB_TYPE_INTEGER:
        return DecimalText(At<int32_t>(row), scale);
      case DUCKDB_TYPE_BIGINT:
        return DecimalText(At<int64_t>(row), scale);
      default:
        return DecimalText(Wide(At<duckdb_hugeint>(row)), scale);
    }
  }

  std::string EnumAt(size_t row) const {
    uint32_t index = 0;
    switch (duckdb_enum_internal_type(type_.get())) {
      case DUCKDB_TYPE_UTINYINT:
        index = At<uint8_t>(row);
        break;
      case DUCKDB_TYPE_USMALLINT:
        index = At<uint16_t>(row);
        break;
      default:
        index = At<uint32_t>(row);
        break;
    }
    char* const name = duckdb_enum_dictionary_value(type_.get(), index);
    std::string text = name;
    duckdb_free(name);
    return text;
  }

  void AppendList(duckdb_list_entry entry, std::string& out) const {
    out.push_back('[');
    for (size_t i = 0; i < entry.length; ++i) {
      if (i > 0) out.push_back(',');
      children_[0]->Append(entry.offset + i, out);
    }
    out.push_back(']');
  }

  // An object where the keys are text; else an array of pairs.
  void AppendMap(duckdb_list_entry entry, std::string& out) const {
    const Writer& keys = *children_[0]->children_[0];
    const Writer& values = *children_[0]->children_[1];
    const bool is_object = keys.id_ == DUCKDB_TYPE_VARCHAR;
    out.push_back(is_object ? '{' : '[');
    for (size_t i = 0; i < entry.length; ++i) {
      if (i > 0) out.push_back(',');
      if (!is_object) out.push_back('[');
      keys.Append(entry.offset + i, out);
      out.push_back(is_object ? ':' : ',');
      values.Append(entry.offset + i, out);
      if (!is_object) out.push_back(']');
    }
    out.push_back(is_object ? '}' : ']');
  }

  void AppendStruct(size_t row, std::string& out) const {
    out.push_back('{');
    for (size_t i = 0; i < children_.size(); ++i) {
      if (i > 0) out.push_back(',');
      AppendQuoted(out, names_[i]);
      out.push_back(':');
      children_[i]->Append(row, out);
    }
    out.push_back('}');
  }

  const DuckType type_;
  const duckdb_type id_;
  const void* const data_;
  const uint64_t* const validity_;
  std::vector<std::unique_ptr<Writer>> children_;
  std::vector<std::string> names_;
  size_t array_size_ = 0;
};

struct NamedType {
  duckdb_type id;
  const char* name;
};
constexpr NamedType kPlainTypes[] = {
    {DUCKDB_TYPE_BOOLEAN, "BOOLEAN"},
    {DUCKDB_TYPE_TINYINT, "TINYINT"},
    {DUCKDB_TYPE_SMALLINT, "SMALLINT"},
    {DUCKDB_TYPE_INTEGER, "INTEGER"},
    {DUCKDB_TYPE_BIGINT, "BIGINT"},
    {DUCKDB_TYPE_UTINYINT, "UTINYINT"},
    {DUCKDB_TYPE_USMALLINT, "USMALLINT"},
    {DUCKDB_TYPE_UINTEGER, "UINTEGER"},
    {DUCKDB_TYPE_UBIGINT, "UBIGINT"},
    {DUCKDB_TYPE_HUGEINT, "HUGEINT"},
    {DUCKDB_TYPE_UHUGEINT, "UHUGEINT"},
    {DUCKDB_TYPE_FLOAT, "FLOAT"},
    {DUCKDB_TYPE_DOUBLE, "DOUBLE"},
    {DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    {DUCKDB_TYPE_BLOB, "BLOB"},
    {DUCKDB_TYPE_TIMESTAMP_TZ, "TIMESTAMP WITH TIME ZONE"},
    {DUCKDB_TYPE_TIMESTAMP, "TIMESTAMP"},
    {DUCKDB_TYPE_TIMESTAMP_S, "TIMESTAMP_S"},
    {DUCKDB_TYPE_TIMESTAMP_MS, "TIMESTAMP_MS"},
    {DUCKDB_TYPE_TIMESTAMP_NS, "TIMESTAMP_NS"},
    {DUCKDB_TYPE_DATE, "DATE"},
    {DUCKDB_TYPE_TIME, "TIME"},
    {DUCKDB_TYPE_INTERVAL, "INTERVAL"},
    {DUCKDB_TYPE_UUID, "UUID"},
    {DUCKDB_TYPE_ENUM, "ENUM"},
    {DUCKDB_TYPE_SQLNULL, "NULL"},
};

const char* PlainName(duckdb_type id) {
  for (const NamedType& type : kPlainTypes) {
    if (type.id == id) return type.name;
  }
  return nullptr;
}

}  // namespace

std::string TypeName(duckdb_logical_type type) {
  const duckdb_type id = duckdb_get_type_id(type);
  if (const char* name = PlainName(id)) return name;
  switch (id) {
    case DUCKDB_TYPE_DECIMAL:
      return fmt::format("DECIMAL({},{})", duckdb_decimal_width(type), duckdb_decimal_scale(type));
    case DUCKDB_TYPE_LIST:
      return TypeName(DuckType(duckdb_list_type_child_type(type)).get()) + "[]";
    case DUCKDB_TYPE_ARRAY:
      return fmt::format("{}[{}]", TypeName(DuckType(duckdb_array_type_child_type(type)).get()),
                         duckdb_array_type_array_size(type));
    case DUCKDB_TYPE_MAP:
      return fmt::format("MAP({}, {})", TypeName(DuckType(duckdb_map_type_key_type(type)).get()),
                         TypeName(DuckType(duckdb_map_type_value_type(type)).get()));
    case DUCKDB_TYPE_STRUCT: {
      std::string fields;
      for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
        char* const name = duckdb_struct_type_child_name(type, i);
        fields += fmt::format("{}{} {}", i == 0 ? "" : ", ", name,
                              TypeName(DuckType(duckdb_struct_type_child_type(type, i)).get()));
        duckdb_free(name);
      }
      return fmt::format("STRUCT({})", fields);
    }
    default:
      return fmt::format("type {}", static_cast<int>(id));
  }
}

Status CheckHasJsonForm(duckdb_logical_type type) {
  const duckdb_type id = duckdb_get_type_id(type);
  if (PlainName(id) != nullptr || id == DUCKDB_TYPE_DECIMAL) return OkStatus();
  switch (id) {
    case DUCKDB_TYPE_LIST:
      return CheckHasJsonForm(DuckType(duckdb_list_type_child_type(type)).get());
    case DUCKDB_TYPE_ARRAY:
      return CheckHasJsonForm(DuckType(duckdb_array_type_child_type(type)).get());
    case DUCKDB_TYPE_MAP:
      SEAL_RETURN_IF_ERROR(CheckHasJsonForm(DuckType(duckdb_map_type_key_type(type)).get()));
      return CheckHasJsonForm(DuckType(duckdb_map_type_value_type(type)).get());
    case DUCKDB_TYPE_STRUCT:
      for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
        SEAL_RETURN_IF_ERROR(
            CheckHasJsonForm(DuckType(duckdb_struct_type_child_type(type, i)).get()));
      }
      return OkStatus();
    default:
      return InvalidArgument("a result of this type has no JSON form; cast it to VARCHAR");
  }
}

void AppendJsonRows(duckdb_data_chunk chunk, std::string& out) {
  std::vector<std::unique_ptr<Writer>> columns;
  for (idx_t i = 0; i < duckdb_data_chunk_get_column_count(chunk); ++i) {
    columns.push_back(std::make_unique<Writer>(duckdb_data_chunk_get_vector(chunk, i)));
  }
  for (size_t row = 0; row < duckdb_data_chunk_get_size(chunk); ++row) {
    out.push_back('[');
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out.push_back(',');
      columns[i]->Append(row, out);
    }
    out += "]\n";
  }
}

}  // namespace sealtrail::query
