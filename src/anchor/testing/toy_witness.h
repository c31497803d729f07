// A witness in a few lines, without files: the slow twin of our own, and what a fake transport
// answers with.
#pragma once

#include <string>

#include "anchor/submission_rules.h"
#include "net/http_fetch.h"
#include "tlog/checkpoint.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"
#include "tlog/witness_protocol.h"

namespace sealtrail::anchor::testing {

class ToyWitness {
 public:
  explicit ToyWitness(std::string name = "witness.example/w1", uint8_t seed = 0x22)
      : cosigner(tlog::Cosigner::FromSeed(std::move(name), Bytes(32, seed)).value()) {}

  // add-checkpoint for a POST, the newest cosigned checkpoint for a GET, whatever the path.
  net::FetchResponse Answer(const net::FetchRequest& request) {
    if (request.method == "GET") {
      return {.status = shown.empty() ? 404 : 200, .headers = {}, .body = shown};
    }
    const auto parsed = tlog::ParseAddCheckpoint(request.body).value();
    const auto note = tlog::ParseNote(parsed.checkpoint).value();
    const auto checkpoint = tlog::ParseCheckpointText(note.text).value();
    const TreeHead offered{checkpoint.size, checkpoint.root};
    tlog::AddCheckpointAnswer answer{
        .answer = JudgeOffer(held, parsed.old_size, parsed.proof, offered), .size = held.size};
    if (answer.answer == tlog::WitnessAnswer::kCosigned) {
      held = offered;
      answer.signature_lines = cosigner.SignatureLine(note.text, time_s).value();
      shown = parsed.checkpoint + answer.signature_lines;
    }
    tlog::HttpAnswer http = tlog::EncodeAnswer(answer);
    return {
        .status = http.status, .headers = {{"content-type", http.content_type}}, .body = http.body};
  }

  const tlog::Cosigner cosigner;
  int64_t time_s = 1'767'225'600;
  TreeHead held;
  std::string shown;
};

}  // namespace sealtrail::anchor::testing
