// DuckDB's C API with owners: the database of one process or thread, in memory, with one connection. Nothing
// throws; errors are DuckDB's own words, with its position.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

struct _duckdb_connection;
struct _duckdb_database;

namespace sealtrail::query {

class Duck {
 public:
  struct Options {
    uint64_t memory_bytes = 256u << 20;
  };

  // An empty database with one thread, time zone UTC, no extension loading and nothing on disk.
  // FailedPrecondition if library and header are not of one version.
  static Result<Duck> Open(const Options& options);

  Duck(Duck&& other) noexcept;
  Duck& operator=(Duck&& other) noexcept;
  ~Duck();

  // Runs statements of ours and drops what they answer.
  Status Run(const std::string& sql);
  // The first column of the first row; empty if there is none.
  Result<std::string> RunForText(const std::string& sql);

  // From now on only the files `readable` can be opened, for reading, at most `memory_bytes` are used, and no
  // setting can be changed any more.
  Status Close(const std::vector<std::string>& readable, uint64_t memory_bytes);

  _duckdb_connection* connection() const { return connection_; }

 private:
  Duck() = default;

  _duckdb_database* database_ = nullptr;
  _duckdb_connection* connection_ = nullptr;
};

// A name or a text in SQL, quoted.
std::string SqlName(std::string_view name);
std::string SqlText(std::string_view text);

}  // namespace sealtrail::query
