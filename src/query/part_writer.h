// Parts: Parquet files with a column for each canonical column and for each attribute key that occurs in them.
//
// Layout   The canonical columns by name; a.<key> and r.<key> (part_columns.h), VARCHAR, NULL where a row lacks
//          the key; a_rest and r_rest, MAP(VARCHAR, VARCHAR), with the entries that no column shows: keys beyond
//          the limits below, and keys that are there without a value.
// Written by DuckDB in this process, with statements of ours only. The file is synced before Write returns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "env/files.h"
#include "query/index_catalogue.h"
#include "query/tail_chunk.h"

namespace sealtrail::query {

// DuckDB needs about a megabyte for each column that it writes, so wide parts have smaller row groups, and there is
// an end to their width.
constexpr size_t kKeyColumnsMax = 256;  // of attributes
constexpr size_t kResourceKeyColumnsMax = 64;
constexpr size_t kColumnKeyBytesMax = 256;  // a longer key never has a column

// Threads  Compatible.
class PartWriter {
 public:
  // Files are made in the folder `dir`.
  PartWriter(env::FileSystem& files, std::string dir);
  ~PartWriter();

  // Writes the rows of `chunks`, which follow each other, as one part.
  Result<PartInfo> Write(const std::vector<TailChunk>& chunks);

  // Writes the rows of `parts`, which follow each other, as one part.
  Result<PartInfo> Merge(const std::vector<PartInfo>& parts);

 private:
  struct Engine;

  Result<Engine*> Open();
  Status Copy(Engine& engine, const std::string& select, PartInfo& part);

  env::FileSystem& files_;
  const std::string dir_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace sealtrail::query
