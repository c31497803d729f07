// The record of a question: docs/self-records.md, sealtrail.query.run.
#pragma once

#include <string_view>

#include "record/self_record.h"

namespace sealtrail::query {

// Holds the first 4 KiB of the statement, and the digest of all of it. Borrows `principal`.
record::SelfAct QueryAct(std::string_view principal, std::string_view sql);

}  // namespace sealtrail::query
