#include "anchor/start_check.h"

#include "anchor/run_parallel.h"
#include "base/log.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor {
namespace {

constexpr size_t kWorkersMax = 8;
using State = WitnessedHead::State;

// What `note` says of the log `origin`, if the witness vouches for it. The log's own signature adds
// nothing here: whoever restored an old folder has its key.
Result<tlog::Checkpoint> Vouched(std::string_view note, std::string_view origin,
                                 const tlog::CosignatureVerifier& witness) {
  const tlog::NoteVerifier* known = &witness;
  SEAL_ASSIGN_OR_RETURN(const auto opened, tlog::OpenNote(note, {&known, 1}));
  SEAL_ASSIGN_OR_RETURN(auto checkpoint, tlog::ParseCheckpointWithExtensions(opened.text));
  if (checkpoint.origin != origin) return InvalidArgument("of the log {}", checkpoint.origin);
  return checkpoint;
}

WitnessedHead Heard(std::string_view origin, const WitnessTarget& witness, Transport& transport) {
  WitnessedHead head{.witness = witness.name};
  const auto verifier = tlog::CosignatureVerifier::FromVkey(witness.vkey);
  const auto answer = transport.Fetch(
      {.url = fmt::format("{}/{}", witness.monitoring_url, tlog::WitnessCheckpointPath(origin))});
  if (!answer.ok() || !verifier.ok()) {
    head.why = answer.ok() ? verifier.status().message() : answer.status().message();
    return head;
  }
  if (answer->status == 404) {
    head.state = State::kNothing;
    return head;
  }
  if (answer->status != 200) {
    head.why = fmt::format("status {}", answer->status);
    return head;
  }
  const auto checkpoint = Vouched(answer->body, origin, *verifier);
  if (!checkpoint.ok()) {
    head.state = State::kNotBelieved;
    head.why = checkpoint.status().message();
    return head;
  }
  head.state = State::kConsistent;  // until compared
  head.size = checkpoint->size;
  head.note = answer->body;
  return head;
}

// `note` has been believed, so it is a checkpoint.
Status Compare(const TreeSource& tree, WitnessedHead& head) {
  const auto note = tlog::ParseNote(head.note);
  SEAL_RETURN_IF_ERROR(note.status());
  SEAL_ASSIGN_OR_RETURN(const auto checkpoint, tlog::ParseCheckpointWithExtensions(note->text));
  if (checkpoint.size > tree.size()) {
    head.state = State::kBehind;
    head.why = fmt::format("{} has seen {} records, and there are {}", head.witness,
                           Value(checkpoint.size), Value(tree.size()));
    return OkStatus();
  }
  SEAL_ASSIGN_OR_RETURN(const tlog::Hash root, tree.RootAt(checkpoint.size));
  if (root == checkpoint.root) return OkStatus();
  head.state = State::kForked;
  head.why = fmt::format("{} has seen another root for the first {} records", head.witness,
                         Value(checkpoint.size));
  return OkStatus();
}

// The newest checkpoint that we keep with somebody's cosignature, as if that witness had just shown
// it. Nothing where there is none, or none that a known witness vouches for.
std::optional<WitnessedHead> Kept(UnixNanos now, std::string_view origin, const AnchorFiles& files,
                                  const tlog::Policy& policy) {
  const auto newest = files.Newest(".checkpoint");
  if (!newest.ok() || !*newest) return std::nullopt;
  const std::string name = CosignedName(**newest);
  const auto note = files.Get(name);
  for (const tlog::Policy::Witness& witness : policy.witnesses()) {
    if (!note.ok() || !witness.verifier) continue;
    const auto checkpoint = Vouched(*note, origin, *witness.verifier);
    if (!checkpoint.ok()) continue;
    return WitnessedHead{.witness = name,
                         .state = State::kConsistent,
                         .size = checkpoint->size,
                         .note = *note,
                         .why = ""};
  }
  LogLine(LogLevel::kWarning, now, "anchor_not_believed",
          "no known witness vouches for the newest cosigned checkpoint", {{"file", name}});
  return std::nullopt;
}

void LogUncertain(UnixNanos now, const std::vector<WitnessedHead>& heads) {
  for (const WitnessedHead& head : heads) {
    if (head.state != State::kUnreachable && head.state != State::kNotBelieved) continue;
    LogLine(LogLevel::kWarning, now, "witness_not_compared", head.why, {{"witness", head.witness}});
  }
}

// The error, with the evidence kept, where a head contradicts the tree.
Status Refuse(UnixNanos now, const std::vector<WitnessedHead>& heads, const SignedCheckpoint& own,
              AnchorFiles& files) {
  std::string why;
  std::vector<SizedNote> evidence;
  for (const WitnessedHead& head : heads) {
    if (head.state != State::kBehind && head.state != State::kForked) continue;
    why += (why.empty() ? "" : "; ") + head.why;
    evidence.emplace_back(head.size, head.note);
  }
  if (why.empty()) return OkStatus();
  if (!own.note.empty()) evidence.emplace_back(own.size, own.note);
  files.KeepEvidence(now, evidence);
  return FailedPrecondition("rollback or fork detected: {}; both heads are kept in {}/evidence",
                            why, files.dir());
}

}  // namespace

Result<std::vector<WitnessedHead>> AskWitnesses(env::Executor& executor, std::string_view origin,
                                                const TreeSource& tree,
                                                const std::vector<WitnessTarget>& witnesses,
                                                Transport& transport) {
  std::vector<WitnessedHead> heads(witnesses.size());
  std::vector<std::function<void()>> tasks;
  for (size_t i = 0; i < witnesses.size(); ++i) {
    tasks.push_back([&, i] { heads[i] = Heard(origin, witnesses[i], transport); });
  }
  RunParallel(executor, tasks, kWorkersMax);
  for (WitnessedHead& head : heads) {
    if (head.state == State::kConsistent) SEAL_RETURN_IF_ERROR(Compare(tree, head));
  }
  return heads;
}

Result<std::vector<WitnessedHead>> CheckStart(const env::Env& env, const Options& options,
                                              std::string_view origin, const TreeSource& tree,
                                              Transport* transport) {
  if (options.policy.empty()) return std::vector<WitnessedHead>{};
  SEAL_ASSIGN_OR_RETURN(const auto policy, tlog::Policy::Parse(options.policy));
  SEAL_ASSIGN_OR_RETURN(AnchorFiles files, AnchorFiles::Open(env.files, options.dir));
  const std::atomic<bool> never = false;
  std::unique_ptr<Transport> network;
  if (transport == nullptr) {
    network = HttpTransport(options.transport, never);
    transport = network.get();
  }
  const auto witnesses = TargetsOf(policy, options);
  const UnixNanos now = env.clock.Now();
  SEAL_ASSIGN_OR_RETURN(auto heads,
                        AskWitnesses(env.executor, origin, tree, witnesses, *transport));
  if (auto kept = Kept(now, origin, files, policy)) {
    SEAL_RETURN_IF_ERROR(Compare(tree, *kept));
    heads.push_back(std::move(*kept));
  }
  LogUncertain(now, heads);
  SEAL_RETURN_IF_ERROR(Refuse(now, heads, tree.checkpoint(), files));
  return heads;
}

}  // namespace sealtrail::anchor
