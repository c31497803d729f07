// The HTTP interface on the API port and on the folder's socket: /healthz, /readyz, /metrics, /api/v1/….
// Errors are problem JSON (RFC 9457).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "env/env.h"
#include "ledger/ledger_reader.h"
#include "net/http_message.h"
#include "net/http_server.h"
#include "query/engine.h"
#include "record/record_sink.h"
#include "record/self_record.h"

namespace sealtrail::api {

struct Readiness {
  Status accepting;                   // OK, or why records are refused
  std::vector<std::string> warnings;  // what an operator should know: an insecure bind, …
};

// Borrowed; all outlive the Api.
struct Services {
  env::Env env;
  const ledger::LedgerReader& reader;
  record::RecordSink* sink;  // null: nothing can be recorded, and answers say so
  query::Engine& engine;
  MetricSet& metrics;
  std::function<Readiness()> readiness;
  // Signs a checkpoint over everything durable at the call.
  std::function<void(std::function<void(Status)>)> checkpoint_now;
  std::string local_token;      // whoever presents it acts as `local_principal`
  std::string local_principal;  // "local:<user>"
};

// Threads  Safe. Handle may be called from any thread and does not block.
class Api {
 public:
  explicit Api(Services services) : services_(std::move(services)) {}

  void Handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  struct Call;

  void Health(const Call& call);
  void Ready(const Call& call);
  void Metrics(const Call& call);
  void Query(const Call& call);
  void Leaves(const Call& call);

  // Records an act of the store's own and calls `next` once it is durable; answers 503 itself if that fails.
  void RecordThen(const Call& call, const record::SelfAct& act, std::function<void()> next);

  Services services_;
};

}  // namespace sealtrail::api
