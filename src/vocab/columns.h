// The canonical columns of every audit table, in the order in which they are shown. docs/sql.md
// says where each value comes from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sealtrail::vocab {

// Columns of text, in their order inside the tables.
enum class TextColumn : uint8_t {
  kKind,
  kName,
  kEventName,
  kActor,
  kActorType,
  kActorRole,
  kAction,
  kActionClass,
  kTarget,
  kOutcome,
  kOldValue,
  kNewValue,
  kResourceType,
  kClientAddress,
  kService,
  kScopeName,
  kSeverity,
  kStatusCode,
  kStatusMessage,
  kTraceId,
  kSpanId,
  kParentSpanId,
  kTenant,
  kPipeline,
  kPrincipal,
  kBody,
};
constexpr size_t kTextColumnCount = static_cast<size_t>(TextColumn::kBody) + 1;

constexpr std::array<std::string_view, kTextColumnCount> kTextColumnNames = {
    "kind",       "name",           "event_name",    "actor",          "actor_type",
    "actor_role", "action",         "action_class",  "target",         "outcome",
    "old_value",  "new_value",      "resource_type", "client_address", "service",
    "scope_name", "severity",       "status_code",   "status_message", "trace_id",
    "span_id",    "parent_span_id", "tenant",        "pipeline",       "principal",
    "body"};

constexpr std::string_view Name(TextColumn column) {
  return kTextColumnNames[static_cast<size_t>(column)];
}

// Columns of time. TIMESTAMPTZ in SQL, which keeps microseconds; time_unix_nano is `timestamp`,
// exact.
enum class TimeColumn : uint8_t { kTimestamp, kObservedAt, kReceivedAt, kEndTime };
constexpr size_t kTimeColumnCount = static_cast<size_t>(TimeColumn::kEndTime) + 1;

constexpr std::array<std::string_view, kTimeColumnCount> kTimeColumnNames = {
    "timestamp", "observed_at", "received_at", "end_time"};

}  // namespace sealtrail::vocab
