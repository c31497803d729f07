// Any bytes as a signed note, as signature lines, as a key. What is accepted has one spelling: it is made again from
// its parts, byte for byte. No key of ours has signed anything in the corpus, so no note opens.
#include "base/check.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealtrail;
  using namespace sealtrail::tlog;
  const std::string_view text = AsText({data, size});

  if (const auto lines = ParseSignatureLines(text); lines.ok()) {
    std::string again;
    for (const NoteSignature& signature : *lines) again += SignatureLine(signature);
    SEAL_CHECK(again == text);
  }
  if (const auto vkey = ParseVkey(text); vkey.ok()) {
    SEAL_CHECK(FormatVkey(*vkey) == text.substr(0, text.find('\n')));
  }
  const auto note = ParseNote(text);
  if (!note.ok()) return 0;
  std::string lines;
  for (const NoteSignature& signature : note->signatures) lines += SignatureLine(signature);
  SEAL_CHECK(MakeNote(note->text, lines) == text);
  if (const auto checkpoint = ParseCheckpointWithExtensions(note->text); checkpoint.ok()) {
    SEAL_CHECK(CheckpointText(*checkpoint) == note->text);
  }
  // A log and a witness whose keys signed one checkpoint of the corpus, and nothing else will open.
  static const auto log = Verifier::FromVkey(
      "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx");
  static const auto witness = CosignatureVerifier::FromVkey(
      "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
  const NoteVerifier* const known[] = {&*log, &*witness};
  SEAL_CHECK(!OpenNote(text, known).ok() ||
             note->text ==
                 "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n");
  return 0;
}
