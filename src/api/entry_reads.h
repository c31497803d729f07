// Who reads the entries of the log, for the trail: a monitor fetches thousands of bundles, and a record for each would make
// the log grow by being read. The first read of a principal in a minute is a record of its own, before its answer; those that
// follow in the same minute are counted, and become one record at its end.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "record/self_record.h"

namespace sealtrail::api {

// Threads  Safe.
class EntryReads {
 public:
  struct Tally {
    uint64_t bundles = 0;
    uint64_t entries = 0;
    uint64_t from = 0;  // least and greatest number of a record in them
    uint64_t to = 0;
  };

  // Counts a read of the records [first, first + entries), entries ≥ 1. False, and nothing counted, where this principal's
  // reads are not recorded yet in this minute: record this one, and say so with MarkRecorded().
  bool Count(const std::string& principal, uint64_t first, uint64_t entries);
  void MarkRecorded(const std::string& principal);

  // What was counted since the last call, for each principal of whom there is something. A new minute begins.
  std::vector<std::pair<std::string, Tally>> TakeMinute();

  // The record of such reads. Borrows `principal`.
  static record::SelfAct Act(std::string_view principal, const Tally& tally);

 private:
  Mutex mutex_;
  // Of the principals that are recorded in this minute: as many as there are tokens and local users.
  std::map<std::string, Tally> counted_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail::api
