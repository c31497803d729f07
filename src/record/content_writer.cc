#include "record/content_writer.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "base/encoding.h"

namespace sealtrail::record {
namespace {

// An object under construction. Members must come in the order of their names: the callers below
// are written in that order, and content_writer_test holds every object against a canonicalizer.
class ObjectWriter {
 public:
  ObjectWriter(JsonBuffer& out, ContentNotes& notes) : out_(out), notes_(notes) { out_ += '{'; }
  void End() { out_ += '}'; }

  // Opens a member; the caller appends its value.
  void Name(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += name;
    out_ += "\":";
  }
  // The rest leave out defaults.
  void Text(std::string_view name, std::string_view text);
  void Hex(std::string_view name, ByteView bytes) {
    if (bytes.empty()) return;
    Name(name);
    out_ += '"';
    HexEncodeTo(out_, bytes);
    out_ += '"';
  }
  void Decimal(std::string_view name, uint64_t value) {
    if (value == 0) return;
    Name(name);
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value);
    out_ += '"';
    out_.append(digits, end.ptr);
    out_ += '"';
  }
  void Number(std::string_view name, int64_t value) {
    if (value == 0) return;
    Name(name);
    AppendJsonInteger(out_, value);
  }
  void Opaque(std::string_view name, ByteView bytes) {
    if (bytes.empty()) return;
    Name(name);
    out_ += '"';
    Base64EncodeTo(out_, bytes);
    out_ += '"';
  }
  void Attributes(std::string_view name, model::Attributes attributes);

 private:
  JsonBuffer& out_;
  ContentNotes& notes_;
  bool first_ = true;
};

void AppendTagged(JsonBuffer& out, std::string_view tag, ByteView bytes) {
  out += "{\"";
  out += tag;
  out += "\":\"";
  Base64EncodeTo(out, bytes);
  out += "\"}";
}

void AppendText(JsonBuffer& out, std::string_view text, ContentNotes& notes) {
  if (notes.redaction != nullptr && notes.redaction->Text(out, notes.key, text)) return;
  if (AppendJsonString(out, text)) return;
  notes.invalid_utf8 = true;
  notes.encoded.push_back(AsBytes(text));
  AppendTagged(out, "u", AsBytes(text));
}

void AppendBytes(JsonBuffer& out, ByteView bytes, ContentNotes& notes) {
  if (notes.redaction != nullptr && notes.redaction->Bytes(out, notes.key, bytes)) return;
  notes.encoded.push_back(bytes);
  AppendTagged(out, "b", bytes);
}

// A key is a text, too, and stands under no key.
void AppendKey(JsonBuffer& out, std::string_view key, ContentNotes& notes) {
  const std::string_view outer = std::exchange(notes.key, std::string_view());
  AppendText(out, key, notes);
  notes.key = outer;
}

// The value of a pair. Its texts stand under the pair's key; those of a map in it have keys of their own.
void AppendPairValue(JsonBuffer& out, const model::KeyValue& pair, ContentNotes& notes) {
  if (notes.redaction == nullptr) return WriteValue(out, pair.value, notes);
  if (notes.redaction->Value(out, pair.key, pair.value)) return;
  const std::string_view outer = std::exchange(notes.key, pair.key);
  WriteValue(out, pair.value, notes);
  notes.key = outer;
}

void AppendUnknownMember(JsonBuffer& out, ByteView unknown) {
  out += ",\"x\":\"";
  Base64EncodeTo(out, unknown);
  out += "\"}";
}

void AppendDoubleValue(JsonBuffer& out, double value) {
  out += "{\"d\":";
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else if (value == 0 && std::signbit(value)) {
    out += "\"-0\"";
  } else {
    AppendJsonDouble(out, value);
  }
  out += '}';
}

void AppendIntValue(JsonBuffer& out, int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value);
  out += "{\"i\":\"";
  out.append(digits, end.ptr);
  out += "\"}";
}

void AppendPairs(JsonBuffer& out, model::Attributes pairs, ContentNotes& notes);

void AppendArray(JsonBuffer& out, const model::ArrayValue& array, ContentNotes& notes) {
  if (!array.unknown.empty()) out += "{\"l\":";
  out += '[';
  bool first = true;
  for (const model::AnyValue& value : array.values) {
    if (!first) out += ',';
    first = false;
    WriteValue(out, value, notes);
  }
  out += ']';
  if (!array.unknown.empty()) AppendUnknownMember(out, array.unknown);
}

