// What a transport hands on: one decompressed OTLP request, and how it came.
#pragma once

#include <functional>
#include <string>

#include "base/ids.h"
#include "base/shared_bytes.h"
#include "base/status.h"
#include "otlp/response.h"

namespace sealtrail::pipeline {

enum class Signal { kTraces, kLogs };

enum class Transport { kGrpc, kHttpProtobuf, kHttpJson };

// Receipt data, docs/formats/record.md §5. Texts at most kReceiptTextBytesMax: the transport shortens longer ones.
struct ExportContext {
  std::string principal;
  std::string peer;             // "address:port"
  std::string client_software;  // User-Agent
  std::string pipeline_label;   // X-Audit-Pipeline
  std::string
      tls_subject;  // of a verified client certificate, "CN=collector,O=Example"; empty: none
  Transport transport = Transport::kGrpc;
  UnixNanos received_at{};  // when the request had been read
};

// Threads  Safe.
class ExportHandler {
 public:
  virtual ~ExportHandler() = default;

  // Calls `done` exactly once, from any thread, maybe before it returns: OK once every audit record in the
  // request is durable; otherwise an error for otlp::FailureFrom, and nothing of the request is acknowledged.
  // `body` is given away: where something in it is redacted, its bytes are wiped.
  virtual void Export(Signal signal, otlp::Encoding encoding, SharedBytes body,
                      ExportContext context, std::function<void(Status)> done) = 0;

  // A request that never got here: its body could not be read or decompressed, or was too large.
  virtual void CountUndecodable(const ExportContext& context, size_t bytes) = 0;
};

}  // namespace sealtrail::pipeline
