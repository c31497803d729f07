// The add-checkpoint call of a witness, as values: what a log posts, and what it is answered. Client
// and server share it; neither transport, keys nor state are here. Specification:
// c2sp.org/tlog-witness, and what deployed witnesses do besides.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"
#include "tlog/proof.h"

namespace sealtrail::tlog {

constexpr size_t kWitnessProofHashesMax = 63;
constexpr std::string_view kTreeSizeContentType = "text/x.tlog.size";

// The body of POST <submission prefix>/add-checkpoint.
struct AddCheckpointRequest {
  TreeSize old_size{0};    // of the checkpoint that the witness cosigned last
  Proof proof;             // from there to the new one; empty where old_size is 0 or the same
  std::string checkpoint;  // the signed note
};

std::string EncodeAddCheckpoint(const AddCheckpointRequest& request);

// Strict. The checkpoint must be a note of a checkpoint; signatures, sizes and proof are for the
// witness to judge. InvalidArgument on anything else; ResourceExhausted as ParseNote().
Result<AddCheckpointRequest> ParseAddCheckpoint(std::string_view body);

// Below a witness's monitoring prefix, where it shows the latest checkpoint of a log that it cosigned:
// "<hexadecimal SHA-256 of the origin>/checkpoint".
std::string WitnessCheckpointPath(std::string_view origin);

// What the witness says.
enum class WitnessAnswer {
  kCosigned,       // its signature lines: verify before use, ignore unknown keys
  kStaleSize,      // it holds another size than old_size: prove from that one
  kFork,           // it holds another root for this size. An alarm: stop
  kBadProof,       // the proof, or the root of a tree of size 0, is wrong. An alarm
  kBadRequest,     // malformed, or old_size above the new size
  kNotTrusted,     // no valid signature by a key that it trusts for this origin
  kUnknownOrigin,  // it does not know the log
  kPushBack,       // too many requests: wait
  kOther,          // anything else, a broken answer included: it failed, try again later
};

struct AddCheckpointAnswer {
  WitnessAnswer answer = WitnessAnswer::kOther;
  std::string signature_lines;  // of kCosigned
  TreeSize size{0};             // of kStaleSize
  std::string detail;           // for people: what an answer that is no kCosigned said
};

struct HttpAnswer {
  int status = 0;
  std::string content_type;  // empty: none
  std::string body;
};

// As the specification wants it: kFork is 422, as is kBadProof; kOther is 500. `detail` goes out as
// text, except where the body has a meaning.
HttpAnswer EncodeAnswer(const AddCheckpointAnswer& answer);

// Reads any answer at all, of the request from old_size to size, whose difference tells a 422 for
// another root from one for a bad proof. A 200 whose lines are none, or a 409 whose body says no
// size, is kOther; a 409 without a body is what deployed witnesses say for kFork.
AddCheckpointAnswer ParseAnswer(const HttpAnswer& http, TreeSize old_size, TreeSize size);

}  // namespace sealtrail::tlog