void AppendMap(JsonBuffer& out, const model::MapValue& map, ContentNotes& notes) {
  out += "{\"m\":";
  AppendPairs(out, map.values, notes);
  if (map.unknown.empty()) {
    out += '}';
  } else {
    AppendUnknownMember(out, map.unknown);
  }
}

void AppendKnownValue(JsonBuffer& out, const model::AnyValue& value, ContentNotes& notes) {
  using Type = model::AnyValue::Type;
  switch (value.type) {
    case Type::kEmpty:
      out += "null";
      return;
    case Type::kString:
      AppendText(out, value.text, notes);
      return;
    case Type::kBool:
      out += value.bool_value ? "true" : "false";
      return;
    case Type::kInt:
      AppendIntValue(out, value.int_value);
      return;
    case Type::kDouble:
      AppendDoubleValue(out, value.double_value);
      return;
    case Type::kBytes:
      AppendBytes(out, value.bytes(), notes);
      return;
    case Type::kArray:
      AppendArray(out, *value.array, notes);
      return;
    case Type::kMap:
      AppendMap(out, *value.map, notes);
      return;
  }
}

void AppendPairs(JsonBuffer& out, model::Attributes pairs, ContentNotes& notes) {
  out += '[';
  bool first = true;
  for (const model::KeyValue& pair : pairs) {
    out += first ? "[" : ",[";
    first = false;
    AppendKey(out, pair.key, notes);
    if (pair.has_value) {
      out += ',';
      AppendPairValue(out, pair, notes);
    }
    if (pair.unknown != nullptr) {
      out += pair.has_value ? ",\"" : ",0,\"";
      Base64EncodeTo(out, *pair.unknown);
      out += '"';
    }
    out += ']';
  }
  out += ']';
}

void ObjectWriter::Text(std::string_view name, std::string_view text) {
  if (text.empty()) return;
  Name(name);
  AppendText(out_, text, notes_);
}

void ObjectWriter::Attributes(std::string_view name, model::Attributes attributes) {
  if (attributes.empty()) return;
  Name(name);
  AppendPairs(out_, attributes, notes_);
}

// Comma-separated `items` in brackets, each written by `write`.
template <typename Items, typename Write>
void AppendList(JsonBuffer& out, const Items& items, Write write) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    write(item);
  }
  out += ']';
}

void AppendEvent(JsonBuffer& out, const model::SpanEvent& event, const uint32_t* index,
                 ContentNotes& notes) {
  ObjectWriter o(out, notes);
  o.Attributes("a", event.attributes);
  o.Number("da", event.dropped_attributes_count);
  if (index != nullptr) {
    o.Name("ix");
    AppendJsonInteger(out, *index);
  }
  o.Text("n", event.name);
  o.Decimal("w", event.time_unix_nano);
  o.Opaque("x", event.unknown);
  o.End();
}

void AppendLink(JsonBuffer& out, const model::SpanLink& link, ContentNotes& notes) {
  ObjectWriter o(out, notes);
  o.Attributes("a", link.attributes);
  o.Number("da", link.dropped_attributes_count);
  o.Number("f", link.flags);
  o.Hex("i", link.span_id);
  o.Hex("t", link.trace_id);
  o.Text("ts", link.trace_state);
  o.Opaque("x", link.unknown);
  o.End();
}

void AppendStatus(JsonBuffer& out, const model::SpanStatus& status, ContentNotes& notes) {
  ObjectWriter o(out, notes);
  o.Number("c", status.code);
  o.Text("m", status.message);
  o.Opaque("x", status.unknown);
  o.End();
}

void AppendEntityRef(JsonBuffer& out, const model::EntityRef& ref, ContentNotes& notes) {
  const auto text = [&](std::string_view item) { AppendText(out, item, notes); };
  ObjectWriter o(out, notes);
  if (!ref.description_keys.empty()) {
    o.Name("d");
    AppendList(out, ref.description_keys, text);
  }
  if (!ref.id_keys.empty()) {
    o.Name("i");
    AppendList(out, ref.id_keys, text);
  }
  o.Text("t", ref.type);
  o.Text("u", ref.schema_url);
  o.Opaque("x", ref.unknown);
  o.End();
}

void AppendResource(JsonBuffer& out, const model::Resource& resource, ContentNotes& notes) {
  ObjectWriter o(out, notes);
  o.Attributes("a", resource.attributes);
  o.Number("da", resource.dropped_attributes_count);
  if (!resource.entity_refs.empty()) {
    o.Name("er");
    AppendList(out, resource.entity_refs,
               [&](const model::EntityRef& ref) { AppendEntityRef(out, ref, notes); });
  }
  o.Opaque("x", resource.unknown);
  o.End();
}

