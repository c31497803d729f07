#include "anchor/anchor_service.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "record/self_record.h"
#include "tlog/cosignature.h"

namespace sealtrail::anchor {
namespace {

constexpr size_t kActsWaitingMax = 64;

// Between two looks for a checkpoint that is waited for: the ledger makes one a second.
constexpr int64_t kCheckpointLookNanos = kNanosPerSecond;

std::string TokenSuffix(size_t authority) {
  return fmt::format(".{}.tsr", authority);
}

Status CheckIntervals(const Options& options) {
  if (options.witness_interval_ns <= 0 || options.stamp_interval_ns <= 0) {
    return InvalidArgument("an interval must be above zero");
  }
  if (options.fail_mode == FailMode::kOpen) return OkStatus();
  const int64_t interval_ns =
      options.policy.empty() ? options.stamp_interval_ns : options.witness_interval_ns;
  const int64_t least_ns = 2 * interval_ns + options.transport.total_timeout_ns;
  if (options.age_max_ns >= least_ns) return OkStatus();
  return InvalidArgument("anchor_max_age of {} s: two intervals and a time-out are {} s",
                         options.age_max_ns / kNanosPerSecond, least_ns / kNanosPerSecond);
}

}  // namespace

std::string_view AnchorKindName(AnchorKind kind) {
  return kind == AnchorKind::kWitness ? "witness" : "timestamp";
}

AnchorService::AnchorService(const env::Env& env, Options options, const TreeSource& tree,
                             record::RecordSink& own, AnchorFiles files)
    : env_(env),
      options_(std::move(options)),
      tree_(tree),
      own_(own),
      files_(std::move(files)),
      flight_(std::make_shared<std::atomic<Flight>>(Flight::kNone)) {}

Result<std::unique_ptr<AnchorService>> AnchorService::Start(const env::Env& env, Options options,
                                                            const TreeSource& tree,
                                                            record::RecordSink& own,
                                                            MetricSet& metrics,
                                                            std::unique_ptr<Transport> transport) {
  SEAL_RETURN_IF_ERROR(CheckIntervals(options));
  SEAL_ASSIGN_OR_RETURN(AnchorFiles files, AnchorFiles::Open(env.files, options.dir));
  std::unique_ptr<AnchorService> service(
      new AnchorService(env, std::move(options), tree, own, std::move(files)));
  SEAL_RETURN_IF_ERROR(service->Prepare(metrics, std::move(transport)));
  service->worker_ = env.executor.StartWorker("anchor");
  service->worker_->Post([raw = service.get()] { raw->Tick(); });
  return service;
}

AnchorService::~AnchorService() {
  Stop();
}

void AnchorService::Stop() {
  stopping_ = true;
  cancelled_ = true;
  if (worker_ != nullptr) worker_->End();
}

Status AnchorService::Prepare(MetricSet& metrics, std::unique_ptr<Transport> transport) {
  transport_ =
      transport != nullptr ? std::move(transport) : HttpTransport(options_.transport, cancelled_);
  SEAL_RETURN_IF_ERROR(OpenWitnesses());
  SEAL_RETURN_IF_ERROR(OpenAuthorities());
  if (options_.fail_mode == FailMode::kClosed && witnesses_.empty() && authorities_.empty()) {
    return InvalidArgument(
        "anchors.fail: closed would never close: the policy has no witness that can be asked, and "
        "no time-stamp authority is configured");
  }
  if (!witnesses_.empty()) {
    SEAL_ASSIGN_OR_RETURN(const auto newest, files_.Newest(".checkpoint"));
    std::optional<UnixNanos> at;
    if (newest) {
      SEAL_ASSIGN_OR_RETURN(at, CosignedAt(*newest));
    }
    witness_kind_ = MakeKind(AnchorKind::kWitness,
                             3 * options_.witness_interval_ns + options_.transport.total_timeout_ns,
                             newest.value_or(TreeSize{0}), at, metrics);
    forked_gauge_ = &metrics.GetGauge("sealtrail_anchor_forked",
                                      "1 while a witness's alarm waits for an operator");
    UpdateForked();
  }
  if (authorities_.empty()) return OkStatus();
  TreeSize largest{0};
  std::optional<UnixNanos> latest;
  for (size_t i = 0; i < authorities_.size(); ++i) {
    SEAL_ASSIGN_OR_RETURN(const auto newest, files_.Newest(TokenSuffix(i)));
    std::optional<UnixNanos> at;
    if (newest) {
      SEAL_ASSIGN_OR_RETURN(at, StampedAt(*newest, i));
    }
    if (!at) continue;  // none, or one that this authority's certificates do not vouch for
    const int64_t age_ns = std::max<int64_t>(0, Value(env_.clock.Now()) - Value(*at));
    authorities_[i].stamped = *newest;
    authorities_[i].next = env_.clock.Monotonic() + (options_.stamp_interval_ns - age_ns);
    largest = std::max(largest, *newest);
    if (!latest || *at > *latest) latest = at;
  }
  timestamp_kind_ =
      MakeKind(AnchorKind::kTimestamp, 2 * options_.stamp_interval_ns, largest, latest, metrics);
  return OkStatus();
}

Status AnchorService::OpenWitnesses() {
  if (options_.policy.empty()) return OkStatus();
  SEAL_ASSIGN_OR_RETURN(policy_, tlog::Policy::Parse(options_.policy));
  std::vector<std::string> names;
  for (WitnessTarget& target : TargetsOf(*policy_, options_)) {
    names.push_back(target.name);
    SEAL_ASSIGN_OR_RETURN(auto client,
                          WitnessClient::Open(env_, files_.dir(), std::move(target), *transport_));
    witnesses_.push_back(std::move(client));
  }
  if (!policy_->QuorumMet(names)) {
    return InvalidArgument(
        "the policy's quorum cannot be met by its witnesses that have a URL and an Ed25519 key");
  }
  return OkStatus();
}

Status AnchorService::OpenAuthorities() {
  for (const TimeStampAuthority& options : options_.authorities) {
    Authority authority;
    SEAL_ASSIGN_OR_RETURN(authority.stamper, TimeStamper::Open(env_, options, *transport_));
    authorities_.push_back(std::move(authority));
  }
  return OkStatus();
}

std::unique_ptr<AnchorService::Kind> AnchorService::MakeKind(AnchorKind kind, int64_t late_after_ns,
                                                             TreeSize size,
                                                             std::optional<UnixNanos> last,
                                                             MetricSet& metrics) {
  // What was kept while we did not run is as old as it says. Without any, counting begins now.
  const int64_t age_ns = last ? std::max<int64_t>(0, Value(env_.clock.Now()) - Value(*last)) : 0;
  const MetricLabels labels = {{"kind", std::string(AnchorKindName(kind))}};
  auto made = std::unique_ptr<Kind>(new Kind{
      .kind = kind,
      .late_after_ns = late_after_ns,
      .coverage = Coverage(last ? size : TreeSize{0}, age_ns, env_.clock.Monotonic()),
      .age_gauge = &metrics.GetGauge(
          "sealtrail_anchor_age_seconds",
          "time since everything that was checkpointed was covered by an anchor", labels),
      .size_gauge = &metrics.GetGauge("sealtrail_anchor_size",
                                      "records under the last anchored checkpoint", labels),
      .anchors = &metrics.GetCounter("sealtrail_anchors_total", "anchors kept", labels),
      .failures = &metrics.GetCounter("sealtrail_anchor_failures_total",
                                      "requests for an anchor that brought none", labels)});
  if (last) made->last = Value(*last);
  return made;
}

// The latest time in the cosignatures of a kept checkpoint. Nothing where no known witness vouches
// for it: a file is not an anchor for lying there.
Result<std::optional<UnixNanos>> AnchorService::CosignedAt(TreeSize size) const {
  std::optional<UnixNanos> latest;
  const auto note = files_.Get(CosignedName(size));
  if (IsUnread(note.status())) return note.status();
  if (!note.ok()) return latest;
  std::vector<const tlog::NoteVerifier*> known;
  for (const auto& witness : policy_->witnesses()) {
    if (witness.verifier) known.push_back(&*witness.verifier);
  }
  const auto opened = tlog::OpenNote(*note, known);
  if (!opened.ok()) return latest;
  for (const auto& good : opened->signatures) {
    const auto time_s = tlog::CosignatureTime(good.signature);
    if (!time_s.ok() || *time_s > INT64_MAX / kNanosPerSecond) continue;
    const UnixNanos time{*time_s * kNanosPerSecond};
    if (!latest || time > *latest) latest = time;
  }
  return latest;
}

Result<std::optional<UnixNanos>> AnchorService::StampedAt(TreeSize size, size_t authority) const {
  std::optional<UnixNanos> time;
  const auto note = files_.Get(StampedName(size));
  const auto reply = files_.Get(TokenName(size, authority));
  for (const auto* text : {&note, &reply}) {
    if (IsUnread(text->status())) return text->status();
  }
  if (!note.ok() || !reply.ok()) return time;
  const auto stamp = authorities_[authority].stamper->Check(AsBytes(*reply), AsBytes(*note));
  if (stamp.ok()) time = stamp->time;
  return time;
}

void AnchorService::Tick() {
  if (stopping_) return;
  WitnessRound();
  StampRound();
  UpdateHealth();
  FlushActs();
  const bool nothing_yet = tree_.checkpoint().note.empty();  // a new log, at its very start
  const int64_t pause_ns = nothing_yet
                               ? std::min(kCheckpointLookNanos, options_.witness_interval_ns)
                               : options_.witness_interval_ns;
  worker_->PostAfter(pause_ns, [this] { Tick(); });
}

void AnchorService::StampSoon(TreeSize size) {
  worker_->Post([this, size] {
    stamp_wanted_ = std::max(stamp_wanted_, size);
    if (!stamp_waits_) StampWanted();
  });
}

void AnchorService::StampWanted() {
  if (stopping_) return;
  StampRound();
  stamp_waits_ = tree_.checkpoint().size < stamp_wanted_;
  if (stamp_waits_) worker_->PostAfter(kCheckpointLookNanos, [this] { StampWanted(); });
}

void AnchorService::ClearAlarm(std::string witness, std::function<void(Status)> done) {
  worker_->Post([this, witness = std::move(witness), done = std::move(done)] {
    const auto found = std::ranges::find_if(
        witnesses_, [&](const auto& client) { return client->target().name == witness; });
    if (found == witnesses_.end()) return done(NotFound("no witness {} in the policy", witness));
    const Status cleared = (*found)->ClearAlarm();
    UpdateForked();
    done(cleared);
  });
}

void AnchorService::UpdateForked() {
  forked_ = std::ranges::any_of(witnesses_,
                                [](const auto& client) { return !client->report().alarm.empty(); });
  forked_gauge_->Set(forked_ ? 1 : 0);
}

// A change is a record, a success by itself is none: else each anchor would make the next one due.
void AnchorService::UpdateHealth() {
  const TreeSize checkpointed = tree_.checkpoint().size;
  const MonotonicNanos now = env_.clock.Monotonic();
  for (Kind* kind : {witness_kind_.get(), timestamp_kind_.get()}) {
    if (kind == nullptr) continue;
    kind->coverage.Observe(checkpointed, now);
    const int64_t age_ns = kind->coverage.AgeNs(now);
    kind->age_gauge->Set(static_cast<double>(age_ns) / kNanosPerSecond);
    kind->size_gauge->Set(static_cast<double>(Value(kind->coverage.size())));
    const bool failing = age_ns > kind->late_after_ns;
    if (kind->failing.exchange(failing) == failing) continue;
    const std::string name(AnchorKindName(kind->kind));
    if (failing) {
      Record(
          {.action = "sealtrail.anchor.fail",
           .target = name,
           .outcome = "failure",
           .details = {{"sealtrail.anchor.age_seconds", std::to_string(age_ns / kNanosPerSecond)},
                       {"sealtrail.anchor.reason", WhyFailing(kind->kind)}}});
    } else {
      Record({.action = "sealtrail.anchor.recover",
              .target = name,
              .outcome = "success",
              .details = {{"sealtrail.tree.size", std::to_string(Value(kind->coverage.size()))}}});
    }
  }
}

// What each of them last said, one phrase each.
std::string AnchorService::WhyFailing(AnchorKind kind) const {
  std::string why;
  const auto add = [&why](const std::string& who, const std::string& what) {
    if (what.empty()) return;
    why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", who, what);
  };
  if (kind == AnchorKind::kWitness) {
    for (const auto& witness : witnesses_) {
      const WitnessReport report = witness->report();
      add(report.name, report.alarm.empty() ? report.error : report.alarm);
    }
  } else {
    for (const Authority& authority : authorities_) {
      const AuthorityReport report = authority.stamper->report();
      add(report.url, report.error);
    }
  }
  constexpr size_t kWhyBytesMax = 1 * kKiB;
  return Utf8Shortened(Utf8Lossy(why), kWhyBytesMax);
}

void AnchorService::Record(Act act) {
  LogLine(act.outcome == "success" ? LogLevel::kInfo : LogLevel::kError, env_.clock.Now(),
          act.action, act.details.front().second, {{"target", act.target}});
  if (acts_.size() == kActsWaitingMax) acts_.pop_front();  // the ledger takes none: it is stopping
  acts_.push_back(std::move(act));
}

// One at a time, so that they stand in the trail in their order; again at the next tick where the
// ledger did not take it. The sink may answer after we are gone, so it is handed no part of us.
void AnchorService::FlushActs() {
  if (*flight_ == Flight::kDone) acts_.pop_front();
  if (*flight_ != Flight::kUnderWay) *flight_ = Flight::kNone;
  if (acts_.empty() || *flight_ == Flight::kUnderWay) return;
  const Act& act = acts_.front();
  record::SelfAct self{.action = act.action, .target = act.target, .outcome = act.outcome};
  for (const auto& [name, value] : act.details) self.details.emplace_back(name, value);
  record::Salt salt;
  env_.random.Fill(salt);
  *flight_ = Flight::kUnderWay;
  own_.Submit(record::SelfRecord(self, env_.clock.Now(), salt),
              [flight = flight_](const Result<record::CommitOutcome>& outcome) {
                *flight = outcome.ok() ? Flight::kDone : Flight::kFailed;
              });
}

Status AnchorService::Accepting() const {
  if (options_.fail_mode == FailMode::kOpen) return OkStatus();
  if (forked_) {
    return Unavailable(
        "a witness raised an alarm, and an operator must act first: sealtrail anchors show says "
        "which, sealtrail anchors clear WITNESS ends it (docs/trust.md)");
  }
  const Kind* kind = witness_kind_ != nullptr ? witness_kind_.get() : timestamp_kind_.get();
  if (kind == nullptr) return OkStatus();
  const int64_t age_ns = kind->coverage.AgeNs(env_.clock.Monotonic());
  if (age_ns <= options_.age_max_ns) return OkStatus();
  return Unavailable("the last anchor ({}) is {} s old, allowed {}", AnchorKindName(kind->kind),
                     age_ns / kNanosPerSecond, options_.age_max_ns / kNanosPerSecond);
}

AnchorReport AnchorService::report() const {
  AnchorReport report;
  for (const Kind* kind : {witness_kind_.get(), timestamp_kind_.get()}) {
    if (kind == nullptr) continue;
    AnchorHealth health{.kind = kind->kind,
                        .failing = kind->failing,
                        .forked = kind->kind == AnchorKind::kWitness && forked_,
                        .size = kind->coverage.size(),
                        .last = {},
                        .age_ns = kind->coverage.AgeNs(env_.clock.Monotonic())};
    if (kind->last != 0) health.last = UnixNanos{kind->last.load()};
    report.kinds.push_back(health);
  }
  for (const auto& witness : witnesses_) report.witnesses.push_back(witness->report());
  for (const Authority& authority : authorities_) {
    report.authorities.push_back(authority.stamper->report());
  }
  return report;
}

}  // namespace sealtrail::anchor
