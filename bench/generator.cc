#include "bench/generator.h"

#include <algorithm>

#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_writer.hpp>

namespace sealtrail::bench {
namespace {

using protozero::pbf_writer;

constexpr int64_t kNanosPerDay = 86'400'000'000'000;

// Field numbers of opentelemetry-proto v1.11.0.
namespace field {
constexpr uint32_t kRequestResources = 1;
constexpr uint32_t kGroupResource = 1, kGroupScopes = 2, kGroupSchemaUrl = 3;
constexpr uint32_t kScopeGroupScope = 1, kScopeGroupItems = 2, kScopeGroupSchemaUrl = 3;
constexpr uint32_t kResourceAttributes = 1;
constexpr uint32_t kScopeName = 1, kScopeVersion = 2, kScopeAttributes = 3;
constexpr uint32_t kKey = 1, kValue = 2;
constexpr uint32_t kString = 1, kBool = 2, kInt = 3, kDouble = 4, kArray = 5, kMap = 6, kBytes = 7;
constexpr uint32_t kListValues = 1;
}  // namespace field

namespace span_field {
constexpr uint32_t kTraceId = 1, kSpanId = 2, kTraceState = 3, kParentSpanId = 4, kName = 5,
                   kKind = 6, kStart = 7, kEnd = 8, kAttributes = 9, kDroppedAttributes = 10,
                   kEvents = 11, kLinks = 13, kStatus = 15, kFlags = 16;
constexpr uint32_t kEventTime = 1, kEventName = 2, kEventAttributes = 3;
constexpr uint32_t kLinkTraceId = 1, kLinkSpanId = 2, kLinkAttributes = 4, kLinkFlags = 6;
constexpr uint32_t kStatusMessage = 2, kStatusCode = 3;
}  // namespace span_field

namespace log_field {
constexpr uint32_t kTime = 1, kSeverityNumber = 2, kSeverityText = 3, kBody = 5, kAttributes = 6,
                   kFlags = 8, kTraceId = 9, kSpanId = 10, kObservedTime = 11, kEventName = 12;
}  // namespace log_field

// Attributes of one message: `tag` is the field that holds them there.
class AttributeWriter {
 public:
  AttributeWriter(pbf_writer& message, uint32_t tag) : message_(message), tag_(tag) {}

  void Text(std::string_view key, std::string_view value) {
    pbf_writer pair(message_, tag_);
    pair.add_string(field::kKey, key.data(), key.size());
    pbf_writer any(pair, field::kValue);
    any.add_string(field::kString, value.data(), value.size());
  }
  void Int(std::string_view key, int64_t value) {
    pbf_writer pair(message_, tag_);
    pair.add_string(field::kKey, key.data(), key.size());
    pbf_writer any(pair, field::kValue);
    any.add_int64(field::kInt, value);
  }
  void Bool(std::string_view key, bool value) {
    pbf_writer pair(message_, tag_);
    pair.add_string(field::kKey, key.data(), key.size());
    pbf_writer any(pair, field::kValue);
    any.add_bool(field::kBool, value);
  }
  void Double(std::string_view key, double value) {
    pbf_writer pair(message_, tag_);
    pair.add_string(field::kKey, key.data(), key.size());
    pbf_writer any(pair, field::kValue);
    any.add_double(field::kDouble, value);
  }
  void Blob(std::string_view key, std::string_view value) {
    pbf_writer pair(message_, tag_);
    pair.add_string(field::kKey, key.data(), key.size());
    pbf_writer any(pair, field::kValue);
    any.add_bytes(field::kBytes, value.data(), value.size());
  }
  void List(std::string_view key, const std::vector<std::string_view>& values) {
    pbf_writer pair(message_, tag_);
    pair.add_string(field::kKey, key.data(), key.size());
    pbf_writer any(pair, field::kValue);
    pbf_writer list(any, field::kArray);
    for (std::string_view value : values) {
      pbf_writer item(list, field::kListValues);
      item.add_string(field::kString, value.data(), value.size());
    }
  }
  void Map(std::string_view key,
           const std::vector<std::pair<std::string_view, std::string_view>>& pairs) {
    pbf_writer pair(message_, tag_);
    pair.add_string(field::kKey, key.data(), key.size());
    pbf_writer any(pair, field::kValue);
    pbf_writer map(any, field::kMap);
    AttributeWriter inner(map, field::kListValues);
    for (const auto& [name, value] : pairs) inner.Text(name, value);
  }