void AppendScope(JsonBuffer& out, const model::Scope& scope, ContentNotes& notes) {
  ObjectWriter o(out, notes);
  o.Attributes("a", scope.attributes);
  o.Number("da", scope.dropped_attributes_count);
  o.Text("n", scope.name);
  o.Text("v", scope.version);
  o.Opaque("x", scope.unknown);
  o.End();
}

}  // namespace

void WriteText(JsonBuffer& out, std::string_view text, ContentNotes& notes) {
  AppendText(out, text, notes);
}

void WriteValue(JsonBuffer& out, const model::AnyValue& value, ContentNotes& notes) {
  if (value.unknown == nullptr) {
    AppendKnownValue(out, value, notes);
    return;
  }
  out += "{\"v\":";
  AppendKnownValue(out, value, notes);
  AppendUnknownMember(out, *value.unknown);
}

void WriteSpan(JsonBuffer& out, const model::Span& span, ContentNotes& notes) {
  ObjectWriter o(out, notes);
  o.Attributes("a", span.attributes);
  o.Number("da", span.dropped_attributes_count);
  o.Number("de", span.dropped_events_count);
  o.Number("dl", span.dropped_links_count);
  o.Decimal("e", span.end_time_unix_nano);
  if (!span.events.empty()) {
    o.Name("ev");
    AppendList(out, span.events,
               [&](const model::SpanEvent& event) { AppendEvent(out, event, nullptr, notes); });
  }
  o.Number("f", span.flags);
  o.Hex("i", span.span_id);
  o.Number("k", span.kind);
  if (!span.links.empty()) {
    o.Name("l");
    AppendList(out, span.links, [&](const model::SpanLink& link) { AppendLink(out, link, notes); });
  }
  o.Text("n", span.name);
  o.Hex("p", span.parent_span_id);
  o.Decimal("s", span.start_time_unix_nano);
  if (span.status != nullptr) {
    o.Name("st");
    AppendStatus(out, *span.status, notes);
  }
  o.Hex("t", span.trace_id);
  o.Text("ts", span.trace_state);
  o.Opaque("x", span.unknown);
  o.End();
}

void WriteSpanEvent(JsonBuffer& out, const model::SpanEvent& event, uint32_t index,
                    ContentNotes& notes) {
  AppendEvent(out, event, &index, notes);
}

void WriteEventSpan(JsonBuffer& out, const model::Span& span, ContentNotes& notes) {
  ObjectWriter o(out, notes);
  o.Attributes("a", span.attributes);
  o.Hex("i", span.span_id);
  o.Text("n", span.name);
  o.Hex("p", span.parent_span_id);
  o.Hex("t", span.trace_id);
  o.End();
}

void WriteLog(JsonBuffer& out, const model::LogRecord& log, ContentNotes& notes) {
  ObjectWriter o(out, notes);
  o.Attributes("a", log.attributes);
  if (log.body != nullptr) {
    o.Name("b");
    WriteValue(out, *log.body, notes);
  }
  o.Number("da", log.dropped_attributes_count);
  o.Text("en", log.event_name);
  o.Number("f", log.flags);
  o.Hex("i", log.span_id);
  o.Decimal("ob", log.observed_time_unix_nano);
  o.Number("sn", log.severity_number);
  o.Text("sx", log.severity_text);
  o.Hex("t", log.trace_id);
  o.Decimal("w", log.time_unix_nano);
  o.Opaque("x", log.unknown);
  o.End();
}

void WriteResourceGroup(JsonBuffer& out, const model::Resource* resource,
                        std::string_view schema_url, ByteView group_unknown,
                        ByteView request_unknown, ContentNotes& notes) {
  if (resource == nullptr && schema_url.empty() && group_unknown.empty() && request_unknown.empty())
    return;
  ObjectWriter o(out, notes);
  o.Opaque("q", request_unknown);
  if (resource != nullptr) {
    o.Name("r");
    AppendResource(out, *resource, notes);
  }
  o.Text("u", schema_url);
  o.Opaque("x", group_unknown);
  o.End();
}

void WriteScopeGroup(JsonBuffer& out, const model::Scope* scope, std::string_view schema_url,
                     ByteView group_unknown, ContentNotes& notes) {
  if (scope == nullptr && schema_url.empty() && group_unknown.empty()) return;
  ObjectWriter o(out, notes);
  if (scope != nullptr) {
    o.Name("s");
    AppendScope(out, *scope, notes);
  }
  o.Text("u", schema_url);
  o.Opaque("x", group_unknown);
  o.End();
}

}  // namespace sealtrail::record
