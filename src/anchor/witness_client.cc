#include "anchor/witness_client.h"

#include <algorithm>

#include "anchor/cosign_request.h"
#include "base/limits.h"
#include "base/log.h"

namespace sealtrail::anchor {
namespace {

constexpr size_t kStateBytesMax = 16 * kKiB;
constexpr size_t kAlarmBytesMax = 300;

// On one line, and short: it stands in a file of lines.
std::string OneLine(std::string text) {
  if (text.size() > kAlarmBytesMax) text.resize(kAlarmBytesMax);
  std::ranges::replace_if(
      text, [](char c) { return c < 0x20 || c > 0x7e; }, ' ');
  return text;
}

}  // namespace

WitnessClient::WitnessClient(const env::Env& env, std::string dir, WitnessTarget target,
                             tlog::CosignatureVerifier verifier, Transport& transport)
    : env_(env),
      dir_(std::move(dir)),
      target_(std::move(target)),
      verifier_(std::move(verifier)),
      transport_(transport),
      state_{.vkey = target_.vkey} {}

Result<std::unique_ptr<WitnessClient>> WitnessClient::Open(const env::Env& env, std::string dir,
                                                           WitnessTarget target,
                                                           Transport& transport) {
  SEAL_ASSIGN_OR_RETURN(auto verifier, tlog::CosignatureVerifier::FromVkey(target.vkey));
  const std::string path = env::JoinPath(dir, WitnessStateName(target.vkey));
  std::unique_ptr<WitnessClient> client(
      new WitnessClient(env, std::move(dir), std::move(target), std::move(verifier), transport));
  const auto bytes = env::ReadFile(env.files, path, kStateBytesMax);
  if (bytes.ok()) {
    auto state = ParseWitnessState(AsText(*bytes));
    if (state.ok() && state->vkey == client->target_.vkey) {
      client->state_ = std::move(*state);
    } else {
      LogLine(LogLevel::kWarning, env.clock.Now(), "witness_state_damaged",
              "taken for none; the witness itself says what it holds", {{"file", path}});
    }
  } else if (bytes.status().code() != StatusCode::kNotFound) {
    return bytes.status();
  }
  client->Publish("");
  return client;
}

bool WitnessClient::Due(MonotonicNanos now) const {
  return state_.alarm.empty() && pause_.Due(now);
}

// What it cosigned for us before must be part of the tree that we have now. Once a process.
Result<std::string> WitnessClient::Contradiction(const TreeSource& tree) {
  if (compared_ || state_.size == TreeSize{0}) return std::string();
  if (state_.size > tree.size())
    return fmt::format("it cosigned {} records, and there are {}", Value(state_.size),
                       Value(tree.size()));
  SEAL_ASSIGN_OR_RETURN(const tlog::Hash root, tree.RootAt(state_.size));
  if (root != state_.root)
    return fmt::format("it cosigned another root for the first {} records", Value(state_.size));
  compared_ = true;
  return std::string();
}

WitnessClient::Outcome WitnessClient::Submit(const SignedCheckpoint& checkpoint,
                                             const TreeSource& tree) {
  const auto contradiction = Contradiction(tree);
  if (!contradiction.ok()) return Fail({.why = contradiction.status().message()});
  if (!contradiction->empty()) return RaiseAlarm(*contradiction);

  TreeSize old_size = std::min(state_.size, checkpoint.size);
  for (int attempt = 1;; ++attempt) {
    const auto answer = AskToCosign(transport_, target_, old_size, checkpoint, tree);
    const Decision decision = Judge(answer, old_size, checkpoint.size);
    switch (decision.step) {
      case NextStep::kVerify:
        return Verify(*answer, checkpoint);
      case NextStep::kAlarm:
        return RaiseAlarm(decision.why);
      case NextStep::kAhead:
        // Somebody may have shown it a newer checkpoint of ours than the one asked for. It cannot
        // hold more than we have, though.
        if (decision.witness_size > tree.size()) return RaiseAlarm(decision.why);
        return Fail(decision);
      case NextStep::kRebuild:
        if (attempt == 2) return Fail(decision);
        old_size = decision.witness_size;
        continue;
      case NextStep::kOperator:
      case NextStep::kWait:
      case NextStep::kRetry:
        return Fail(decision);
    }
  }
}

WitnessClient::Outcome WitnessClient::Verify(const net::FetchResponse& response,
                                             const SignedCheckpoint& checkpoint) {
  const auto cannot = [this](std::string why) {
    return Fail({.step = NextStep::kOperator, .why = std::move(why)});
  };
  const auto lines = GoodCosignatures(response.body, checkpoint, verifier_);
  if (!lines.ok()) return cannot(lines.status().message());

  state_.size = checkpoint.size;
  state_.root = checkpoint.root;
  state_.success = env_.clock.Now();
  compared_ = true;
  pause_.Reset();
  // A state that cannot be kept costs the next process one more request.
  const Status saved = SaveState();
  Publish(saved.message());
  return {.lines = *lines, .alarm = {}};
}

WitnessClient::Outcome WitnessClient::Fail(const Decision& decision) {
  const MonotonicNanos now = env_.clock.Monotonic();
  switch (decision.step) {
    case NextStep::kWait:
      pause_.FailFor(now, decision.wait_ns);
      break;
    case NextStep::kOperator:
      pause_.FailFor(now, kOperatorWaitNs);
      break;
    case NextStep::kAhead:
      pause_.Reset();  // the next checkpoint will do
      break;
    default:
      pause_.Fail(now);
  }
  Publish(decision.why);
  return {};
}

WitnessClient::Outcome WitnessClient::RaiseAlarm(std::string why) {
  state_.alarm = OneLine(std::move(why));
  if (state_.alarm.empty()) state_.alarm = "alarm";
  const Status saved = SaveState();
  Publish(saved.message());
  LogLine(LogLevel::kError, env_.clock.Now(), "witness_alarm",
          fmt::format("{}; it is not asked again before: sealtrail anchors clear {}", state_.alarm,
                      target_.name),
          {{"witness", target_.name}, {"url", target_.url}});
  return {.lines = "", .alarm = state_.alarm};
}

Status WitnessClient::ClearAlarm() {
  state_ = {.vkey = target_.vkey};
  pause_.Reset();
  const Status saved = SaveState();
  Publish(saved.message());
  return saved;
}

Status WitnessClient::SaveState() {
  return env::ReplaceFile(env_.files, dir_, WitnessStateName(target_.vkey),
                          AsBytes(FormatWitnessState(state_)));
}

void WitnessClient::Publish(std::string error) {
  WitnessReport report{.name = target_.name,
                       .url = target_.url,
                       .acknowledged = state_.size,
                       .success = {},
                       .error = std::move(error),
                       .alarm = state_.alarm};
  if (Value(state_.success) != 0) report.success = state_.success;
  MutexLock lock(mutex_);
  report_ = std::move(report);
}

WitnessReport WitnessClient::report() const {
  MutexLock lock(mutex_);
  return report_;
}

}  // namespace sealtrail::anchor
