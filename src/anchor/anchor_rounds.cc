// What AnchorService does each time: the rounds of witnesses and authorities. Its life and its health
// stand in anchor_service.cc.
#include "anchor/anchor_service.h"
#include "anchor/run_parallel.h"
#include "base/encoding.h"
#include "base/log.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor {
namespace {

constexpr size_t kRequestsAtOnceMax = 8;

// The first line of a checkpoint's note.
std::string OriginIn(const std::string& note) {
  return note.substr(0, note.find('\n'));
}

}  // namespace

void AnchorService::WitnessRound() {
  if (witness_kind_ == nullptr) return;
  SignedCheckpoint checkpoint = tree_.checkpoint();
  if (checkpoint.note.empty() || checkpoint.size <= witness_kind_->coverage.size()) return;
  const MonotonicNanos asked = env_.clock.Monotonic();
  if (checkpoint.note != round_.note) {
    round_ = std::move(checkpoint);
    lines_.assign(witnesses_.size(), "");
  }
  // Where a round did not bring the quorum and nothing is new, only those missing are asked.
  std::vector<size_t> whom;
  for (size_t i = 0; i < witnesses_.size(); ++i) {
    if (lines_[i].empty() && witnesses_[i]->Due(asked)) whom.push_back(i);
  }
  if (whom.empty()) return;
  AskWitnesses(whom);
  KeepCosigned(asked);
}

void AnchorService::AskWitnesses(const std::vector<size_t>& whom) {
  std::vector<WitnessClient::Outcome> outcomes(whom.size());
  std::vector<std::function<void()>> tasks;
  for (size_t i = 0; i < whom.size(); ++i) {
    tasks.push_back([this, &outcome = outcomes[i], &witness = *witnesses_[whom[i]]] {
      outcome = witness.Submit(round_, tree_);
    });
  }
  RunParallel(env_.executor, tasks, kRequestsAtOnceMax);
  for (size_t i = 0; i < whom.size(); ++i) {
    lines_[whom[i]] = std::move(outcomes[i].lines);
    if (lines_[whom[i]].empty()) witness_kind_->failures->Add();
    if (outcomes[i].alarm) OnAlarm(*witnesses_[whom[i]], *outcomes[i].alarm);
  }
}

// Stored as soon as the quorum is met, once: the file is final.
void AnchorService::KeepCosigned(MonotonicNanos asked) {
  std::vector<std::string> names;
  std::string note = round_.note;
  for (size_t i = 0; i < witnesses_.size(); ++i) {
    if (lines_[i].empty()) continue;
    names.push_back(witnesses_[i]->target().name);
    note += lines_[i];
  }
  if (names.empty() || !policy_->QuorumMet(names)) return;
  const Status kept = files_.Put(CosignedName(round_.size), AsBytes(note));
  if (!kept.ok()) {
    LogLine(LogLevel::kError, env_.clock.Now(), "anchor_not_kept", kept.message());
    return;
  }
  witness_kind_->last = Value(env_.clock.Now());
  witness_kind_->coverage.Anchored(round_.size, asked);
  witness_kind_->anchors->Add();
}

// What the witness shows to everybody is signed by it, and so is evidence; what it answered to us is
// not.
void AnchorService::OnAlarm(const WitnessClient& witness, const std::string& why) {
  UpdateForked();
  std::vector<SizedNote> notes = {{round_.size, round_.note}};
  const auto shown =
      transport_->Fetch({.url = fmt::format("{}/{}", witness.target().monitoring_url,
                                            tlog::WitnessCheckpointPath(OriginIn(round_.note)))});
  if (shown.ok() && shown->status == 200 && tlog::ParseNote(shown->body).ok()) {
    const auto checkpoint = tlog::ParseCheckpointWithExtensions(tlog::ParseNote(shown->body)->text);
    if (checkpoint.ok()) notes.emplace_back(checkpoint->size, shown->body);
  }
  files_.KeepEvidence(env_.clock.Now(), notes);
  Record({.action = "sealtrail.anchor.fork",
          .target = witness.target().name,
          .outcome = "failure",
          .details = {{"sealtrail.anchor.reason", why},
                      {"sealtrail.tree.size", std::to_string(Value(round_.size))},
                      {"sealtrail.tree.root", Base64Encode(round_.root)}}});
}

void AnchorService::StampRound() {
  if (timestamp_kind_ == nullptr) return;
  const SignedCheckpoint checkpoint = tree_.checkpoint();
  const MonotonicNanos now = env_.clock.Monotonic();
  const bool wanted = stamp_wanted_ > TreeSize{0} && checkpoint.size >= stamp_wanted_;
  std::vector<size_t> whom;
  for (size_t i = 0; i < authorities_.size(); ++i) {
    const Authority& authority = authorities_[i];
    const bool news = !checkpoint.note.empty() && checkpoint.size > authority.stamped;
    const bool asked_for = wanted && authority.stamped < stamp_wanted_;
    if (news && (asked_for || now >= authority.next) && authority.stamper->Due(now)) {
      whom.push_back(i);
    }
  }
  if (whom.empty()) return;
  std::vector<std::optional<TimeStamper::Stamp>> stamps(whom.size());
  std::vector<std::function<void()>> tasks;
  for (size_t i = 0; i < whom.size(); ++i) {
    tasks.push_back([this, &checkpoint, &stamp = stamps[i], who = whom[i]] {
      stamp = authorities_[who].stamper->Ask(AsBytes(checkpoint.note));
    });
  }
  RunParallel(env_.executor, tasks, kRequestsAtOnceMax);
  KeepStamps(checkpoint, now, whom, std::move(stamps));
}

// First what is stamped, then the stamps: no token is ever without it.
void AnchorService::KeepStamps(const SignedCheckpoint& checkpoint, MonotonicNanos asked,
                               const std::vector<size_t>& whom,
                               std::vector<std::optional<TimeStamper::Stamp>> stamps) {
  for (size_t i = 0; i < whom.size(); ++i) {
    if (!stamps[i]) {
      timestamp_kind_->failures->Add();
      continue;
    }
    Status kept = files_.Put(StampedName(checkpoint.size), AsBytes(checkpoint.note));
    if (kept.ok()) kept = files_.Put(TokenName(checkpoint.size, whom[i]), stamps[i]->reply);
    if (!kept.ok()) {
      LogLine(LogLevel::kError, env_.clock.Now(), "anchor_not_kept", kept.message());
      continue;
    }
    authorities_[whom[i]].stamped = checkpoint.size;
    authorities_[whom[i]].next = asked + options_.stamp_interval_ns;
    timestamp_kind_->last = Value(env_.clock.Now());
    timestamp_kind_->coverage.Anchored(checkpoint.size, asked);
    timestamp_kind_->anchors->Add();
  }
}

}  // namespace sealtrail::anchor
