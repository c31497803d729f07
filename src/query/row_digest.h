// Digests of an answer's rows, as docs/sql.md specifies them.
#pragma once

#include <string>
#include <string_view>

namespace sealtrail::query {

struct RowDigests {
  std::string in_order;  // hexadecimal SHA-256
  std::string sorted;
};

// `rows`: one JSON array a line.
RowDigests DigestRows(std::string_view rows);

}  // namespace sealtrail::query
