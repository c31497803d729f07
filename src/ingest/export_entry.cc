#include "ingest/export_entry.h"

#include <utility>

#include "base/limits.h"
#include "base/utf8.h"

namespace sealtrail::ingest {
namespace {

// A header is no reason to refuse records: a conforming client would drop them.
std::string Shortened(std::string_view header) {
  return Utf8Shortened(header, kReceiptTextBytesMax);
}

}  // namespace

ExportEntry::ExportEntry(env::Clock& clock, net::ByteBudget& budget,
                         pipeline::ExportHandler& handler)
    : clock_(clock), budget_(budget), handler_(handler) {}

pipeline::ExportContext ExportEntry::ContextFor(const Sender& sender) const {
  return {.principal = "local",
          .peer = std::string(sender.peer),
          .client_software = Shortened(sender.user_agent),
          .pipeline_label = Shortened(sender.pipeline_label),
          .tls_subject = Shortened(sender.tls_subject),
          .transport = sender.transport,
          .received_at = clock_.Now()};
}

void ExportEntry::Export(pipeline::Signal signal, otlp::Encoding encoding,
                         net::ContentCoding coding, SharedBytes body, const Sender& sender,
                         std::function<void(Status)> done) const {
  const Result<SharedBytes> decoded = net::DecodeContent(coding, body, budget_);
  if (decoded.ok()) {
    // What came over the wire is needed no more. Compressed or not, it may show what redaction takes out.
    if (coding != net::ContentCoding::kIdentity) body.Wipe();
    body = SharedBytes();
    return handler_.Export(signal, encoding, *decoded, ContextFor(sender), std::move(done));
  }
  if (decoded.status().code() != StatusCode::kUnavailable) CountUndecodable(sender, body.size());
  done(decoded.status());
}

void ExportEntry::CountUndecodable(const Sender& sender, size_t bytes) const {
  handler_.CountUndecodable(ContextFor(sender), bytes);
}

}  // namespace sealtrail::ingest
