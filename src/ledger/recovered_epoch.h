// A trail that goes on under a new key, because nobody can say that the old one has signed nothing else: the beginning of
// a recovered epoch. docs/formats/checkpoint.md, "Recovered epochs".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "env/env.h"
#include "ledger/ledger_reader.h"
#include "ledger/trail_paths.h"

namespace sealtrail::ledger {

struct RecoveredEpochOptions {
  std::string actor;              // who recovers
  std::string signing_state_dir;  // where the signing record is to lie; empty: in the folder
  uint32_t name_number_min =
      0;  // of the new log's name, where it is known that smaller ones are taken
};

struct RecoveredEpoch {
  uint32_t epoch = 0;
  std::string vkey;
  CheckpointInfo from;        // the tree that it goes on from, unsigned
  CheckpointInfo checkpoint;  // the first one of the new key
};

// The name of the log of a recovered epoch: its key's name and its checkpoints' origin.
std::string RecoveredLogName(std::string_view origin, uint32_t number);

// The number in such a name; 0 for the trail's origin itself and for every other name.
uint32_t RecoveredLogNumber(std::string_view origin, std::string_view log_name);

// Begins the epoch in a folder that holds the files of a trail and is no trail yet (it has no note `trail`): a new key, the
// record that names it, the checkpoint that ends with this record, and a signing record of its own. A signing record
// that is there already is kept beside it as `state-<number of its log>`. `checkpoint` and `vkeys`: of the trail as it
// was. The caller holds the locks of the folder and of that signing record's. All is durable on return; after an error
// the folder is to be thrown away. Errors of Recover.
Result<RecoveredEpoch> BeginRecoveredEpoch(const env::Env& env, const TrailPaths& paths,
                                           const CheckpointInfo& checkpoint,
                                           const std::vector<std::string>& vkeys,
                                           const RecoveredEpochOptions& options);

}  // namespace sealtrail::ledger
