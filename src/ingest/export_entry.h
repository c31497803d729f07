// What both OTLP transports do with a request before the pipeline gets it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/shared_bytes.h"
#include "base/status.h"
#include "env/env.h"
#include "net/byte_budget.h"
#include "net/content_decoder.h"
#include "otlp/response.h"
#include "pipeline/export_handler.h"

namespace sealtrail::ingest {

// Who sent a request and how, as a transport knows it. Borrows.
struct Sender {
  std::string_view peer;
  std::string_view user_agent;
  std::string_view pipeline_label;  // X-Audit-Pipeline
  std::string_view tls_subject;     // of a verified client certificate, or empty
  pipeline::Transport transport;
};

// Threads  Safe. Borrows all that it is made of.
class ExportEntry {
 public:
  ExportEntry(env::Clock& clock, net::ByteBudget& budget, pipeline::ExportHandler& handler);

  // Receipt data of a request that has been read now. The one place that says who the principal is.
  pipeline::ExportContext ContextFor(const Sender& sender) const;

  // Undoes the content coding, and hands on. `done` is called exactly once,
  // from any thread, maybe before this returns, with OK or an error for otlp::FailureFrom. A request that is refused
  // here is counted as undecodable, unless the client may send it again.
  void Export(pipeline::Signal signal, otlp::Encoding encoding, net::ContentCoding coding,
              SharedBytes body, const Sender& sender, std::function<void(Status)> done) const;

  // A request of which no body is at hand: `bytes` is what it announced, 0 if nothing.
  void CountUndecodable(const Sender& sender, size_t bytes) const;

 private:
  env::Clock& clock_;
  net::ByteBudget& budget_;
  pipeline::ExportHandler& handler_;
};

}  // namespace sealtrail::ingest
