// What verify found: the answer that people, programs and evidence packs read. docs/verify.md is its manual.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "crypto/sha256.h"

namespace sealtrail::verify {

enum class Verdict { kSound, kNotSound, kCannotTell };
std::string_view VerdictName(Verdict verdict);  // "sound", "not_sound", "cannot_tell"

enum class Answer { kPass, kFail, kNotEstablished };
std::string_view AnswerName(Answer answer);  // "pass", "fail", "not_established"

// One of the six questions that stay apart everywhere.
struct Finding {
  Answer answer = Answer::kNotEstablished;
  std::string reason;  // one sentence
};

// A place whose bytes are not what they must be, as narrow as can be known.
struct Damage {
  std::string file;        // path below the trail's folder: "segments/00000000000000000000.seg"
  std::optional<Seq> seq;  // the first record concerned
  uint64_t offset = 0;     // into the file
  uint64_t length = 0;     // of the unit; 0 where something is missing
  std::string unit;        // "record", "frame header: synced length", "frame", "note"
  std::string kind;        // a stable short name, listed in docs/verify.md
  std::string text;        // for people
};

// Worth knowing, and no damage.
struct Notice {
  std::string file;
  std::string kind;
  std::string text;
};

// What can be said of consecutive records.
enum class RangeState {
  kPresentValid,      // they are there, and nothing contradicts them
  kDeletedByPolicy,   // a record of the trail says why they are gone (no writer does that yet)
  kMissingOrAltered,  // they are not there, or not what they were
};
std::string_view RangeStateName(
    RangeState state);  // "present-valid", "deleted-by-policy", "missing-or-altered"

struct Range {
  Seq first{};
  Seq last{};
  RangeState state = RangeState::kPresentValid;
};

// What a time stamp says: the first `size` records existed at `time`.
struct TimeStamp {
  uint64_t size = 0;
  UnixNanos time{0};
  std::string authority;  // subject of the certificate that signed it
  bool trusted = false;   // a given certificate vouches for that one; else it is a claim
};

struct Report {
  Verdict verdict = Verdict::kCannotTell;
  std::vector<std::string> obstacles;  // why verify cannot tell
  std::string origin;                  // empty if unknown
  std::string vkey;                    // the key that was used

  // The records that the answer is about: those under the checkpoint, or all that are there where fewer are or there
  // is no checkpoint. Root and chain are those of `size` records, absent where damage keeps them from being known.
  uint64_t size = 0;
  std::optional<crypto::Hash> root;
  std::optional<crypto::Hash> chain;
  std::optional<uint64_t> checkpoint_size;
  uint64_t not_yet_checkpointed = 0;  // whole records beyond the checkpoint, checked too

  uint64_t records_read = 0;
  uint64_t bytes_read = 0;

  Finding integrity;
  Finding order;
  Finding completeness;
  Finding authorship;
  Finding time;
  Finding independence;
  std::optional<TimeStamp> time_stamp;  // the newest trusted one, else the newest whole one

  std::vector<Damage> damage;  // by file and offset, at most kDamageMax
  uint64_t damage_total = 0;   // found, also those beyond kDamageMax
  std::vector<Notice> notices;

  // From record 0 to the last one that there is or must be, without a gap; neighbours differ in their state.
  std::vector<Range> ranges;
};

constexpr size_t kDamageMax = 1000;

// Exit code of the command: 0 sound, and no answer is `fail`; 1 a finding: not sound, or an answer is `fail`; 2 cannot
// tell.
int ExitCode(const Report& report);

// What stands in the folder and is no part of the evidence.
std::vector<std::string_view> NotCovered();

// One JSON object and a line feed: docs/verify.md.
std::string ReportJson(const Report& report);

// For a terminal.
std::string ReportText(const Report& report);

}  // namespace sealtrail::verify
