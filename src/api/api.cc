#include "api/api.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/answers.h"
#include "api/call.h"
#include "api/leaf_stream.h"
#include "api/metrics_text.h"
#include "api/problem.h"
#include "auth/bearer.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "env/user.h"
#include "query/query_record.h"
#include "record/self_record.h"

namespace sealtrail::api {
namespace {

using nlohmann::json;

// Whether the peer is on this machine: "127.0.0.1:50412", "[::1]:50412" or "unix".
bool IsLocal(std::string_view peer) {
  return peer == "unix" || peer.starts_with("127.") || peer.starts_with("[::1]:") ||
         peer.starts_with("[::ffff:127.");
}

}  // namespace

Api::Api(Services services)
    : services_(std::move(services)),
      files_(services_.reader, services_.budget),
      prover_(services_.reader),
      worker_(services_.env.executor.StartWorker("api")) {}

void Api::Handle(net::HttpRequest request, net::HttpResponder responder) {
  // Who may ask without a token.
  enum class Open { kNobody, kThisMachine, kEverybody };
  struct Route {
    std::string_view path;  // ending in '/': and whatever lies below
    std::string_view method;
    Open open;
    void (Api::*handler)(const Call&);
  };
  // Entries of the log are for the local token, the only one there is.
  static constexpr Route kRoutes[] = {
      {"/healthz", "GET", Open::kEverybody, &Api::Health},
      {"/readyz", "GET", Open::kEverybody, &Api::Ready},
      {"/metrics", "GET", Open::kEverybody, &Api::Metrics},
      {"/api/v1/query", "POST", Open::kNobody, &Api::Query},
      {"/api/v1/leaves", "GET", Open::kNobody, &Api::Leaves},
      {"/api/v1/checkpoint", "POST", Open::kNobody, &Api::Checkpoint},
      {"/api/v1/proof", "GET", Open::kNobody, &Api::Proof},
      {"/api/v1/consistency", "GET", Open::kNobody, &Api::Consistency},
      {"/tlog/checkpoint", "GET", Open::kThisMachine, &Api::TlogCheckpoint},
      {"/tlog/tile/", "GET", Open::kNobody, &Api::TlogTile},
      {"/api/v1/keys", "GET", Open::kNobody, &Api::Keys},
      {"/api/v1/anchors", "GET", Open::kNobody, &Api::Anchors},
      {"/api/v1/anchors/clear-alarm", "POST", Open::kNobody, &Api::ClearAnchorAlarm},
      {"/api/v1/keys/rotate", "POST", Open::kNobody, &Api::RotateKey},
      {"/api/v1/backup", "POST", Open::kNobody, &Api::Backup},
  };
  std::string principal;
  if (request.peer_uid) {
    principal = "local:" + env::UserName(*request.peer_uid);
  } else if (auth::PresentsToken(request.Header("authorization"), services_.local_token)) {
    principal = services_.local_principal;
  }
  for (const Route& route : kRoutes) {
    const bool below = route.path.ends_with('/') && request.path.starts_with(route.path);
    if (route.path != request.path && !below) continue;
    // The log is made of files, which tools look at before they fetch them.
    const bool head = request.method == "HEAD" && route.path.starts_with("/tlog/");
    const bool open = route.open == Open::kEverybody ||
                      (route.open == Open::kThisMachine && IsLocal(request.peer));
    if (route.method != request.method && !head) {
      net::HttpResponse response =
          Problem(405, fmt::format("{} takes {}", route.path, route.method));
      response.headers.emplace_back(
          "Allow", route.path.starts_with("/tlog/") ? "GET, HEAD" : std::string(route.method));
      responder.Send(std::move(response));
    } else if (!open && principal.empty()) {
      net::HttpResponse response = Problem(
          401, "a token is needed: Authorization: Bearer …; the folder's own is in local.token");
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      responder.Send(std::move(response));
    } else {
      (this->*route.handler)({std::move(request), std::move(responder), std::move(principal)});
    }
    return;
  }
  responder.Send(Problem(404,
                         "no such path; there are /healthz, /readyz, /metrics, /api/v1/query, "
                         "/api/v1/leaves, /api/v1/proof, /api/v1/consistency, /api/v1/checkpoint, "
                         "/api/v1/keys, /api/v1/keys/rotate, /api/v1/backup, "
                         "/api/v1/anchors, /api/v1/anchors/clear-alarm, "
                         "/tlog/checkpoint, /tlog/tile/…"));
}

void Api::Health(const Call& call) {
  call.responder.Send(TextAnswer("ok\n", kPlainText));
}

void Api::Ready(const Call& call) {
  const Readiness readiness = services_.readiness();
  const ledger::Heights heights = services_.reader.heights();
  json body = {{"ready", readiness.accepting.ok()},
               {"durable", Value(heights.durable)},
               {"checkpointed", Value(heights.checkpointed)},
               {"indexed", Value(services_.engine.indexed())},
               {"warnings", readiness.warnings}};
  if (!readiness.accepting.ok()) body["reason"] = readiness.accepting.message();
  call.responder.Send(JsonAnswer(readiness.accepting.ok() ? 200 : 503, body));
}

void Api::Metrics(const Call& call) {
  const uint64_t durable = Value(services_.reader.heights().durable);
  const uint64_t indexed = Value(services_.engine.indexed());
  services_.metrics
      .GetGauge("sealtrail_index_lag_records",
                "Durable records that are in no part of the index yet")
      .Set(static_cast<double>(durable - std::min(indexed, durable)));
  call.responder.Send(
      TextAnswer(RenderMetrics(services_.metrics), "text/plain; version=0.0.4; charset=utf-8"));
}

void Api::RecordThen(const Call& call, const record::SelfAct& act, std::function<void()> next) {
  if (services_.sink == nullptr) return next();
  record::Salt salt;
  services_.env.random.Fill(salt);
  services_.sink->Submit(
      record::SelfRecord(act, services_.env.clock.Now(), salt),
      [responder = call.responder, next = std::move(next)](Result<record::CommitOutcome> outcome) {
        if (outcome.ok()) {
          next();
        } else {
          responder.Send(Problem(
              503, "this must be recorded first, and cannot be: " + outcome.status().message()));
        }
      });
}

// {"columns":[{"name","type"}],"rows":[[…]],"statement":{…}}; the rows come as one JSON array a line. Where the
// query could not be recorded (a read-only folder), "recorded":false follows.
static SharedBytes QueryAnswer(const query::QueryResult& result, bool recorded) {
  json columns = json::array();
  for (const query::Column& column : result.columns) {
    columns.push_back({{"name", column.name}, {"type", column.type}});
  }
  std::string text =
      "{\"columns\":" + columns.dump(-1, ' ', false, json::error_handler_t::replace) +
      ",\"rows\":[";
  text.reserve(text.size() + result.rows.size() + 4 * kKiB);
  for (size_t at = 0; at < result.rows.size();) {
    const size_t end = std::min(result.rows.find('\n', at), result.rows.size());
    if (at != 0) text += ",\n";
    text.append(result.rows, at, end - at);
    at = end + 1;
  }
  text += "],\"statement\":" + query::StatementJson(result.statement);
  if (!recorded) text += ",\"recorded\":false";
  text += "}\n";
  return SharedBytes::FromText(std::move(text));
}

void Api::Query(const Call& call) {
  const json body = json::parse(AsText(call.request.body.view()), nullptr, false);
  if (!body.is_object() || !body.contains("sql") || !body["sql"].is_string()) {
    return call.responder.Send(Problem(400, R"(expected a JSON object {"sql":"SELECT …"})"));
  }
  std::string sql = body["sql"].get<std::string>();
  if (sql.find('\0') != sql.npos)
    return call.responder.Send(Problem(400, "a statement holds no NUL character"));
  RecordThen(call, query::QueryAct(call.principal, sql), [this, call, sql] {
    services_.engine.Query({.sql = sql, .asked_by = call.principal},
                           [responder = call.responder, recorded = services_.sink != nullptr](
                               Result<query::QueryResult> result) {
                             if (!result.ok()) return responder.Send(ProblemFrom(result.status()));
                             net::HttpResponse response{.content_type = "application/json"};
                             response.body = QueryAnswer(*result, recorded);
                             responder.Send(std::move(response));
                           });
  });
}

void Api::Leaves(const Call& call) {
  const auto from = NumberIn(call.request.query, "from");
  const auto to = NumberIn(call.request.query, "to");
  for (const auto* number : {&from, &to}) {
    if (!number->ok()) return call.responder.Send(ProblemFrom(number->status()));
  }
  services_.checkpoint_now([this, call, from = from->value_or(0),
                            to = to->value_or(UINT64_MAX)](const Status& signed_status) {
    if (!signed_status.ok()) return call.responder.Send(ProblemFrom(signed_status));
    const ledger::CheckpointInfo head = services_.reader.checkpoint();
    const uint64_t size = Value(head.size);
    if (from > to || from >= size || (to != UINT64_MAX && to >= size)) {
      return call.responder.Send(
          Problem(400, fmt::format("records {} to {}: the checkpoint covers records 0 to {}", from,
                                   to == UINT64_MAX ? "the end" : std::to_string(to), size - 1)));
    }
    const uint64_t end = to == UINT64_MAX ? size : to + 1;
    RecordThen(call,
               {.action = "sealtrail.leaves.export",
                .actor = call.principal,
                .details = {{"sealtrail.export.from", std::to_string(from)},
                            {"sealtrail.export.to", std::to_string(end - 1)},
                            {"sealtrail.tree.size", std::to_string(size)}}},
               [this, call, from, end, head] {
                 net::HttpResponse response{.content_type = "application/x-ndjson"};
                 response.headers = {{"X-Sealtrail-Size", std::to_string(Value(head.size))},
                                     {"X-Sealtrail-Root", Base64Encode(head.root)}};
                 response.source = std::make_unique<LeafStream>(services_.reader, from, end);
                 Finish(call, std::move(response));
               });
  });
}

}  // namespace sealtrail::api
