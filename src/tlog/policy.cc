#include "tlog/policy.h"

#include <algorithm>

namespace sealtrail::tlog {

// In the order of definition, so that members are decided before their group.
bool Policy::QuorumMet(std::span<const std::string> witnesses) const {
  if (!quorum_) return true;
  std::vector<bool> met(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (node.members.empty()) {
      met[i] = std::find(witnesses.begin(), witnesses.end(), node.name) != witnesses.end();
      continue;
    }
    size_t count = 0;
    for (const size_t member : node.members) count += met[member];
    met[i] = count >= node.threshold;
  }
  return met[*quorum_];
}

Result<PolicyVerdict> Policy::Judge(std::string_view note,
                                    std::span<const Verifier> more_logs) const {
  std::vector<const NoteVerifier*> known;
  for (const Log& log : logs_) {
    if (log.verifier) known.push_back(&*log.verifier);
  }
  for (const Verifier& log : more_logs) {
    const auto same = [&](const Log& ours) {
      return ours.verifier && ours.verifier->vkey() == log.vkey();
    };
    if (std::none_of(logs_.begin(), logs_.end(), same)) known.push_back(&log);
  }
  const size_t log_count = known.size();
  for (const Witness& witness : witnesses_) {
    if (witness.verifier) known.push_back(&*witness.verifier);
  }
  SEAL_ASSIGN_OR_RETURN(const OpenedNote opened, OpenNote(note, known));

  PolicyVerdict verdict;
  SEAL_ASSIGN_OR_RETURN(verdict.checkpoint, ParseCheckpointWithExtensions(opened.text));
  for (size_t i = 0; i < log_count; ++i) {
    const auto* log = static_cast<const Verifier*>(known[i]);
    if (log->name() != verdict.checkpoint.origin) continue;
    for (const OpenedNote::Good& good : opened.signatures) {
      if (good.by == log) verdict.log = log->vkey();
    }
  }
  if (verdict.log.empty()) return Unauthenticated("no signature by a known log of this origin");

  std::vector<std::string> names;
  for (const Witness& witness : witnesses_) {
    std::optional<int64_t> latest;
    for (const OpenedNote::Good& good : opened.signatures) {
      if (!witness.verifier || good.by != &*witness.verifier) continue;
      SEAL_ASSIGN_OR_RETURN(const int64_t time_s, CosignatureTime(good.signature));
      latest = std::max(latest.value_or(time_s), time_s);
    }
    if (!latest) continue;
    verdict.cosignatures.push_back({.witness = witness.name, .time_s = *latest});
    names.push_back(witness.name);
  }
  verdict.quorum_met = QuorumMet(names);
  return verdict;
}

}  // namespace sealtrail::tlog
