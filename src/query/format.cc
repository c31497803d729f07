#include "query/format.h"

#include <algorithm>
#include <map>
#include <vector>

#include <nlohmann/json.hpp>

namespace sealtrail::query {
namespace {

using json = nlohmann::ordered_json;

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// A text as it is, anything else as JSON.
std::string Plain(const json& value) {
  return value.is_string() ? value.get<std::string>() : Dump(value);
}

std::string TableCell(const json& value) {
  if (value.is_null()) return "";
  const std::string text = Plain(value);
  const bool plain =
      std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (plain) return text;
  const std::string escaped = Dump(text);
  return escaped.substr(1, escaped.size() - 2);
}

// Characters, as a terminal counts most of them: UTF-8 bytes that do not continue one.
size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

std::string Table(const std::vector<std::string>& names, const json& rows) {
  std::vector<std::vector<std::string>> cells = {names};
  for (const json& row : rows) {
    auto& line = cells.emplace_back();
    for (const json& value : row) line.push_back(TableCell(value));
  }
  std::vector<size_t> widths(names.size());
  for (const auto& line : cells) {
    for (size_t i = 0; i < names.size(); ++i) widths[i] = std::max(widths[i], Width(line[i]));
  }
  std::string out;
  for (size_t l = 0; l < cells.size(); ++l) {
    std::string text;
    for (size_t i = 0; i < names.size(); ++i) {
      text += cells[l][i] + std::string(widths[i] - Width(cells[l][i]) + 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
    if (l != 0) continue;
    std::string rule;
    for (const size_t width : widths) rule += std::string(width, '-') + "  ";
    rule.erase(rule.find_last_not_of(' ') + 1);
    out += rule + "\n";
  }
  return out + fmt::format("({} {})\n", rows.size(), rows.size() == 1 ? "row" : "rows");
}

std::string CsvField(const json& value) {
  if (value.is_null()) return "";
  const std::string text = Plain(value);
  if (!text.empty() && text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string CsvLine(const json& values) {
  std::string line;
  for (const json& value : values)
    line += (line.empty() && &value == &values.front() ? "" : ",") + CsvField(value);
  return line + "\r\n";
}

std::string Csv(const std::vector<std::string>& names, const json& rows) {
  std::string out = CsvLine(json(names));
  for (const json& row : rows) out += CsvLine(row);
  return out;
}

std::string Object(const std::vector<std::string>& names, const json& row) {
  json object = json::object();
  for (size_t i = 0; i < names.size(); ++i) object[names[i]] = row[i];
  return Dump(object);
}

std::vector<std::string> UniqueNames(std::vector<std::string> names) {
  std::map<std::string, int> seen;
  for (std::string& name : names) {
    if (const int count = ++seen[name]; count > 1) name += fmt::format("_{}", count);
  }
  return names;
}

bool IsAnswer(const json& answer) {
  if (!answer.is_object() || !answer.contains("columns") || !answer.contains("rows")) return false;
  const json& columns = answer["columns"];
  return columns.is_array() && answer["rows"].is_array() &&
         std::ranges::all_of(answer["rows"], [&](const json& row) {
           return row.is_array() && row.size() == columns.size();
         });
}

}  // namespace

Result<std::string> FormatAnswer(std::string_view text, std::string_view format) {
  const json answer = json::parse(text, nullptr, false);
  if (!IsAnswer(answer)) return DataLoss("the answer is not what a store sends");
  std::vector<std::string> names;
  for (const json& column : answer["columns"]) names.push_back(column.value("name", ""));
  const json& rows = answer["rows"];
  if (format == "table") return Table(names, rows);
  if (format == "csv") return Csv(names, rows);
  names = UniqueNames(std::move(names));
  std::string out;
  if (format == "ndjson") {
    for (const json& row : rows) out += Object(names, row) + "\n";
    return out;
  }
  if (format != "json")
    return InvalidArgument("format \"{}\": expected table, csv, json or ndjson", format);
  for (const json& row : rows) out += (out.empty() ? "[" : ",\n") + Object(names, row);
  return (rows.empty() ? "[" : out) + "]\n";
}

}  // namespace sealtrail::query
