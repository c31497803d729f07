// The tail as a table function of DuckDB: rows of tail chunks, only the columns asked for, texts without a copy.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "query/duck.h"
#include "query/tail_chunk.h"

namespace sealtrail::query {

// Which columns the table has: first all canonical ones (seq, times, time_unix_nano, texts, severity_number,
// findings), then a column for each key, then the maps asked for.
struct TailColumns {
  struct Key {
    std::string name;  // of the column
    std::string key;
  };
  std::vector<Key> attribute_keys;
  std::vector<Key> resource_keys;
  bool maps = false;  // `attributes` and `resource`, whole
  bool rests =
      false;  // `a_rest` and `r_rest`: entries whose key has no column, or whose value is NULL
};

struct TailSource {
  std::vector<TailChunk> chunks;
  TailColumns columns;
  Seq end{UINT64_MAX};  // records from here on are left out
};

// Makes `name`() a table function over what `*source` holds when a query that names it is planned.
Status RegisterTailScan(Duck& duck, const std::string& name,
                        std::shared_ptr<const TailSource> source);

}  // namespace sealtrail::query
