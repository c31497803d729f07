// Any bytes as an OTLP request in JSON, both signals. Beyond crashes: the result must not depend on
// the input's memory, so it is walked after that is gone; and what decodes is JSON for simdjson
// too, but for the numbers and lone surrogates that only we read (otlp/json_reader.h).
#include <memory>
#include <simdjson.h>
#include <vector>

#include "fuzz/walk_request.h"
#include "otlp/decode.h"

namespace {

void CheckIsJson(const std::vector<uint8_t>& body) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  const auto error =
      parser.parse(reinterpret_cast<const char*>(body.data()), body.size()).get(element);
  SEAL_CHECK(error == simdjson::SUCCESS || error == simdjson::NUMBER_ERROR ||
             error == simdjson::STRING_ERROR);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sealtrail::model::Arena arena;
  auto body = std::make_unique<std::vector<uint8_t>>(data, data + size);
  const auto traces = sealtrail::otlp::DecodeTracesJson(*body, arena);
  const auto logs = sealtrail::otlp::DecodeLogsJson(*body, arena);
  if (traces.ok() || logs.ok()) CheckIsJson(*body);
  body.reset();
  sealtrail::fuzz::Walk(traces);
  sealtrail::fuzz::Walk(logs);
  return 0;
}
