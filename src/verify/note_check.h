// Holds the notes of a trail to what they must say, and names the line that does not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "verify/note.h"
#include "verify/report.h"

namespace sealtrail::verify {

// What a note's signed text must be, line by line; nothing where that is not known from elsewhere.
using ExpectedLines = std::vector<std::optional<std::string>>;

// A note that is as checkpoint.md says: exactly one signature by each of `keys`, in their order, and they hold.
bool NoteHolds(std::string_view note, std::span<const VerifierKey> keys);

// The place of the damage in `note`, whose signatures by `keys` do not hold or are not there: a line where putting the
// expected one in its place makes a signature hold, the signature where the text is right, the unknown lines and the
// signature where the known ones are as expected, and otherwise the whole note. `file`, `kind` and `text` are filled
// in.
Damage LocateNoteDamage(std::string file, std::string_view note, const ExpectedLines& expected,
                        std::span<const VerifierKey> keys);

// The line of `note` at `index`, from 0, as a place.
Damage NoteLine(std::string file, std::string_view note, size_t index);

// The signature line of `note` at `index`, from 0, as a place. `parsed`: the note; `index`: one of its signatures.
Damage SignatureLine(std::string file, std::string_view note, const SignedNote& parsed,
                     size_t index);

}  // namespace sealtrail::verify
