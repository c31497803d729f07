// Any answer of a witness. The first byte chooses the status, the second the length of the content type that follows;
// the rest is the body. An answer that was understood says the same when it is written and read again.
#include "base/check.h"
#include "base/utf8.h"
#include "tlog/note.h"
#include "tlog/witness_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealtrail;
  using namespace sealtrail::tlog;
  static constexpr int kStatus[] = {200, 409, 422, 400, 403, 404, 429, 500};
  if (size < 2) return 0;
  const std::string_view rest = AsText({data + 2, size - 2});
  const HttpAnswer http{.status = kStatus[data[0] % 8],
                        .content_type = std::string(rest.substr(0, data[1])),
                        .body = std::string(rest.substr(std::min<size_t>(data[1], rest.size())))};
  const AddCheckpointAnswer answer = ParseAnswer(http, TreeSize{1}, TreeSize{2});
  SEAL_CHECK(IsUtf8(answer.detail));
  SEAL_CHECK((answer.answer == WitnessAnswer::kCosigned) ==
             ParseSignatureLines(answer.signature_lines).ok());
  if (answer.answer == WitnessAnswer::kFork) return 0;  // goes out as 422: see EncodeAnswer()
  const AddCheckpointAnswer again = ParseAnswer(EncodeAnswer(answer), TreeSize{1}, TreeSize{2});
  SEAL_CHECK(again.answer == answer.answer && again.size == answer.size);
  SEAL_CHECK(again.signature_lines == answer.signature_lines);
  return 0;
}
