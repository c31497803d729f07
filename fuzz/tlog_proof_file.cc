// Any bytes as a .tlog-proof file, and as a witness's request: each that is accepted has one spelling.
#include "base/check.h"
#include "tlog/tlog_proof.h"
#include "tlog/witness_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealtrail;
  const std::string_view text = AsText({data, size});
  if (const auto proof = tlog::ParseTlogProof(text); proof.ok()) {
    SEAL_CHECK(tlog::EncodeTlogProof(*proof) == text);
    const tlog::Verifier nobody("nobody.example", {});
    SEAL_CHECK(!tlog::VerifyTlogProof(*proof, tlog::EmptyRoot(), nobody).ok());
  }
  if (const auto request = tlog::ParseAddCheckpoint(text); request.ok()) {
    SEAL_CHECK(tlog::EncodeAddCheckpoint(*request) == text);
  }
  return 0;
}
