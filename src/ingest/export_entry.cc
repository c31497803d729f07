#include "ingest/export_entry.h"

#include <utility>

#include "base/limits.h"

namespace sealtrail::ingest {
namespace {

Status CheckTexts(const Sender& sender) {
  const std::pair<std::string_view, std::string_view> texts[] = {
      {"User-Agent", sender.user_agent}, {"X-Audit-Pipeline", sender.pipeline_label}};
  for (const auto& [name, value] : texts) {
    if (value.size() > kReceiptTextBytesMax) {
      return InvalidArgument("header {}: {} bytes, allowed {}", name, value.size(),
                             kReceiptTextBytesMax);
    }
  }
  return OkStatus();
}

}  // namespace

ExportEntry::ExportEntry(env::Clock& clock, net::ByteBudget& budget,
                         pipeline::ExportHandler& handler)
    : clock_(clock), budget_(budget), handler_(handler) {}

pipeline::ExportContext ExportEntry::ContextFor(const Sender& sender) const {
  return {.principal = "local",
          .peer = std::string(sender.peer),
          .client_software = std::string(sender.user_agent),
          .pipeline_label = std::string(sender.pipeline_label),
          .transport = sender.transport,
          .received_at = clock_.Now()};
}

void ExportEntry::Export(pipeline::Signal signal, otlp::Encoding encoding,
                         net::ContentCoding coding, SharedBytes body, const Sender& sender,
                         std::function<void(Status)> done) const {
  const auto decoded = [&]() -> Result<SharedBytes> {
    SEAL_RETURN_IF_ERROR(CheckTexts(sender));
    return net::DecodeContent(coding, body, budget_);
  }();
  if (decoded.ok()) {
    body = SharedBytes();  // what came over the wire is needed no more
    return handler_.Export(signal, encoding, *decoded, ContextFor(sender), std::move(done));
  }
  if (decoded.status().code() != StatusCode::kUnavailable) CountUndecodable(sender, body.size());
  done(decoded.status());
}

void ExportEntry::CountUndecodable(const Sender& sender, size_t bytes) const {
  handler_.CountUndecodable(ContextFor(sender), bytes);
}

}  // namespace sealtrail::ingest
