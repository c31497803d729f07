#include "anchor/cosign_request.h"

#include "tlog/note.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor {

Result<net::FetchResponse> AskToCosign(Transport& transport, const WitnessTarget& witness,
                                       TreeSize old_size, const SignedCheckpoint& checkpoint,
                                       const TreeSource& tree) {
  tlog::AddCheckpointRequest request{.old_size = old_size, .checkpoint = checkpoint.note};
  if (old_size > TreeSize{0}) {
    auto proof = tree.ConsistencyProof(old_size, checkpoint.size);
    // The tree is ours: whatever keeps us from reading it is no fault of the witness.
    if (!proof.ok()) return Unavailable("the proof: {}", proof.status().message());
    request.proof = std::move(*proof);
  }
  return transport.Fetch({.url = witness.url + "/add-checkpoint",
                          .method = "POST",
                          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                          .body = tlog::EncodeAddCheckpoint(request)});
}

Result<std::string> GoodCosignatures(std::string_view answer, const SignedCheckpoint& checkpoint,
                                     const tlog::CosignatureVerifier& witness) {
  if (answer.size() > kWitnessAnswerBytesMax) return InvalidArgument("an answer too long");
  const auto note = tlog::ParseNote(checkpoint.note);
  if (!note.ok()) return InvalidArgument("our own checkpoint: {}", note.status().message());
  const tlog::NoteVerifier* known = &witness;
  SEAL_ASSIGN_OR_RETURN(const auto opened,
                        tlog::OpenNote(tlog::MakeNote(note->text, answer), {&known, 1}));
  std::string good_lines;
  for (const auto& good : opened.signatures) {
    SEAL_ASSIGN_OR_RETURN(const int64_t time_s, tlog::CosignatureTime(good.signature));
    if (time_s == 0) return InvalidArgument("a cosignature without a time");
    good_lines += tlog::SignatureLine(
        {.name = witness.name(), .id = witness.id(), .signature = good.signature});
  }
  return good_lines;
}

}  // namespace sealtrail::anchor
