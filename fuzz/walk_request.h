// Reads every byte that a decoded request points to, and checks what decoders promise.
#pragma once

#include "base/check.h"
#include "base/limits.h"
#include "base/status.h"
#include "model/telemetry.h"

namespace sealtrail::fuzz {

class RequestWalk {
 public:
  template <typename Item>
  void Request(const model::ExportRequest<Item>& request) {
    for (const auto& group : request.resources) {
      if (group.resource != nullptr) Resource(*group.resource);
      for (const auto& scopes : group.scopes) {
        if (scopes.scope != nullptr) Scope(*scopes.scope);
        for (const Item& item : scopes.items) Walk(item);
        Touch(scopes.schema_url);
        Touch(scopes.unknown);
      }
      Touch(group.schema_url);
      Touch(group.unknown);
    }
    Touch(request.unknown);
  }

 private:
  void Resource(const model::Resource& resource) {
    Attributes(resource.attributes, 1);
    for (const auto& ref : resource.entity_refs) {
      Touch(ref.schema_url);
      Touch(ref.type);
      for (const auto text : ref.id_keys) Touch(text);
      for (const auto text : ref.description_keys) Touch(text);
      Touch(ref.unknown);
    }
    Touch(resource.unknown);
  }

  void Scope(const model::Scope& scope) {
    Touch(scope.name);
    Touch(scope.version);
    Attributes(scope.attributes, 1);
    Touch(scope.unknown);
  }

  void Walk(const model::Span& span) {
    Id(span.trace_id, 16);
    Id(span.span_id, 8);
    Id(span.parent_span_id, 8);
    Touch(span.trace_state);
    Touch(span.name);
    Attributes(span.attributes, 1);
    for (const auto& event : span.events) {
      Touch(event.name);
      Attributes(event.attributes, 1);
      Touch(event.unknown);
    }
    for (const auto& link : span.links) {
      Id(link.trace_id, 16);
      Id(link.span_id, 8);
      Touch(link.trace_state);
      Attributes(link.attributes, 1);
      Touch(link.unknown);
    }
    if (span.status != nullptr) {
      Touch(span.status->message);
      Touch(span.status->unknown);
    }
    Touch(span.unknown);
  }

  void Walk(const model::LogRecord& log) {
    Touch(log.severity_text);
    Touch(log.event_name);
    if (log.body != nullptr) Value(*log.body, 1);
    Attributes(log.attributes, 1);
    Id(log.trace_id, 16);
    Id(log.span_id, 8);
    Touch(log.unknown);
  }

  void Attributes(model::Attributes attributes, int depth) {
    for (const auto& pair : attributes) {
      Touch(pair.key);
      SEAL_CHECK(pair.has_value || pair.value.type == model::AnyValue::Type::kEmpty);
      if (pair.has_value) Value(pair.value, depth);
      if (pair.unknown != nullptr) Touch(*pair.unknown);
    }
  }

  void Value(const model::AnyValue& value, int depth) {
    using Type = model::AnyValue::Type;
    SEAL_CHECK(depth <= kNestingMax);
    if (value.type == Type::kString || value.type == Type::kBytes) Touch(value.text);
    if (value.type == Type::kArray) {
      for (const auto& element : value.array->values) Value(element, depth + 1);
      Touch(value.array->unknown);
    }
    if (value.type == Type::kMap) {
      Attributes(value.map->values, depth + 1);
      Touch(value.map->unknown);
    }
    if (value.unknown != nullptr) Touch(*value.unknown);
  }

  void Id(ByteView id, size_t size) {
    SEAL_CHECK(id.empty() || id.size() == size);
    Touch(id);
  }

  void Touch(std::string_view text) { Touch(AsBytes(text)); }
  void Touch(ByteView bytes) {
    for (const uint8_t byte : bytes) sum_ = sum_ + byte;
  }

  volatile unsigned sum_ = 0;  // volatile: the reads are the purpose
};

template <typename Request>
void Walk(const Result<Request>& request) {
  if (request.ok()) {
    RequestWalk().Request(*request);
  } else {
    SEAL_CHECK(request.status().code() == StatusCode::kInvalidArgument ||
               request.status().code() == StatusCode::kResourceExhausted);
  }
}

}  // namespace sealtrail::fuzz
