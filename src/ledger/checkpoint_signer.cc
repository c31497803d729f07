#include "ledger/checkpoint_signer.h"

#include <utility>

namespace sealtrail::ledger {
namespace {

// The old key's line first.
Result<std::string> NoteOf(const SigningTask& task) {
  const std::string text = tlog::CheckpointText(task.head);
  SEAL_ASSIGN_OR_RETURN(std::string lines, task.keys.signer->SignatureLine(text));
  if (task.hand_over) {
    SEAL_ASSIGN_OR_RETURN(const std::string next, task.keys.next->SignatureLine(text));
    lines += next;
  }
  return tlog::MakeNote(text, lines);
}

}  // namespace

Result<SignedHead> CheckpointSigner::Sign(SigningTask task) {
  const tlog::Checkpoint& head = task.head;
  SEAL_RETURN_IF_ERROR(
      record_.Intend(task.keys.epoch() + (task.hand_over ? 1 : 0), head.size, head.root));
  SignedHead result{
      .checkpoint = {.size = head.size, .root = head.root, .note = {}}, .keys = {}, .refusal = {}};
  auto note = NoteOf(task);
  if (note.ok()) {
    if (task.hand_over) SEAL_RETURN_IF_ERROR(HandOver(env_, paths_, *note, task.keys));
    SEAL_RETURN_IF_ERROR(
        env::ReplaceFile(env_.files, paths_.data_dir, "checkpoint", AsBytes(*note)));
    result.checkpoint.note = *std::move(note);
  } else {
    result.refusal = note.status();
  }
  result.keys = std::move(task.keys);
  return result;
}

}  // namespace sealtrail::ledger
