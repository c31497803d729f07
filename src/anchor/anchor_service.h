// Keeps a trail anchored outside: asks its witnesses for cosignatures and its authorities for time
// stamps, keeps what they answer, and knows how old the last of it is.
//
// Files, cadence, health and records: docs/formats/anchors.md. One worker owns everything; requests
// go out on workers of their own, all at once, and end within the transport's time-out.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "anchor/anchor_files.h"
#include "anchor/anchor_health.h"
#include "anchor/options.h"
#include "anchor/time_stamper.h"
#include "anchor/transport.h"
#include "anchor/tree_source.h"
#include "anchor/witness_client.h"
#include "base/metrics.h"
#include "base/status.h"
#include "env/env.h"
#include "record/record_sink.h"
#include "tlog/policy.h"

namespace sealtrail::anchor {

enum class AnchorKind { kWitness, kTimestamp };

// "witness", "timestamp": as metrics and records name them.
std::string_view AnchorKindName(AnchorKind kind);

struct AnchorHealth {
  AnchorKind kind = AnchorKind::kWitness;
  bool failing = false;
  bool forked = false;            // a witness has raised an alarm that no operator has cleared
  TreeSize size{0};               // of the last tree anchored
  std::optional<UnixNanos> last;  // when that anchor came: by our clock, or as a kept one says
  int64_t age_ns = 0;             // since everything checkpointed was covered
};

struct AnchorReport {
  std::vector<AnchorHealth> kinds;  // those that are configured
  std::vector<WitnessReport> witnesses;
  std::vector<AuthorityReport> authorities;
};

// Threads  Safe, but for Stop(), which has one caller.
class AnchorService {
 public:
  // Reads what is kept and starts to work, with a first round at once. What is borrowed must outlive
  // the service; `transport` null: over the network. InvalidArgument: the policy, a key or a
  // certificate is none, a witness has no URL, or age_max_ns is too short to be met.
  static Result<std::unique_ptr<AnchorService>> Start(
      const env::Env& env, Options options, const TreeSource& tree, record::RecordSink& own,
      MetricSet& metrics, std::unique_ptr<Transport> transport = nullptr);
  ~AnchorService();  // Stop()

  // Whether new records may be taken. Unavailable, with the reason, where the options say kClosed and
  // the last anchor is too old, or a witness has raised an alarm. Quick: for every batch.
  Status Accepting() const;

  AnchorReport report() const;

  // Has a checkpoint of at least `size` records stamped within about a second of its being there: for a
  // segment that was sealed.
  void StampSoon(TreeSize size);

  // An operator has acted upon the alarm of this witness (its name in the policy): it is asked again.
  // `done` is called on the worker, once, or never after Stop(): NotFound if there is no such witness.
  // The act itself is for the caller to record.
  void ClearAlarm(std::string witness, std::function<void(Status)> done);

  // Ends what is under way, within about a second. Calls after the first do nothing.
  void Stop();

 private:
  // One kind of anchor.
  struct Kind {
    AnchorKind kind;
    int64_t late_after_ns;  // an age beyond it is a failure
    Coverage coverage;
    std::atomic<int64_t> last{0};  // unix nanoseconds; 0: never
    std::atomic<bool> failing{false};
    Gauge* age_gauge;
    Gauge* size_gauge;
    Counter* anchors;
    Counter* failures;
  };
  struct Authority {
    std::unique_ptr<TimeStamper> stamper;
    TreeSize stamped{0};
    MonotonicNanos next{INT64_MIN};  // when the interval has passed
  };
  // Acts that are to be recorded, and the one that the sink works on.
  struct Act {
    std::string action, target, outcome;
    std::vector<std::pair<std::string, std::string>> details;
  };
  enum class Flight { kNone, kUnderWay, kDone, kFailed };

  AnchorService(const env::Env& env, Options options, const TreeSource& tree,
                record::RecordSink& own, AnchorFiles files);

  Status Prepare(MetricSet& metrics, std::unique_ptr<Transport> transport);
  Status OpenWitnesses();
  Status OpenAuthorities();
  std::unique_ptr<Kind> MakeKind(AnchorKind kind, int64_t late_after_ns, TreeSize size,
                                 std::optional<UnixNanos> last, MetricSet& metrics);
  Result<std::optional<UnixNanos>> CosignedAt(TreeSize size) const;
  Result<std::optional<UnixNanos>> StampedAt(TreeSize size, size_t authority) const;

  void Tick();
  void WitnessRound();
  void AskWitnesses(const std::vector<size_t>& whom);
  void KeepCosigned(MonotonicNanos asked);
  void OnAlarm(const WitnessClient& witness, const std::string& why);
  void StampRound();
  void StampWanted();
  void KeepStamps(const SignedCheckpoint& checkpoint, MonotonicNanos asked,
                  const std::vector<size_t>& whom,
                  std::vector<std::optional<TimeStamper::Stamp>> stamps);
  void UpdateHealth();
  void UpdateForked();
  std::string WhyFailing(AnchorKind kind) const;
  void Record(Act act);
  void FlushActs();

  const env::Env env_;
  const Options options_;
  const TreeSource& tree_;
  record::RecordSink& own_;
  std::atomic<bool> cancelled_ = false;
  std::unique_ptr<Transport> transport_;

  // The worker's.
  AnchorFiles files_;
  std::optional<tlog::Policy> policy_;
  std::vector<std::unique_ptr<WitnessClient>> witnesses_;
  SignedCheckpoint round_;          // the checkpoint that is being cosigned
  std::vector<std::string> lines_;  // over it, one for each of witnesses_
  std::vector<Authority> authorities_;
  TreeSize stamp_wanted_{0};  // at least so many records, as soon as they are checkpointed
  bool stamp_waits_ = false;  // for that checkpoint: it is looked for again
  std::deque<Act> acts_;
  std::shared_ptr<std::atomic<Flight>> flight_;

  std::unique_ptr<Kind> witness_kind_;    // null where there are none
  std::unique_ptr<Kind> timestamp_kind_;  // likewise
  std::atomic<bool> forked_ = false;
  Gauge* forked_gauge_ = nullptr;
  std::atomic<bool> stopping_ = false;

  std::unique_ptr<env::Worker> worker_;  // last: what it runs looks at all the rest
};

}  // namespace sealtrail::anchor
