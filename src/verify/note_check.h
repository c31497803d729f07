// Holds the two notes of a trail, `checkpoint` and `trail`, to what they must say, and names the line that does not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verify/note.h"
#include "verify/report.h"

namespace sealtrail::verify {

// What a note's signed text must be, line by line; nothing where that is not known from elsewhere.
using ExpectedLines = std::vector<std::optional<std::string>>;

// The place of the damage in `note`, whose signature by `key` does not hold or is not there: a line where putting the
// expected one in its place makes the signature hold, the signature where all lines are as expected, the unknown
// lines and the signature where the known ones are as expected, and otherwise the whole note. `file`, `kind` and
// `text` are filled in.
Damage LocateNoteDamage(std::string file, std::string_view note, const ExpectedLines& expected,
                        const VerifierKey& key);

}  // namespace sealtrail::verify
