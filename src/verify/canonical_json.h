// Is this text the canonical form (RFC 8785) of some JSON? Knows nothing of records: leaf_check.h
// does. verify asks it what kind of damage a leaf has that is not as record.md says.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sealtrail::verify {

struct JsonFault {
  const char* what = nullptr;  // null: none
  size_t offset = 0;           // of the first byte that could not stand there
};

// Exactly one value with nothing around it: no white space, names sorted by UTF-16 code units and
// unique, minimal escapes, canonical numbers, valid UTF-8. At most 200 levels deep.
JsonFault CheckCanonicalJson(ByteView text);

// The text that a string's body stands for, where `body` is what stands between the quotes of a canonical string.
std::string UnescapeJson(std::string_view body);

}  // namespace sealtrail::verify
