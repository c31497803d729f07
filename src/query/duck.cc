#include "query/duck.h"

#include <duckdb.h>

namespace sealtrail::query {
namespace {

constexpr std::string_view kVersion = "v1.4.4";

// Destroys a result however the function returns.
struct ResultGuard {
  duckdb_result result{};
  ~ResultGuard() { duckdb_destroy_result(&result); }
};

std::string Quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out.push_back(quote);
    out.push_back(c);
  }
  out.push_back(quote);
  return out;
}

Status Configure(duckdb_config config, const Duck::Options& options) {
  const std::pair<const char*, std::string> kSettings[] = {
      {"threads", "1"},
      {"memory_limit", fmt::format("{}B", options.memory_bytes)},
      {"temp_directory", ""},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
      {"allow_unsigned_extensions", "false"},
  };
  for (const auto& [name, value] : kSettings) {
    if (duckdb_set_config(config, name, value.c_str()) != DuckDBSuccess) {
      return FailedPrecondition("DuckDB does not know the setting {}", name);
    }
  }
  return OkStatus();
}

}  // namespace

Result<Duck> Duck::Open(const Options& options) {
  if (duckdb_library_version() != kVersion) {
    return FailedPrecondition("DuckDB {} is loaded, and {} is needed", duckdb_library_version(),
                              kVersion);
  }
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess) return ResourceExhausted("DuckDB: no memory");
  Duck duck;
  Status status = Configure(config, options);
  char* error = nullptr;
  if (status.ok() && duckdb_open_ext(nullptr, &duck.database_, config, &error) != DuckDBSuccess) {
    status = FailedPrecondition("open DuckDB: {}", error == nullptr ? "no reason given" : error);
  }
  duckdb_free(error);
  duckdb_destroy_config(&config);
  SEAL_RETURN_IF_ERROR(status);
  if (duckdb_connect(duck.database_, &duck.connection_) != DuckDBSuccess) {
    return FailedPrecondition("DuckDB: cannot connect");
  }
  SEAL_RETURN_IF_ERROR(duck.Run("SET TimeZone = 'UTC'"));
  return duck;
}

Duck::Duck(Duck&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)),
      connection_(std::exchange(other.connection_, nullptr)) {}

Duck& Duck::operator=(Duck&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(connection_, other.connection_);
  return *this;
}

Duck::~Duck() {
  if (connection_ != nullptr) duckdb_disconnect(&connection_);
  if (database_ != nullptr) duckdb_close(&database_);
}

Status Duck::Run(const std::string& sql) {
  ResultGuard guard;
  if (duckdb_query(connection_, sql.c_str(), &guard.result) == DuckDBSuccess) return OkStatus();
  return InvalidArgument("{}", duckdb_result_error(&guard.result));
}

Result<std::string> Duck::RunForText(const std::string& sql) {
  ResultGuard guard;
  if (duckdb_query(connection_, sql.c_str(), &guard.result) != DuckDBSuccess) {
    return InvalidArgument("{}", duckdb_result_error(&guard.result));
  }
  char* const text = duckdb_value_varchar(&guard.result, 0, 0);
  std::string out = text == nullptr ? "" : text;
  duckdb_free(text);
  return out;
}

Status Duck::Close(const std::vector<std::string>& readable, uint64_t memory_bytes) {
  std::string list;
  for (const std::string& path : readable) list += (list.empty() ? "" : ", ") + SqlText(path);
  SEAL_RETURN_IF_ERROR(Run(fmt::format("SET memory_limit = '{}B'", memory_bytes)));
  SEAL_RETURN_IF_ERROR(Run(fmt::format("SET allowed_paths = [{}]::VARCHAR[]", list)));
  SEAL_RETURN_IF_ERROR(Run("SET enable_external_access = false"));
  return Run("SET lock_configuration = true");
}

std::string SqlName(std::string_view name) {
  return Quoted(name, '"');
}
std::string SqlText(std::string_view text) {
  return Quoted(text, '\'');
}

}  // namespace sealtrail::query
