// Any bytes as an OTLP request in protobuf, both signals. Beyond crashes: what decodes is walked to
// its last byte, so that AddressSanitizer sees a view that points astray.
#include "fuzz/walk_request.h"
#include "otlp/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sealtrail::ByteView body(data, size);
  sealtrail::model::Arena arena;
  sealtrail::fuzz::Walk(sealtrail::otlp::DecodeTracesProtobuf(body, arena));
  sealtrail::fuzz::Walk(sealtrail::otlp::DecodeLogsProtobuf(body, arena));
  return 0;
}
