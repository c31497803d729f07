#include "pipeline/record_mapper.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/limits.h"
#include "base/utf8.h"
#include "record/content_writer.h"

namespace sealtrail::pipeline {
namespace {

using record::Identity;
using record::JsonBuffer;

bool IsSet(ByteView id, size_t size) {
  return id.size() == size && std::ranges::any_of(id, [](uint8_t byte) { return byte != 0; });
}

std::string TextAttribute(const model::Resource* resource, std::string_view key,
                          RequestRedaction* redaction) {
  if (resource == nullptr) return {};
  const model::AnyValue* value = FindAttribute(resource->attributes, key);
  if (value == nullptr || value->type != model::AnyValue::Type::kString) return {};
  if (redaction != nullptr) {
    return Utf8Shortened(Utf8Lossy(redaction->Plain(key, value->text)), kSourceTextBytesMax);
  }
  return Utf8Shortened(Utf8Lossy(value->text.substr(0, 2 * kSourceTextBytesMax)),
                       kSourceTextBytesMax);
}

// Names are shortened: a source is a key of counters, and whoever sends may send any name. They are redacted, too.
Source SourceOf(const model::Resource* resource, RequestRedaction* redaction) {
  const auto text = [&](std::string_view key) { return TextAttribute(resource, key, redaction); };
  Source source{.service_namespace = text("service.namespace"),
                .service = text("service.name"),
                .environment = text("deployment.environment.name")};
  if (source.environment.empty()) source.environment = text("deployment.environment");
  return source;
}

// Identities as docs/formats/record.md §7 defines them.
class Identities {
 public:
  explicit Identities(const MappingContext& context) : context_(context) {}

  Identity OfSpan(const model::Span& span, uint32_t unit) {
    if (const auto id = RecordId(span.attributes)) return *id;
    if (!HasIds(span)) return OfDelivery(unit);
    return record::IdentityOfSpan(span.trace_id, span.span_id);
  }

  Identity OfEvent(const model::Span& span, const model::SpanEvent& event, uint32_t index,
                   uint32_t unit) {
    if (const auto id = RecordId(event.attributes)) return *id;
    if (!HasIds(span)) return OfDelivery(unit);
    return record::IdentityOfSpanEvent(span.trace_id, span.span_id, index);
  }

  Identity OfLog(const model::LogRecord& log, uint32_t unit) {
    if (const auto id = RecordId(log.attributes)) return *id;
    return OfDelivery(unit);
  }

  // Hashed once, and only where something in the request has no identity of its own.
  const std::optional<crypto::Hash>& request_hash() const { return request_hash_; }

 private:
  static bool HasIds(const model::Span& span) {
    return IsSet(span.trace_id, 16) && IsSet(span.span_id, 8);
  }

  static std::optional<Identity> RecordId(model::Attributes attributes) {
    const model::AnyValue* value = FindAttribute(attributes, "audit.record.id");
    if (value == nullptr || value->type != model::AnyValue::Type::kString || value->text.empty())
      return {};
    return record::IdentityOfRecordId(AsBytes(value->text));
  }

  Identity OfDelivery(uint32_t unit) {
    if (!request_hash_) request_hash_ = crypto::Sha256(context_.request);
    return record::IdentityOfDelivery(context_.receipt.principal, *request_hash_, unit);
  }

  const MappingContext& context_;
  std::optional<crypto::Hash> request_hash_;
};

// Walks a request. Resource and scope are written once, when the first record under them is selected.
class Mapper {
 public:
  Mapper(record::BatchBuilder builder, const MappingContext& context, RequestRedaction* redaction)
      : builder_(std::move(builder)),
        context_(context),
        redaction_(redaction),
        identities_(context) {}

  template <typename Item>
  Status Map(const model::ExportRequest<Item>& request) {
    for (const auto& resource : request.resources) {
      const Source source = SourceOf(resource.resource, redaction_);
      counts_ = &result_.counts[source];
      const size_t records_before = builder_.record_count();
      bool resource_written = false;
      for (const auto& scope : resource.scopes) {
        bool scope_written = false;
        open_groups_ = [&] {
          if (!resource_written) OpenResource(resource, request.unknown);
          if (!scope_written) OpenScope(scope);
          resource_written = scope_written = true;
        };
        for (const Item& item : scope.items) SEAL_RETURN_IF_ERROR(MapItem(item));
      }
      if (const size_t records = builder_.record_count() - records_before; records != 0)
        result_.runs.push_back({.source = source, .records = records});
    }
    return OkStatus();
  }

  MappedRequest Finish() && {
    if (identities_.request_hash()) builder_.SetRequestHash(*identities_.request_hash());
    result_.batch = std::move(builder_).Finish();
    return std::move(result_);
  }

