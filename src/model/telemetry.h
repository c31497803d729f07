// OpenTelemetry's spans and log records as plain values: what otlp decodes, pipeline selects and
// record writes. Field by field opentelemetry-proto v1.11.0; docs/formats/record.md says how each
// is stored.
//
// Ownership  Every view borrows: from the request's bytes and from the Arena that the decoder
// filled. A
//            decoded request is valid as long as both live, and may be moved, not changed.
// Strings    As received. They may be invalid UTF-8; whoever writes them says what then happens.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace sealtrail::model {

struct KeyValue;
struct AnyValue;

struct ArrayValue {
  std::span<const AnyValue> values;
  ByteView unknown;
};

struct MapValue {
  std::span<const KeyValue> values;
  ByteView unknown;
};

struct AnyValue {
  enum class Type : uint8_t { kEmpty, kString, kBool, kInt, kDouble, kBytes, kArray, kMap };

  Type type = Type::kEmpty;
  union {
    bool bool_value;
    int64_t int_value;
    double double_value;
    const ArrayValue* array;  // kArray
    const MapValue* map;      // kMap
    std::string_view text;    // kString; kBytes too, see bytes()
  };
  const ByteView* unknown = nullptr;  // unknown fields of this message, or null

  AnyValue() : int_value(0) {}
  ByteView bytes() const { return AsBytes(text); }
};

struct KeyValue {
  std::string_view key;
  AnyValue value;
  bool has_value = false;             // false: the message `value` is absent (value.type is kEmpty)
  const ByteView* unknown = nullptr;  // unknown fields of this message, or null
};

using Attributes = std::span<const KeyValue>;

struct EntityRef {
  std::string_view schema_url;
  std::string_view type;
  std::span<const std::string_view> id_keys;
  std::span<const std::string_view> description_keys;
  ByteView unknown;
};

struct Resource {
  Attributes attributes;
  uint32_t dropped_attributes_count = 0;
  std::span<const EntityRef> entity_refs;
  ByteView unknown;
};

struct Scope {
  std::string_view name;
  std::string_view version;
  Attributes attributes;
  uint32_t dropped_attributes_count = 0;
  ByteView unknown;
};

// Ids are empty or of full length (16 and 8 bytes): decoders refuse all else.
struct SpanEvent {
  uint64_t time_unix_nano = 0;
  std::string_view name;
  Attributes attributes;
  uint32_t dropped_attributes_count = 0;
  ByteView unknown;
};

struct SpanLink {
  ByteView trace_id;
  ByteView span_id;
  std::string_view trace_state;
  Attributes attributes;
  uint32_t dropped_attributes_count = 0;
  uint32_t flags = 0;
  ByteView unknown;
};

struct SpanStatus {
  std::string_view message;
  int32_t code = 0;  // any int32: enums are open
  ByteView unknown;
};

struct Span {
  ByteView trace_id;
  ByteView span_id;
  ByteView parent_span_id;
  std::string_view trace_state;
  std::string_view name;
  int32_t kind = 0;
  uint32_t flags = 0;
  uint64_t start_time_unix_nano = 0;
  uint64_t end_time_unix_nano = 0;
  Attributes attributes;
  uint32_t dropped_attributes_count = 0;
  std::span<const SpanEvent> events;
  uint32_t dropped_events_count = 0;
  std::span<const SpanLink> links;
  uint32_t dropped_links_count = 0;
  const SpanStatus* status = nullptr;  // null: absent
  ByteView unknown;
};

struct LogRecord {
  uint64_t time_unix_nano = 0;
  uint64_t observed_time_unix_nano = 0;
  int32_t severity_number = 0;
  uint32_t flags = 0;
  std::string_view severity_text;
  std::string_view event_name;
  const AnyValue* body = nullptr;  // null: absent
  Attributes attributes;
  uint32_t dropped_attributes_count = 0;
  ByteView trace_id;
  ByteView span_id;
  ByteView unknown;
};

template <typename Item>
struct ScopeGroup {
  const Scope* scope = nullptr;  // null: absent
  std::string_view schema_url;
  std::span<const Item> items;
  ByteView unknown;
};

template <typename Item>
struct ResourceGroup {
  const Resource* resource = nullptr;  // null: absent
  std::string_view schema_url;
  std::span<const ScopeGroup<Item>> scopes;
  ByteView unknown;
};

// A whole Export*ServiceRequest.
template <typename Item>
struct ExportRequest {
  std::span<const ResourceGroup<Item>> resources;
  ByteView unknown;
};
using TracesRequest = ExportRequest<Span>;
using LogsRequest = ExportRequest<LogRecord>;

}  // namespace sealtrail::model
