// What the outside anchors are at, and an alarm that an operator has dealt with.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "anchor/anchor_service.h"
#include "api/answers.h"
#include "api/api.h"
#include "api/call.h"
#include "api/problem.h"
#include "base/time_text.h"

namespace sealtrail::api {
namespace {

using nlohmann::json;

json TimeOrNull(const std::optional<UnixNanos>& time) {
  return time ? json(Iso8601(*time)) : json(nullptr);
}

json KindsJson(const anchor::AnchorReport& report) {
  json kinds = json::array();
  for (const anchor::AnchorHealth& kind : report.kinds) {
    kinds.push_back({{"kind", anchor::AnchorKindName(kind.kind)},
                     {"failing", kind.failing},
                     {"forked", kind.forked},
                     {"size", Value(kind.size)},
                     {"last", TimeOrNull(kind.last)},
                     {"age_seconds", kind.age_ns / kNanosPerSecond}});
  }
  return kinds;
}

json WitnessesJson(const anchor::AnchorReport& report) {
  json witnesses = json::array();
  for (const anchor::WitnessReport& witness : report.witnesses) {
    witnesses.push_back({{"name", witness.name},
                         {"url", witness.url},
                         {"size", Value(witness.acknowledged)},
                         {"last", TimeOrNull(witness.success)},
                         {"error", witness.error},
                         {"alarm", witness.alarm}});
  }
  return witnesses;
}

json AuthoritiesJson(const anchor::AnchorReport& report) {
  json authorities = json::array();
  for (const anchor::AuthorityReport& authority : report.authorities) {
    authorities.push_back({{"url", authority.url}, {"error", authority.error}});
  }
  return authorities;
}

}  // namespace

void Api::Anchors(const Call& call) {
  const anchor::AnchorReport report =
      services_.anchors ? services_.anchors->report() : anchor::AnchorReport();
  call.responder.Send(JsonAnswer(200, {{"kinds", KindsJson(report)},
                                       {"witnesses", WitnessesJson(report)},
                                       {"authorities", AuthoritiesJson(report)}}));
}

void Api::ClearAnchorAlarm(const Call& call) {
  const json body = json::parse(AsText(call.request.body.view()), nullptr, false);
  if (!body.is_object() || !body.contains("witness") || !body["witness"].is_string()) {
    return call.responder.Send(
        Problem(400, R"(expected a JSON object {"witness":"NAME"}, the name in the policy)"));
  }
  if (services_.anchors == nullptr)
    return call.responder.Send(
        Problem(404, "no witnesses are configured where the store runs now"));
  const auto witness = body["witness"].get<std::string>();
  const anchor::AnchorReport report = services_.anchors->report();
  if (std::ranges::none_of(report.witnesses,
                           [&](const auto& each) { return each.name == witness; })) {
    return call.responder.Send(Problem(404, fmt::format("no witness {} in the policy", witness)));
  }
  RecordThen(call,
             {.action = "sealtrail.anchor.clear_alarm", .actor = call.principal, .target = witness},
             [this, call, witness] {
               services_.anchors->ClearAlarm(witness, [this, call](const Status& status) {
                 status.ok() ? Anchors(call) : call.responder.Send(ProblemFrom(status));
               });
             });
}

}  // namespace sealtrail::api