 private:
  pbf_writer& message_;
  const uint32_t tag_;
};

struct Action {
  std::string_view name;      // audit.action
  std::string_view span;      // span name
  std::string_view resource;  // audit.resource_type
  std::string_view method;    // http.request.method
  std::array<std::string_view, 3> old_values;
  std::array<std::string_view, 3> new_values;
};

// By rank: the first is the most common. Role updates are drawn apart, by their share.
constexpr Action kActions[] = {
    {"document_read", "GET /documents/{id}", "document", "GET", {"", "", ""}, {"", "", ""}},
    {"login",
     "POST /session",
     "session",
     "POST",
     {"signed_out", "", "expired"},
     {"signed_in", "", ""}},
    {"record_update",
     "PATCH /customers/{id}",
     "customer_record",
     "PATCH",
     {"status=active", "tier=silver", "country=DE"},
     {"status=paused", "tier=gold", "country=FR"}},
    {"logout",
     "DELETE /session",
     "session",
     "DELETE",
     {"signed_in", "", ""},
     {"signed_out", "", ""}},
    {"export", "POST /reports/export", "report", "POST", {"", "", ""}, {"csv", "xlsx", "pdf"}},
    {"token_create",
     "POST /tokens",
     "api_token",
     "POST",
     {"", "", ""},
     {"scope=read", "scope=write", "scope=ci"}},
    {"record_delete",
     "DELETE /customers/{id}",
     "customer_record",
     "DELETE",
     {"status=paused", "", "tier=gold"},
     {"deleted", "deleted", "deleted"}},
    {"approve",
     "POST /changes/{id}/approve",
     "change_request",
     "POST",
     {"pending", "pending", "draft"},
     {"approved", "approved", "approved"}},
    {"deploy",
     "POST /deployments",
     "deployment",
     "POST",
     {"v4.17.2", "v4.17.3", "v4.18.0"},
     {"v4.17.3", "v4.18.0", "v4.18.1"}},
    {"user_create", "POST /users", "user", "POST", {"", "", ""}, {"active", "invited", "active"}},
    {"user_disable",
     "POST /users/{id}/disable",
     "user",
     "POST",
     {"active", "invited", "active"},
     {"disabled", "disabled", "disabled"}},
    {"key_rotate",
     "POST /keys/{id}/rotate",
     "encryption_key",
     "POST",
     {"generation=7", "generation=8", "generation=9"},
     {"generation=8", "generation=9", "generation=10"}},
};
constexpr Action kRoleUpdate = {"role_update",
                                "user.role.update",
                                "user_permission",
                                "PUT",
                                {"viewer", "editor", "member"},
                                {"editor", "admin", "owner"}};

constexpr std::string_view kRoles[] = {"member",  "editor", "viewer", "admin",
                                       "support", "owner",  "auditor"};
constexpr std::string_view kDepartments[] = {"sales",   "engineering", "support",
                                             "finance", "legal",       "people"};
constexpr std::string_view kServices[] = {
    "audit-service", "iam", "documents", "billing",       "reports", "gateway",
    "deployer",      "crm", "search",    "notifications", "keys",    "admin-console"};
constexpr std::string_view kLanguages[] = {"python", "java", "go", "nodejs"};
constexpr std::string_view kFailures[] = {"permission denied by policy", "upstream timed out",
                                          "conflicting change in progress",
                                          "second factor missing"};
constexpr size_t kInstancesPerService = 4;
constexpr size_t kResourceGroupItems = 256;  // what one instance contributes to a Collector's batch

template <typename T, size_t N>
const T& Pick(Rng& rng, const T (&values)[N]) {
  return values[rng.Below(N)];
}

std::string Hex(uint64_t value, int digits) {
  std::string out(digits, '0');
  for (int i = digits - 1; i >= 0; --i, value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  return out;
}

std::string Dotted(uint64_t value) {
  std::string out = "10";
  for (int shift = 16; shift >= 0; shift -= 8) out += "." + std::to_string(value >> shift & 255);
  return out;
}

struct Person {
  std::string id;
  std::string_view role;
  std::string_view department;
  std::string home_address;
  std::string session;
};

struct Instance {
  std::string_view service;
  std::string id;
  std::string version;
  std::string_view language;
  std::string scope;
  bool rich;  // instrumented with schema URLs and scope attributes, as some services are
};

}  // namespace

Rng::Rng(uint64_t seed) {
  for (uint64_t& word : state_) {
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

uint64_t Rng::Next() {
  const auto rotate = [](uint64_t x, int k) { return x << k | x >> (64 - k); };
  const uint64_t result = rotate(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate(state_[3], 45);
  return result;
}

Zipf::Zipf(size_t n) {
  double sum = 0;
  for (size_t rank = 0; rank < n; ++rank)
    cumulative_.push_back(sum += 1.0 / static_cast<double>(rank + 1));
}

size_t Zipf::Draw(Rng& rng) const {
  const double at = static_cast<double>(rng.Next() >> 11) * 0x1p-53 * cumulative_.back();
  const auto it = std::upper_bound(cumulative_.begin(), cumulative_.end(), at);
  return std::min<size_t>(it - cumulative_.begin(), cumulative_.size() - 1);
}

// What stays the same through the stream.
struct Generator::World {
  World(Rng& rng, uint32_t users) : by_activity(users), by_action(std::size(kActions)) {
    for (uint32_t i = 0; i < users; ++i) {
      people.push_back(
          {.id = "user-" + Hex(rng.Next(), 8),
           .role = kRoles[std::min(rng.Below(std::size(kRoles)), rng.Below(std::size(kRoles)))],
           .department = Pick(rng, kDepartments),
           .home_address = Dotted(rng.Next()),
           .session = Hex(rng.Next(), 16)});
    }
    for (std::string_view service : kServices) {
      const std::string version =
          "4." + std::to_string(rng.Below(30)) + "." + std::to_string(rng.Below(10));
      for (size_t i = 0; i < kInstancesPerService; ++i) {
        instances.push_back(
            {.service = service,
             .id = std::string(service) + "-" + Hex(rng.Next(), 10) + "-" + Hex(rng.Next(), 5),
             .version = version,
             .language = kLanguages[service.size() % std::size(kLanguages)],
             .scope = std::string(service) + ".audit",
             .rich = service.size() % 4 == 0});
      }
    }
  }

  std::vector<Person> people;
  Zipf by_activity;
  Zipf by_action;
  std::vector<Instance> instances;
};

namespace {

void WriteResource(pbf_writer& group, const Instance& instance) {
  pbf_writer resource(group, field::kGroupResource);
  AttributeWriter attributes(resource, field::kResourceAttributes);
  attributes.Text("service.name", instance.service);
  attributes.Text("service.version", instance.version);
  attributes.Text("service.instance.id", instance.id);
  attributes.Text("telemetry.sdk.name", "opentelemetry");
  attributes.Text("telemetry.sdk.language", instance.language);
  attributes.Text("telemetry.sdk.version", "1.45.2");
}

void WriteScope(pbf_writer& scope_group, const Instance& instance) {
  pbf_writer scope(scope_group, field::kScopeGroupScope);
  scope.add_string(field::kScopeName, instance.scope);
  scope.add_string(field::kScopeVersion, instance.version);
  if (instance.rich) AttributeWriter(scope, field::kScopeAttributes).Text("scope.team", "platform");
}

std::string_view Raw(const std::array<uint8_t, 16>& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

void PutRandom(Rng& rng, uint8_t* out, size_t words) {
  for (size_t i = 0; i < words; ++i) {
    uint64_t value = rng.Next();
    for (int byte = 0; byte < 8; ++byte, value >>= 8)
      out[i * 8 + byte] = static_cast<uint8_t>(value);
  }
}

std::array<char, 8> RandomSpanId(Rng& rng) {
  std::array<uint8_t, 8> bytes;
  PutRandom(rng, bytes.data(), 1);
  std::array<char, 8> out;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

// What one audited act was: shared by its span, its event and its log record.
struct Act {
  const Action& action;
  const Person& actor;
  std::string address;
  std::string target;
  std::string_view old_value;
  std::string_view new_value;
  bool failed;
};

// The article's nine attributes, then up to three that real instrumentation adds: 9 to 12 in all.
void WriteActAttributes(Rng& rng, AttributeWriter& out, const Act& act) {
  out.Text("enduser.id", act.actor.id);
  out.Text("enduser.role", act.actor.role);
  out.Text("client.address", act.address);
  out.Text("audit.action", act.action.name);
  out.Text("audit.target_user", act.target);
  out.Text("audit.old_value", act.old_value);
  out.Text("audit.new_value", act.new_value);
  out.Text("audit.resource_type", act.action.resource);
  const uint64_t extra = rng.Below(8);
  if (extra >= 1) out.Text("http.request.method", act.action.method);
  if (extra >= 2) out.Int("http.response.status_code", act.failed ? 403 : 200);
  if (extra >= 4) {
    switch (rng.Below(16)) {
      case 0:
        out.List("user.roles", {act.actor.role, "member"});
        break;
      case 1:
        out.Map("audit.context",
                {{"department", act.actor.department}, {"ticket", act.actor.session}});
        break;
      case 2:
        out.Bool("session.mfa", !act.failed);
        break;
      case 3:
        out.Double("risk.score", static_cast<double>(rng.Below(1000)) / 1000);
        break;
      case 4:
        out.Blob("session.fingerprint", std::string_view(act.actor.session).substr(0, 8));
        break;
      default:
        out.Text("session.id", act.actor.session);
    }
  }
  out.Text("audit.result", act.failed ? "failure" : "success");
}

}  // namespace

Generator::Generator(const GeneratorOptions& options)
    : options_(options), rng_(options.seed), world_(std::make_unique<World>(rng_, options.users)) {
  totals_.role_updates.reserve(
      static_cast<size_t>(static_cast<double>(options.records) * options.role_update_share * 1.1) +
      16);
}

Generator::~Generator() = default;

// Time rises with the share of the stream that is made, never backwards, at random within each
// step.
int64_t Generator::Tick() {
  const int64_t span = static_cast<int64_t>(options_.days) * kNanosPerDay;
  const int64_t step =
      std::max<int64_t>(span / static_cast<int64_t>(std::max<uint64_t>(options_.records, 1)), 1);
  const int64_t start = options_.end_unix_nano - step * static_cast<int64_t>(options_.records);
  return start + step * static_cast<int64_t>(std::min(made_, options_.records - 1)) +
         static_cast<int64_t>(rng_.Below(static_cast<uint64_t>(step)));
}

namespace {

Act MakeAct(Rng& rng, const std::vector<Person>& people, const Zipf& by_activity,
            const Action& action) {
  const Person& actor = people[by_activity.Draw(rng)];
  const uint64_t values = rng.Below(3);
  return {.action = action,
          .actor = actor,
          .address = rng.Chance(0.8) ? actor.home_address : Dotted(rng.Next()),
          .target = action.resource.starts_with("user")
                        ? people[rng.Below(people.size())].id
                        : std::string(action.resource) + "-" + Hex(rng.Next(), 8),
          .old_value = action.old_values[values],
          .new_value = action.new_values[values],
          .failed = rng.Chance(0.02)};
}

void WriteEvents(Rng& rng, pbf_writer& span, const Act& act, int64_t time, bool approval,
                 bool other, const Person& approver) {
  if (approval) {
    pbf_writer event(span, span_field::kEvents);
    event.add_fixed64(span_field::kEventTime, static_cast<uint64_t>(time) + rng.Below(1'000'000));
    event.add_string(span_field::kEventName, "audit.approval");
    AttributeWriter attributes(event, span_field::kEventAttributes);
    attributes.Text("audit.action", "approve");
    attributes.Text("enduser.id", approver.id);
    attributes.Text("audit.target", act.target);
    attributes.Text("audit.result", "success");
  }
  if (other) {
    pbf_writer event(span, span_field::kEvents);
    event.add_fixed64(span_field::kEventTime, static_cast<uint64_t>(time) + rng.Below(1'000'000));
    event.add_string(span_field::kEventName, "cache.miss");
    AttributeWriter(event, span_field::kEventAttributes).Text("cache.key", act.target);
  }
}

void WriteLink(Rng& rng, pbf_writer& span) {
  std::array<uint8_t, 16> other_trace;
  PutRandom(rng, other_trace.data(), 2);
  const std::array<char, 8> other_span = RandomSpanId(rng);
  pbf_writer link(span, span_field::kLinks);
  link.add_bytes(span_field::kLinkTraceId, Raw(other_trace).data(), 16);
  link.add_bytes(span_field::kLinkSpanId, other_span.data(), other_span.size());
  AttributeWriter(link, span_field::kLinkAttributes).Text("link.reason", "queued");
  link.add_fixed32(span_field::kLinkFlags, 0x101);
}

}  // namespace

std::string Generator::MakeTraces(Request& request, uint32_t selected_wanted) {
  std::string body;
  body.reserve(selected_wanted * size_t{640});
  pbf_writer out(body);
  while (request.selected < selected_wanted) {
    const Instance& instance = world_->instances[rng_.Below(world_->instances.size())];
    pbf_writer group(out, field::kRequestResources);
    WriteResource(group, instance);
    {
      pbf_writer scope_group(group, field::kGroupScopes);
      WriteScope(scope_group, instance);
      for (size_t i = 0; i < kResourceGroupItems && request.selected < selected_wanted; ++i) {
        const bool role_update = rng_.Chance(options_.role_update_share / (1 - options_.log_share));
        const Act act = MakeAct(rng_, world_->people, world_->by_activity,
                                role_update ? kRoleUpdate : kActions[world_->by_action.Draw(rng_)]);
        const int64_t time = Tick();
        const bool approval =
            request.selected + 1 < selected_wanted && rng_.Chance(options_.approval_event_share);
        const bool other = rng_.Chance(options_.other_event_share);

        // A trace has one to four audited spans, most often one.
        const bool continues = totals_.trace_ids > 0 && rng_.Chance(0.3);
        if (!continues) {
          PutRandom(rng_, trace_id_.data(), 2);
          ++totals_.trace_ids;
        }
        const std::array<char, 8> id = RandomSpanId(rng_);
        const std::array<char, 8> parent = RandomSpanId(rng_);

        pbf_writer span(scope_group, field::kScopeGroupItems);
        span.add_bytes(span_field::kTraceId, Raw(trace_id_).data(), 16);
        span.add_bytes(span_field::kSpanId, id.data(), id.size());
        if (rng_.Chance(0.02))
          span.add_string(span_field::kTraceState, "vendor=1,shop=" + act.actor.session);
        if (continues || rng_.Chance(0.6))
          span.add_bytes(span_field::kParentSpanId, parent.data(), parent.size());
        span.add_string(span_field::kName, act.action.span.data(), act.action.span.size());
        span.add_enum(span_field::kKind, role_update ? 1 : 2);
        span.add_fixed64(span_field::kStart, static_cast<uint64_t>(time));
        span.add_fixed64(span_field::kEnd,
                         static_cast<uint64_t>(time) + 200'000 + rng_.Below(80'000'000));
        AttributeWriter attributes(span, span_field::kAttributes);
        WriteActAttributes(rng_, attributes, act);
        if (rng_.Chance(0.001)) span.add_uint32(span_field::kDroppedAttributes, 1);
        WriteEvents(rng_, span, act, time, approval, other,
                    world_->people[rng_.Below(world_->people.size())]);
        if (rng_.Chance(0.02)) WriteLink(rng_, span);
        {
          pbf_writer status(span, span_field::kStatus);
          if (act.failed)
            status.add_string(span_field::kStatusMessage, Pick(rng_, kFailures).data());
          status.add_enum(span_field::kStatusCode, act.failed ? 2 : 1);
        }
        span.add_fixed32(span_field::kFlags, 0x101);

        if (role_update) totals_.role_updates.push_back(time);
        request.units += 1 + approval + other;
        request.selected += 1 + approval;
        made_ += 1 + approval;
        ++totals_.spans;
        totals_.events += approval + other;
      }
      if (instance.rich)
        scope_group.add_string(field::kScopeGroupSchemaUrl,
                               "https://opentelemetry.io/schemas/1.44.0");
    }
    if (instance.rich)
      group.add_string(field::kGroupSchemaUrl, "https://opentelemetry.io/schemas/1.44.0");
  }
  return body;
}

std::string Generator::MakeLogs(Request& request, uint32_t selected_wanted) {
  std::string body;
  body.reserve(selected_wanted * size_t{560});
  pbf_writer out(body);
  while (request.selected < selected_wanted) {
    const Instance& instance = world_->instances[rng_.Below(world_->instances.size())];
    pbf_writer group(out, field::kRequestResources);
    WriteResource(group, instance);
    pbf_writer scope_group(group, field::kGroupScopes);
    WriteScope(scope_group, instance);
    for (size_t i = 0; i < kResourceGroupItems && request.selected < selected_wanted; ++i) {
      const Act act = MakeAct(rng_, world_->people, world_->by_activity,
                              kActions[world_->by_action.Draw(rng_)]);
      const int64_t time = Tick();
      const bool in_trace = rng_.Chance(0.7);

      pbf_writer log(scope_group, field::kScopeGroupItems);
      log.add_fixed64(log_field::kTime, static_cast<uint64_t>(time));
      log.add_fixed64(log_field::kObservedTime,
                      static_cast<uint64_t>(time) + 1'000 + rng_.Below(50'000'000));
      log.add_enum(log_field::kSeverityNumber, act.failed ? 13 : 9);
      log.add_string(log_field::kSeverityText, act.failed ? "WARN" : "INFO");
      {
        pbf_writer any(log, log_field::kBody);
        if (rng_.Chance(0.1)) {
          pbf_writer map(any, field::kMap);
          AttributeWriter body_map(map, field::kListValues);
          body_map.Text("what", act.action.span);
          body_map.Text("department", act.actor.department);
        } else {
          any.add_string(field::kString, std::string(act.action.name) + " of " + act.target +
                                             " by " + act.actor.id);
        }
      }
      AttributeWriter attributes(log, log_field::kAttributes);
      WriteActAttributes(rng_, attributes, act);
      if (in_trace) {
        PutRandom(rng_, trace_id_.data(), 2);
        ++totals_.trace_ids;
        const std::array<char, 8> id = RandomSpanId(rng_);
        log.add_fixed32(log_field::kFlags, 1);
        log.add_bytes(log_field::kTraceId, Raw(trace_id_).data(), 16);
        log.add_bytes(log_field::kSpanId, id.data(), id.size());
      }
      if (rng_.Chance(0.3))
        log.add_string(log_field::kEventName, "audit." + std::string(act.action.name));

      ++request.units;
      ++request.selected;
      ++made_;
      ++totals_.logs;
    }
  }
  return body;
}

std::optional<Request> Generator::Next() {
  if (made_ >= options_.records) return std::nullopt;
  const auto wanted = static_cast<uint32_t>(
      std::min<uint64_t>(std::max(options_.batch, 1u), options_.records - made_));
  Request request;
  request.is_logs = rng_.Chance(options_.log_share);
  request.body = request.is_logs ? MakeLogs(request, wanted) : MakeTraces(request, wanted);
  ++totals_.requests;
  totals_.units += request.units;
  totals_.selected += request.selected;
  totals_.bytes += request.body.size();
  return request;
}

Workload Generate(const GeneratorOptions& options) {
  Generator generator(options);
  Workload workload;
  while (std::optional<Request> request = generator.Next())
    workload.requests.push_back(std::move(*request));
  workload.totals = generator.totals();
  return workload;
}

}  // namespace sealtrail::bench
