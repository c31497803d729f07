#include "verify/inclusion.h"

#include <algorithm>
#include <bit>

#include "base/encoding.h"
#include "base/limits.h"
#include "verify/note.h"
#include "verify/note_bodies.h"

namespace sealtrail::verify {
namespace {

constexpr size_t kProofFileBytesMax = 1 * kMiB;
constexpr size_t kProofHashesMax = 63;

std::optional<std::string_view> TakeLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == rest.npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

struct ProofFile {
  uint64_t index = 0;
  std::vector<Hash> hashes;
  std::string_view checkpoint;
};

Result<ProofFile> ParseProofFile(std::string_view text) {
  ProofFile out;
  if (TakeLine(text) != "c2sp.org/tlog-proof@v1") {
    return InvalidArgument("proof line 1: not \"c2sp.org/tlog-proof@v1\"");
  }
  auto line = TakeLine(text);
  if (line && line->starts_with("extra ")) {
    SEAL_RETURN_IF_ERROR(Base64Decode(line->substr(6)).status().Annotate("proof: extra"));
    line = TakeLine(text);
  }
  if (!line || !line->starts_with("index ") || !ParseDecimal(line->substr(6), &out.index)) {
    return InvalidArgument("proof: not \"index <number>\"");
  }
  while ((line = TakeLine(text)) && !line->empty()) {
    const auto bytes = Base64Decode(*line);
    if (!bytes.ok() || bytes->size() != sizeof(Hash) || out.hashes.size() == kProofHashesMax) {
      return InvalidArgument("proof: hash {} is none", out.hashes.size() + 1);
    }
    std::copy(bytes->begin(), bytes->end(), out.hashes.emplace_back().begin());
  }
  if (!line) return InvalidArgument("proof: no empty line after the hashes");
  out.checkpoint = text;
  return out;
}

// The given key, or the policy's log with a signature line in the note.
Result<VerifierKey> KeyOfLog(std::optional<std::string_view> vkey, const Policy* policy,
                             const SignedNote& note) {
  if (vkey) return ParseVerifierKey(*vkey);
  if (policy == nullptr || policy->logs().empty())
    return InvalidArgument("no key of the log was given, and no policy that names one");
  for (const VerifierKey& key : policy->logs()) {
    for (const NoteSignature& line : note.signatures) {
      if (line.name == key.name && line.id == key.id) return key;
    }
  }
  return NotFound("the checkpoint is signed by none of the policy's logs");
}

}  // namespace

Status CheckInclusion(const Hash& leaf_hash, uint64_t index, uint64_t size,
                      std::span<const Hash> proof, const Hash& root) {
  if (index >= size) return InvalidArgument("leaf {} of a tree of {}", index, size);
  // Up to where the ways to this leaf and to the last one part, its siblings lie on either side; above, on the left.
  const auto inner = static_cast<size_t>(std::bit_width(index ^ (size - 1)));
  const auto border = static_cast<size_t>(inner >= 64 ? 0 : std::popcount(index >> inner));
  if (proof.size() != inner + border) {
    return InvalidArgument("{} hashes, and {} lead to the root", proof.size(), inner + border);
  }
  Hash hash = leaf_hash;
  for (size_t i = 0; i < proof.size(); ++i) {
    const bool on_the_left = i >= inner || (index >> i & 1);
    hash = on_the_left ? NodeHash(proof[i], hash) : NodeHash(hash, proof[i]);
  }
  if (hash != root) return DataLoss("the proof leads to another root");
  return OkStatus();
}

Result<ProofAnswer> VerifyProofFile(ByteView file, ByteView leaf,
                                    std::optional<std::string_view> vkey, const Policy* policy) {
  if (file.size() > kProofFileBytesMax) return InvalidArgument("proof: far too long");
  SEAL_ASSIGN_OR_RETURN(const ProofFile proof, ParseProofFile(AsText(file)));
  SEAL_ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(proof.checkpoint));
  SEAL_ASSIGN_OR_RETURN(const VerifierKey key, KeyOfLog(vkey, policy, note));
  SEAL_ASSIGN_OR_RETURN(const CheckpointBody body, ParseCheckpointBody(note.text));
  SEAL_RETURN_IF_ERROR(VerifyNote(note, key));
  if (body.origin != key.name) {
    return DataLoss("the checkpoint is about {}, and the key is that of {}", body.origin, key.name);
  }
  ProofAnswer out{.origin = std::string(body.origin),
                  .index = proof.index,
                  .size = body.size,
                  .root = body.root,
                  .witnesses = {}};
  if (policy != nullptr) {
    if (!policy->HasLog(key)) return FailedPrecondition("the key is none of the policy's logs");
    const std::vector<Cosigner> cosigners = policy->Cosigners(note);
    for (const Cosigner& each : cosigners) {
      if (!each.holds) return DataLoss("the cosignature of {} does not verify", each.witness);
      out.witnesses.push_back(each.witness);
    }
    if (!policy->QuorumMet(cosigners)) {
      return FailedPrecondition("the policy's quorum has not cosigned");
    }
  }
  SEAL_RETURN_IF_ERROR(
      CheckInclusion(LeafHash(leaf), proof.index, body.size, proof.hashes, body.root));
  return out;
}

}  // namespace sealtrail::verify
