// The whole map of a row, put together from the columns of a part: a scalar function of DuckDB.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "query/duck.h"

namespace sealtrail::query {

// Makes `name`(rest, column, …) a function to MAP(VARCHAR, VARCHAR): the entries of the map `rest`, and for each
// column that is not NULL its key with its value, keys in byte order. `keys` are the keys of the columns, in byte
// order and each once.
Status RegisterMapFunction(Duck& duck, const std::string& name,
                           std::shared_ptr<const std::vector<std::string>> keys);

}  // namespace sealtrail::query
