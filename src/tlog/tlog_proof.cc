#include "tlog/tlog_proof.h"

#include "base/encoding.h"
#include "tlog/text.h"

namespace sealtrail::tlog {
namespace {

constexpr std::string_view kFirstLine = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr size_t kHashesMax = 64;  // the height of the largest tree

}  // namespace

std::string EncodeTlogProof(const TlogProof& proof) {
  std::string text = fmt::format("{}\n", kFirstLine);
  if (!proof.extra.empty()) text += fmt::format("{}{}\n", kExtra, Base64Encode(proof.extra));
  text += fmt::format("{}{}\n", kIndex, Value(proof.index));
  for (const Hash& hash : proof.hashes) text += Base64Encode(hash) + "\n";
  return text + "\n" + proof.checkpoint;
}

Result<TlogProof> ParseTlogProof(std::string_view text) {
  TlogProof proof;
  if (TakeLine(text) != kFirstLine) {
    return InvalidArgument("not a proof file: the first line is not {}", kFirstLine);
  }
  if (text.starts_with(kExtra)) {
    SEAL_ASSIGN_OR_RETURN(const std::string_view extra, TakeField(text, kExtra));
    SEAL_ASSIGN_OR_RETURN(proof.extra, Base64Decode(extra));
    if (proof.extra.empty()) return InvalidArgument("an extra line without data");
  }
  SEAL_ASSIGN_OR_RETURN(const std::string_view index_text, TakeField(text, kIndex));
  SEAL_ASSIGN_OR_RETURN(const uint64_t index, ParseDecimal(index_text));
  proof.index = Seq{index};
  for (;;) {
    const auto line = TakeLine(text);
    if (!line) return InvalidArgument("no empty line after the hashes");
    if (line->empty()) break;
    if (proof.hashes.size() == kHashesMax)
      return InvalidArgument("more than {} hashes", kHashesMax);
    SEAL_ASSIGN_OR_RETURN(const Hash hash, HashFromBase64(*line));
    proof.hashes.push_back(hash);
  }
  SEAL_ASSIGN_OR_RETURN(const Note note, ParseNote(text));
  SEAL_RETURN_IF_ERROR(ParseCheckpointWithExtensions(note.text).status());
  proof.checkpoint = std::string(text);
  return proof;
}

Result<PolicyVerdict> VerifyTlogProof(const TlogProof& proof, const Hash& leaf_hash,
                                      const Policy& policy) {
  SEAL_ASSIGN_OR_RETURN(PolicyVerdict verdict, policy.Judge(proof.checkpoint));
  SEAL_RETURN_IF_ERROR(VerifyInclusion(proof.index, verdict.checkpoint.size, leaf_hash,
                                       proof.hashes, verdict.checkpoint.root));
  if (!verdict.quorum_met) {
    return FailedPrecondition("the policy's quorum is not met: {} of {} witnesses have cosigned",
                              verdict.cosignatures.size(), policy.witnesses().size());
  }
  return verdict;
}

Result<Checkpoint> VerifyTlogProof(const TlogProof& proof, const Hash& leaf_hash,
                                   const Verifier& log) {
  SEAL_ASSIGN_OR_RETURN(const std::string text, log.Open(proof.checkpoint));
  SEAL_ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpointWithExtensions(text));
  if (checkpoint.origin != log.name()) {
    return InvalidArgument("a checkpoint of another log than {}", log.name());
  }
  SEAL_RETURN_IF_ERROR(
      VerifyInclusion(proof.index, checkpoint.size, leaf_hash, proof.hashes, checkpoint.root));
  return checkpoint;
}

}  // namespace sealtrail::tlog
