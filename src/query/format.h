// An answer of POST /api/v1/query as people and programs want it.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace sealtrail::query {

// `answer` is {"columns":[…],"rows":[[…]],"statement":{…}}. `format`:
//   table   aligned columns, a rule, the rows, and how many; for a terminal. Line breaks and controls are escaped.
//   csv     RFC 4180 with a header line; an absent value is an empty field, an empty text is ""
//   json    an array of objects, one a line
//   ndjson  one object a line
// Of two columns with one name, objects keep both: the second is named "name_2".
// InvalidArgument for another format; DataLoss if `answer` is no such object.
Result<std::string> FormatAnswer(std::string_view answer, std::string_view format);

}  // namespace sealtrail::query
