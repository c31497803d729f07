#include "tlog/witness_protocol.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/utf8.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/text.h"

namespace sealtrail::tlog {
namespace {

constexpr std::string_view kOld = "old ";
constexpr size_t kDetailBytesMax = 256;

// The media type alone: without parameters, in lower case.
std::string MediaType(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (type.ends_with(' ') || type.ends_with('\t')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return type;
}

// A stranger's words, short and fit for a log line.
std::string Words(std::string_view body) {
  std::string words =
      Utf8Shortened(Utf8Lossy(body.substr(0, 2 * kDetailBytesMax)), kDetailBytesMax);
  for (char& c : words) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (words.ends_with(' ')) words.pop_back();
  return words;
}

AddCheckpointAnswer ParseConflict(const HttpAnswer& http) {
  if (http.body.empty()) {
    return {.answer = WitnessAnswer::kFork, .detail = "another root for this size"};
  }
  std::string_view body = http.body;
  const auto line = TakeLine(body);
  if (MediaType(http.content_type) == kTreeSizeContentType && line && body.empty()) {
    const auto size = ParseDecimal(*line);
    if (size.ok()) return {.answer = WitnessAnswer::kStaleSize, .size = TreeSize{*size}};
  }
  return {.answer = WitnessAnswer::kOther, .detail = "409 without a size: " + Words(http.body)};
}

AddCheckpointAnswer ParseSuccess(const HttpAnswer& http) {
  const auto lines = ParseSignatureLines(http.body);
  if (lines.ok()) return {.answer = WitnessAnswer::kCosigned, .signature_lines = http.body};
  return {.answer = WitnessAnswer::kOther,
          .detail = "200 without cosignatures: " + lines.status().message()};
}

}  // namespace

std::string EncodeAddCheckpoint(const AddCheckpointRequest& request) {
  std::string body = fmt::format("{}{}\n", kOld, Value(request.old_size));
  for (const Hash& hash : request.proof) body += Base64Encode(hash) + "\n";
  return body + "\n" + request.checkpoint;
}

Result<AddCheckpointRequest> ParseAddCheckpoint(std::string_view body) {
  AddCheckpointRequest request;
  SEAL_ASSIGN_OR_RETURN(const std::string_view size_text, TakeField(body, kOld));
  SEAL_ASSIGN_OR_RETURN(const uint64_t old_size, ParseDecimal(size_text));
  request.old_size = TreeSize{old_size};
  for (;;) {
    const auto line = TakeLine(body);
    if (!line) return InvalidArgument("no empty line after the proof");
    if (line->empty()) break;
    if (request.proof.size() == kWitnessProofHashesMax) {
      return InvalidArgument("more than {} proof lines", kWitnessProofHashesMax);
    }
    SEAL_ASSIGN_OR_RETURN(const Hash hash, HashFromBase64(*line));
    request.proof.push_back(hash);
  }
  SEAL_ASSIGN_OR_RETURN(const Note note, ParseNote(body));
  SEAL_RETURN_IF_ERROR(ParseCheckpointWithExtensions(note.text).status());
  request.checkpoint = std::string(body);
  return request;
}

std::string WitnessCheckpointPath(std::string_view origin) {
  return HexEncode(crypto::Sha256(AsBytes(origin))) + "/checkpoint";
}

HttpAnswer EncodeAnswer(const AddCheckpointAnswer& answer) {
  const auto words = [&](int status) {
    return HttpAnswer{status, "text/plain; charset=utf-8", answer.detail + "\n"};
  };
  switch (answer.answer) {
    case WitnessAnswer::kCosigned:
      return {200, "text/plain; charset=utf-8", answer.signature_lines};
    case WitnessAnswer::kStaleSize:
      return {409, std::string(kTreeSizeContentType), fmt::format("{}\n", Value(answer.size))};
    case WitnessAnswer::kFork:
    case WitnessAnswer::kBadProof:
      return words(422);
    case WitnessAnswer::kBadRequest:
      return words(400);
    case WitnessAnswer::kNotTrusted:
      return words(403);
    case WitnessAnswer::kUnknownOrigin:
      return words(404);
    case WitnessAnswer::kPushBack:
      return words(429);
    case WitnessAnswer::kOther:
      break;
  }
  return words(500);
}

AddCheckpointAnswer ParseAnswer(const HttpAnswer& http, TreeSize old_size, TreeSize size) {
  const auto as = [&](WitnessAnswer answer) {
    return AddCheckpointAnswer{.answer = answer, .detail = Words(http.body)};
  };
  switch (http.status) {
    case 200:
      return ParseSuccess(http);
    case 409:
      return ParseConflict(http);
    case 422:
      return as(old_size == size ? WitnessAnswer::kFork : WitnessAnswer::kBadProof);
    case 400:
      return as(WitnessAnswer::kBadRequest);
    case 403:
      return as(WitnessAnswer::kNotTrusted);
    case 404:
      return as(WitnessAnswer::kUnknownOrigin);
    case 429:
      return as(WitnessAnswer::kPushBack);
    default: {
      const std::string words = Words(http.body);
      return {.answer = WitnessAnswer::kOther,
              .detail = fmt::format("HTTP {}{}{}", http.status, words.empty() ? "" : ": ", words)};
    }
  }
}

}  // namespace sealtrail::tlog