 private:
  // Writes as it is, and once more with redaction where a rule may have something to say.
  template <typename WriteJson>
  void Write(JsonBuffer& out, WriteJson write) {
    out.clear();
    notes_.encoded.clear();
    write();
    if (redaction_ == nullptr || !context_.redactor->MayAct(out, notes_.encoded)) return;
    out.clear();
    notes_.redaction = redaction_;
    write();
    notes_.redaction = nullptr;
  }

  template <typename Group>
  void OpenResource(const Group& group, ByteView request_unknown) {
    Write(group_, [&] {
      record::WriteResourceGroup(group_, group.resource, group.schema_url, group.unknown,
                                 request_unknown, notes_);
    });
    builder_.SetResource(group_);
  }

  template <typename Group>
  void OpenScope(const Group& group) {
    Write(group_, [&] {
      record::WriteScopeGroup(group_, group.scope, group.schema_url, group.unknown, notes_);
    });
    builder_.SetScope(group_);
  }

  Status MapItem(const model::Span& span) {
    const uint32_t unit = NextUnit();
    if (context_.selector.Selects(span)) {
      Write(content_, [&] { record::WriteSpan(content_, span, notes_); });
      SEAL_RETURN_IF_ERROR(Add({.kind = record::Kind::kSpan,
                                .content = content_,
                                .identity = identities_.OfSpan(span, unit),
                                .time_unix_nano = span.start_time_unix_nano}));
    }
    for (uint32_t i = 0; i < span.events.size(); ++i) SEAL_RETURN_IF_ERROR(MapEvent(span, i));
    return OkStatus();
  }

  Status MapEvent(const model::Span& span, uint32_t index) {
    const uint32_t unit = NextUnit();
    const model::SpanEvent& event = span.events[index];
    if (!context_.selector.Selects(event)) return OkStatus();
    Write(content_, [&] { record::WriteSpanEvent(content_, event, index, notes_); });
    Write(span_, [&] { record::WriteEventSpan(span_, span, notes_); });
    return Add({.kind = record::Kind::kSpanEvent,
                .content = content_,
                .span = span_,
                .identity = identities_.OfEvent(span, event, index, unit),
                .time_unix_nano = event.time_unix_nano});
  }

  Status MapItem(const model::LogRecord& log) {
    const uint32_t unit = NextUnit();
    if (!context_.selector.Selects(log)) return OkStatus();
    Write(content_, [&] { record::WriteLog(content_, log, notes_); });
    return Add({.kind = record::Kind::kLog,
                .content = content_,
                .identity = identities_.OfLog(log, unit),
                .time_unix_nano = log.time_unix_nano,
                .observed_time_unix_nano = log.observed_time_unix_nano});
  }

  uint32_t NextUnit() {
    ++counts_->received;
    return units_++;
  }

  Status Add(record::LeafParts parts) {
    ++counts_->selected;
    open_groups_();
    context_.random.Fill(parts.salt);
    return builder_.Add(parts);
  }

  record::BatchBuilder builder_;
  const MappingContext& context_;
  RequestRedaction* const redaction_;  // null: none
  Identities identities_;
  MappedRequest result_;
  UnitCounts* counts_ = nullptr;
  uint32_t units_ = 0;
  std::function<void()> open_groups_;
  JsonBuffer content_;
  JsonBuffer span_;
  JsonBuffer group_;
  record::ContentNotes notes_;
};

template <typename Item>
Result<MappedRequest> MapRequest(const model::ExportRequest<Item>& request,
                                 const MappingContext& context) {
  std::optional<RequestRedaction> redaction;
  if (context.redactor != nullptr) redaction.emplace(*context.redactor);
  RequestRedaction* const chosen = redaction ? &*redaction : nullptr;
  record::Receipt receipt = context.receipt;
  receipt.redaction = chosen;
  SEAL_ASSIGN_OR_RETURN(auto builder,
                        record::BatchBuilder::Make(record::RecordClass::kIngest, receipt));
  builder.ReserveBundle(context.request.size() * 3 / 2);
  Mapper mapper(std::move(builder), context, chosen);
  SEAL_RETURN_IF_ERROR(mapper.Map(request));
  MappedRequest mapped = std::move(mapper).Finish();
  mapped.redacted = redaction && redaction->acted();
  return mapped;
}

}  // namespace

Result<MappedRequest> MapTraces(const model::TracesRequest& request,
                                const MappingContext& context) {
  return MapRequest(request, context);
}

Result<MappedRequest> MapLogs(const model::LogsRequest& request, const MappingContext& context) {
  return MapRequest(request, context);
}

}  // namespace sealtrail::pipeline
