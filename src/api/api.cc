#include "api/api.h"

#include <charconv>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

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

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

net::HttpResponse JsonAnswer(int status, const json& body) {
  net::HttpResponse response{.status = status, .content_type = "application/json"};
  response.body = SharedBytes::FromText(Dump(body));
  return response;
}

net::HttpResponse TextAnswer(std::string text, std::string content_type) {
  net::HttpResponse response{.content_type = std::move(content_type)};
  response.body = SharedBytes::FromText(std::move(text));
  return response;
}

// The value of `name` in "a=1&b=2"; nothing if it is absent or empty.
std::optional<std::string_view> QueryParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.size() > name.size() + 1 && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

Result<uint64_t> RecordNumber(std::string_view query, std::string_view name, uint64_t otherwise) {
  const auto text = QueryParameter(query, name);
  if (!text) return otherwise;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) {
    return InvalidArgument("{}: \"{}\", expected a record number", name, *text);
  }
  return number;
}

}  // namespace

struct Api::Call {
  net::HttpRequest request;
  net::HttpResponder responder;
  std::string principal;  // empty: nobody that we know
};

void Api::Handle(net::HttpRequest request, net::HttpResponder responder) {
  struct Route {
    std::string_view path;
    std::string_view method;
    bool open;  // without a token
    void (Api::*handler)(const Call&);
  };
  static constexpr Route kRoutes[] = {
      {"/healthz", "GET", true, &Api::Health},        {"/readyz", "GET", true, &Api::Ready},
      {"/metrics", "GET", true, &Api::Metrics},       {"/api/v1/query", "POST", false, &Api::Query},
      {"/api/v1/leaves", "GET", false, &Api::Leaves},
  };
  std::string principal;
  if (request.peer_uid) {
    principal = "local:" + env::UserName(*request.peer_uid);
  } else if (auth::PresentsToken(request.Header("authorization"), services_.local_token)) {
    principal = services_.local_principal;
  }
  for (const Route& route : kRoutes) {
    if (route.path != request.path) continue;
    if (route.method != request.method) {
      net::HttpResponse response =
          Problem(405, fmt::format("{} takes {}", route.path, route.method));
      response.headers.emplace_back("Allow", std::string(route.method));
      responder.Send(std::move(response));
    } else if (!route.open && principal.empty()) {
      net::HttpResponse response = Problem(
          401, "a token is needed: Authorization: Bearer …; the folder's own is in local.token");
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      responder.Send(std::move(response));
    } else {
      (this->*route.handler)({std::move(request), std::move(responder), std::move(principal)});
    }
    return;
  }
  responder.Send(Problem(
      404, "no such path; there are /healthz, /readyz, /metrics, /api/v1/query, /api/v1/leaves"));
}

void Api::Health(const Call& call) {
  call.responder.Send(TextAnswer("ok\n", "text/plain; charset=utf-8"));
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
  const auto from = RecordNumber(call.request.query, "from", 0);
  const auto to = RecordNumber(call.request.query, "to", UINT64_MAX);
  for (const auto* number : {&from, &to}) {
    if (!number->ok()) return call.responder.Send(ProblemFrom(number->status()));
  }
  services_.checkpoint_now([this, call, from = *from, to = *to](const Status& signed_status) {
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
                 call.responder.Send(std::move(response));
               });
  });
}

}  // namespace sealtrail::api
