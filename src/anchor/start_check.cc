#include "anchor/start_check.h"

#include "anchor/cosign_request.h"
#include "anchor/run_parallel.h"
#include "anchor/witness_answer.h"
#include "anchor/witness_state.h"
#include "base/log.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor {
namespace {

constexpr size_t kWorkersMax = 8;
using State = WitnessedHead::State;

std::string Ahead(const WitnessedHead& head, const TreeSource& tree) {
  return fmt::format("{} has seen {} records, and there are {}", head.witness, Value(head.size),
                     Value(tree.size()));
}

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

// The checkpoint that the witness shows to everybody. An error where nobody answers at all.
Result<WitnessedHead> Shown(std::string_view origin, const WitnessTarget& witness,
                            const tlog::CosignatureVerifier& verifier, Transport& transport) {
  WitnessedHead head{.witness = witness.name};
  const auto answer = transport.Fetch(
      {.url = fmt::format("{}/{}", witness.monitoring_url, tlog::WitnessCheckpointPath(origin))});
  SEAL_RETURN_IF_ERROR(answer.status());
  if (answer->status == 404) {
    head.state = State::kNothing;
    return head;
  }
  if (answer->status != 200) {
    head.why = fmt::format("status {}", answer->status);
    return head;
  }
  const auto checkpoint = Vouched(answer->body, origin, verifier);
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

// What a witness that shows nothing says when it is offered our newest checkpoint, which was
// published before: it cosigns that only if it continues what it holds. `head` where that tells no
// more.
WitnessedHead Offered(WitnessedHead head, const WitnessTarget& witness,
                      const tlog::CosignatureVerifier& verifier, const TreeSource& tree,
                      Transport& transport) {
  const SignedCheckpoint own = tree.checkpoint();
  if (own.note.empty()) return head;
  const auto says = [&head](State state, std::string why) {
    head.state = state;
    head.why = std::move(why);
    return head;
  };
  const auto unclear = [&](const std::string& why) {
    return head.state == State::kNotBelieved ? head : says(State::kUnreachable, why);
  };
  TreeSize old_size = own.size;
  for (int attempt = 1;; ++attempt) {
    const auto answer = AskToCosign(transport, witness, old_size, own, tree);
    const Decision decision = Judge(answer, old_size, own.size);
    switch (decision.step) {
      case NextStep::kVerify: {
        const auto lines = GoodCosignatures(answer->body, own, verifier);
        if (!lines.ok()) return says(State::kNotBelieved, lines.status().message());
        head.size = own.size;
        return says(State::kConsistent, "");
      }
      case NextStep::kAlarm:
        return says(State::kForked, fmt::format("{}: {}", head.witness, decision.why));
      case NextStep::kAhead:
        head.size = decision.witness_size;
        if (head.size > tree.size()) return says(State::kBehind, Ahead(head, tree));
        return unclear(decision.why);
      case NextStep::kRebuild:
        if (attempt == 2) return unclear(decision.why);
        old_size = decision.witness_size;
        continue;
      case NextStep::kOperator:
        if (answer.ok() && answer->status == 404) return head;  // nor does it know the log
        return unclear(decision.why);
      case NextStep::kWait:
      case NextStep::kRetry:
        return unclear(decision.why);
    }
  }
}

WitnessedHead Heard(std::string_view origin, const WitnessTarget& witness, const TreeSource& tree,
                    Transport& transport) {
  const auto verifier = tlog::CosignatureVerifier::FromVkey(witness.vkey);
  if (!verifier.ok()) return {.witness = witness.name, .why = verifier.status().message()};
  auto shown = Shown(origin, witness, *verifier, transport);
  // A start is not to wait twice for somebody who does not answer.
  if (!shown.ok()) return {.witness = witness.name, .why = shown.status().message()};
  if (shown->state == State::kConsistent) return *shown;
  return Offered(std::move(*shown), witness, *verifier, tree, transport);
}

// `root` is that of the tree of head.size records that the witness has seen.
Status Compare(const TreeSource& tree, const tlog::Hash& root, WitnessedHead& head) {
  if (head.size > tree.size()) {
    head.state = State::kBehind;
    head.why = Ahead(head, tree);
    return OkStatus();
  }
  SEAL_ASSIGN_OR_RETURN(const tlog::Hash own_root, tree.RootAt(head.size));
  if (root == own_root) return OkStatus();
  head.state = State::kForked;
  head.why = fmt::format("{} has seen another root for the first {} records", head.witness,
                         Value(head.size));
  return OkStatus();
}

// What was shown, and believed, so it is a checkpoint, with the tree.
Status Compare(const TreeSource& tree, WitnessedHead& head) {
  const auto note = tlog::ParseNote(head.note);
  SEAL_RETURN_IF_ERROR(note.status());
  SEAL_ASSIGN_OR_RETURN(const auto checkpoint, tlog::ParseCheckpointWithExtensions(note->text));
  return Compare(tree, checkpoint.root, head);
}

// `note`, of the file `name`, as if a known witness that vouches for it had just shown it. Nothing where none does, or
// where it is of the log that a recovery ended.
std::optional<WitnessedHead> KeptAs(const std::string& name, const std::string& note,
                                    std::string_view origin, const tlog::Policy& policy) {
  for (const tlog::Policy::Witness& witness : policy.witnesses()) {
    if (!witness.verifier) continue;
    const auto checkpoint = Vouched(note, origin, *witness.verifier);
    if (!checkpoint.ok()) continue;
    return WitnessedHead{.witness = name,
                         .state = State::kConsistent,
                         .size = checkpoint->size,
                         .note = note,
                         .why = ""};
  }
  return std::nullopt;
}

// The newest checkpoint that we keep with somebody's cosignature.
Result<std::optional<WitnessedHead>> Kept(UnixNanos now, std::string_view origin,
                                          const AnchorFiles& files, const tlog::Policy& policy) {
  constexpr auto kNone = std::optional<WitnessedHead>();
  SEAL_ASSIGN_OR_RETURN(const auto newest, files.Newest(".checkpoint"));
  if (!newest) return kNone;
  const std::string name = CosignedName(*newest);
  const auto note = files.Get(name);
  if (IsUnread(note.status())) return note.status();
  if (note.ok()) {
    if (!note->starts_with(fmt::format("{}\n", origin))) return kNone;
    if (auto kept = KeptAs(name, *note, origin, policy)) return kept;
  }
  LogLine(LogLevel::kWarning, now, "anchor_not_believed",
          "no known witness vouches for the newest cosigned checkpoint", {{"file", name}});
  return kNone;
}

// What a witness showed when a start was refused before, where it still contradicts the tree.
Status AddEvidence(std::string_view origin, const AnchorFiles& files, const tlog::Policy& policy,
                   const TreeSource& tree, std::vector<WitnessedHead>& heads) {
  SEAL_ASSIGN_OR_RETURN(const auto notes, files.Evidence());
  for (const auto& [name, note] : notes) {
    auto head = KeptAs(name, note, origin, policy);
    if (!head) continue;
    SEAL_RETURN_IF_ERROR(Compare(tree, *head));
    if (head->state != State::kConsistent) heads.push_back(std::move(*head));
  }
  return OkStatus();
}

// What is remembered of each witness, where it contradicts the tree.
Status AddRemembered(const AnchorFiles& files, const std::vector<WitnessTarget>& witnesses,
                     const TreeSource& tree, std::vector<WitnessedHead>& heads) {
  for (const WitnessTarget& witness : witnesses) {
    const std::string name = WitnessStateName(witness.vkey);
    const auto text = files.Get(name);
    if (text.status().code() == StatusCode::kNotFound) continue;
    SEAL_RETURN_IF_ERROR(text.status());
    const auto state = ParseWitnessState(*text);
    if (!state.ok() || state->vkey != witness.vkey || state->size == TreeSize{0}) continue;
    WitnessedHead head{.witness = fmt::format("{} ({})", witness.name, name),
                       .state = State::kConsistent,
                       .size = state->size};
    SEAL_RETURN_IF_ERROR(Compare(tree, state->root, head));
    if (head.state != State::kConsistent) heads.push_back(std::move(head));
  }
  return OkStatus();
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
    if (!head.note.empty()) evidence.emplace_back(head.size, head.note);
  }
  if (why.empty()) return OkStatus();
  if (!own.note.empty()) evidence.emplace_back(own.size, own.note);
  files.KeepEvidence(now, evidence);
  return FailedPrecondition(
      "rollback or fork detected: {}; our checkpoint, and what was shown, are kept in {}/evidence; "
      "nothing was signed: put the newest state of the folder back, or begin a new epoch "
      "(docs/backup.md); a witness that is wrong is taken out of the policy (docs/trust.md)",
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
    tasks.push_back([&, i] { heads[i] = Heard(origin, witnesses[i], tree, transport); });
  }
  RunParallel(executor, tasks, kWorkersMax);
  for (WitnessedHead& head : heads) {
    if (!head.note.empty()) SEAL_RETURN_IF_ERROR(Compare(tree, head));
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
  SEAL_ASSIGN_OR_RETURN(auto kept, Kept(now, origin, files, policy));
  if (kept) {
    SEAL_RETURN_IF_ERROR(Compare(tree, *kept));
    heads.push_back(std::move(*kept));
  }
  SEAL_RETURN_IF_ERROR(AddEvidence(origin, files, policy, tree, heads));
  SEAL_RETURN_IF_ERROR(AddRemembered(files, witnesses, tree, heads));
  LogUncertain(now, heads);
  SEAL_RETURN_IF_ERROR(Refuse(now, heads, tree.checkpoint(), files));
  return heads;
}

}  // namespace sealtrail::anchor
