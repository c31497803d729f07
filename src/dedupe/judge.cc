#include "dedupe/judge.h"

#include <map>

namespace sealtrail::dedupe {
namespace {

using record::Identity;
using record::RecordBatch;

enum class Likeness : uint8_t { kAnother, kSameContent, kOtherContent };

// Of a record of the batch to a stored one that it met.
Result<Likeness> Compare(const RecordBatch& batch, const record::LeafMembers& leaf, const Hit& hit,
                         StoredRecords& stored) {
  SEAL_ASSIGN_OR_RETURN(const std::string_view other_leaf, stored.Leaf(hit.seq));
  SEAL_ASSIGN_OR_RETURN(const record::LeafMembers other, record::SplitLeaf(other_leaf));
  const record::BesideReader beside = stored.BesideOf(hit.seq);
  const Identity& identity = batch.records[hit.record].identity;
  const bool own = !hit.by_content && identity.kind == Identity::Kind::kOwn;
  if (own) {
    SEAL_ASSIGN_OR_RETURN(const auto other_identity, OwnIdentity(other, beside));
    if (!other_identity || other_identity->digest != identity.digest) return Likeness::kAnother;
  }
  SEAL_ASSIGN_OR_RETURN(const bool same, SameContent(leaf, BesideOf(batch), other, beside));
  if (same) return Likeness::kSameContent;
  return own ? Likeness::kOtherContent : Likeness::kAnother;
}

void JudgeHit(const RecordBatch& batch, const record::LeafMembers& leaf, const Hit& hit,
              StoredRecords& stored, Verdict& verdict) {
  const auto likeness = Compare(batch, leaf, hit, stored);
  if (!likeness.ok()) {
    verdict.unconfirmed = verdict.possible_duplicate = true;
    return;
  }
  if (*likeness == Likeness::kOtherContent) verdict.conflict = true;
  if (*likeness != Likeness::kSameContent) return;
  if (hit.by_content) {
    verdict.possible_duplicate = true;
  } else if (hit.age == Window::Age::kLate) {
    verdict.late_duplicate = true;
  } else {
    verdict.kind = Verdict::Kind::kDuplicate;
    verdict.of = hit.seq;
  }
}

// Compares records of one batch with each other, in order.
class Repeats {
 public:
  explicit Repeats(const RecordBatch& batch) : batch_(batch) {}

  void Judge(size_t index, const record::LeafMembers& leaf, Verdict& verdict) {
    const Identity& identity = batch_.records[index].identity;
    std::vector<size_t>& earlier = by_identity_[identity.digest];
    for (const size_t other : earlier) {
      const auto parts = record::SplitLeaf(LeafOf(batch_, other));
      const auto same = parts.ok() ? SameContent(leaf, BesideOf(batch_), *parts, BesideOf(batch_))
                                   : Result<bool>(parts.status());
      SEAL_CHECK(same.ok());  // both were made by a BatchBuilder
      if (*same) {
        verdict.kind = Verdict::Kind::kRepeatsInBatch;
        verdict.first = other;
        return;
      }
      verdict.conflict = true;
    }
    earlier.push_back(index);
    if (identity.kind != Identity::Kind::kDelivery) return;
    const auto digest = ContentDigest(leaf, BesideOf(batch_));
    SEAL_CHECK(digest.ok());
    if (!contents_.insert({*digest, index}).second) verdict.possible_duplicate = true;
  }

 private:
  const RecordBatch& batch_;
  std::map<record::ShortDigest, std::vector<size_t>> by_identity_;
  std::map<crypto::Hash, size_t> contents_;  // of records without identity of their own
};

}  // namespace

record::LeafEdit Verdict::Edit() const {
  record::LeafEdit edit{.keep = kind == Kind::kStore, .findings = {}};
  if (conflict) edit.findings.push_back("conflict");
  if (late_duplicate) edit.findings.push_back("late_duplicate");
  if (possible_duplicate) edit.findings.push_back("possible_duplicate");
  return edit;
}

std::vector<Verdict> Judge(const RecordBatch& batch, std::span<const Hit> hits, bool repeats,
                           StoredRecords& stored) {
  std::vector<Verdict> verdicts(batch.records.size());
  Repeats within(batch);
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const bool met = !hits.empty() && hits.front().record == i;
    if (!met && !repeats) continue;
    const auto leaf = record::SplitLeaf(LeafOf(batch, i));
    SEAL_CHECK(leaf.ok());  // made by a BatchBuilder
    for (; !hits.empty() && hits.front().record == i; hits = hits.subspan(1)) {
      if (verdicts[i].kind == Verdict::Kind::kStore)
        JudgeHit(batch, *leaf, hits.front(), stored, verdicts[i]);
    }
    if (repeats && verdicts[i].kind == Verdict::Kind::kStore) within.Judge(i, *leaf, verdicts[i]);
  }
  return verdicts;
}

}  // namespace sealtrail::dedupe
