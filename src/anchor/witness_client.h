// One witness, asked by a log: C2SP tlog-witness from the client's side.
//
// What an answer asks for is witness_answer.h; what is remembered of the witness, witness_state.h.
// Here both come together: the proof is fetched, the request made, a stale size taken up once, the
// cosignature verified before anybody uses it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "anchor/retry_pause.h"
#include "anchor/transport.h"
#include "anchor/tree_source.h"
#include "anchor/witness_answer.h"
#include "anchor/witness_state.h"
#include "anchor/witness_target.h"
#include "base/mutex.h"
#include "env/env.h"
#include "tlog/cosignature.h"

namespace sealtrail::anchor {

// A witness as it is shown to people.
struct WitnessReport {
  std::string name;
  std::string url;
  TreeSize acknowledged{0};          // of the last checkpoint it cosigned
  std::optional<UnixNanos> success;  // when
  std::string error;                 // of the last attempt; empty after a good one
  std::string alarm;                 // why it is not asked any more; empty: no alarm
};

// Threads  Submit(), Due() and ClearAlarm() have one caller at a time; report() is for anybody.
class WitnessClient {
 public:
  // `dir` is DATA/anchors. InvalidArgument: the vkey is no cosigner's of type 0x04. A state file that
  // is damaged is reported in the log, and taken for none.
  static Result<std::unique_ptr<WitnessClient>> Open(const env::Env& env, std::string dir,
                                                     WitnessTarget target, Transport& transport);

  // False while it is to be left alone: after an alarm for good, after a failure for a while.
  bool Due(MonotonicNanos now) const;

  struct Outcome {
    // The verified signature lines of this witness; empty where there are none, and then report()
    // says why.
    std::string lines;
    // Set where this attempt raised the alarm: what the witness said, for the evidence.
    std::optional<std::string> alarm;
  };

  // Asks for a cosignature over `checkpoint`, which is one of `tree`. At most two requests.
  Outcome Submit(const SignedCheckpoint& checkpoint, const TreeSource& tree);

  // An operator has acted: the witness is asked again, from the beginning.
  Status ClearAlarm();

  const WitnessTarget& target() const { return target_; }
  WitnessReport report() const;

 private:
  WitnessClient(const env::Env& env, std::string dir, WitnessTarget target,
                tlog::CosignatureVerifier verifier, Transport& transport);

  // Empty where the tree goes on from what the witness cosigned. An error where the tree cannot be read.
  Result<std::string> Contradiction(const TreeSource& tree);
  Outcome Verify(const net::FetchResponse& response, const SignedCheckpoint& checkpoint);
  Outcome Fail(const Decision& decision);
  Outcome RaiseAlarm(std::string why);
  Status SaveState();
  void Publish(std::string error);

  const env::Env env_;
  const std::string dir_;
  const WitnessTarget target_;
  const tlog::CosignatureVerifier verifier_;
  Transport& transport_;

  WitnessState state_;
  bool compared_ = false;  // state_ with the local tree
  RetryPause pause_;

  mutable Mutex mutex_;
  WitnessReport report_ SEAL_GUARDED_BY(mutex_);
};

}  // namespace sealtrail::anchor
