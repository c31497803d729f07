// Records of the store's own acts: design §3, docs/self-records.md.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "record/batch_builder.h"

namespace sealtrail::record {

// One act. Everything but the action may be empty.
struct SelfAct {
  std::string_view action;  // "sealtrail.query.run"
  std::string_view actor;   // the principal
  std::string_view target;  // the thing
  std::string_view outcome = "success";
  Kind kind = Kind::kSelf;  // kSeal for the ledger's own
  // Further attributes as (name, text); names are ours ("sealtrail.query.sql"), in the order given.
  std::vector<std::pair<std::string_view, std::string>> details;
};

// A batch of this one record, of class kOwn.
RecordBatch SelfRecord(const SelfAct& act, UnixNanos now, const Salt& salt);

// One batch of several acts, all or nothing; `salts` has one for each.
RecordBatch SelfRecords(const std::vector<SelfAct>& acts, UnixNanos now,
                        const std::vector<Salt>& salts);

}  // namespace sealtrail::record
