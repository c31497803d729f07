// Export requests in OTLP/JSON to plain values.
//
// Beyond the specification this reads what the Collector reads and real clients send: keys in
// snake_case, enums by name, numbers in quotes, integers as 1.0 or 1e3, 64-bit integers as numbers,
// ids in any case, bytes in either base64 alphabet with or without padding, the removed
// instrumentationLibrary* members. A member that is null is absent, a null in a list is an empty
// message. Of members that come twice the last counts; so it does of the members of an AnyValue.
// Unknown members are skipped, as OTLP demands, but must be JSON. The text must be UTF-8; how an
// escaped lone surrogate is kept: json_reader.h.
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/utf8.h"
#include "otlp/decode.h"
#include "otlp/decode_state.h"
#include "otlp/field_names.h"
#include "otlp/json_reader.h"
#include "otlp/json_scalars.h"

namespace sealtrail::otlp {
namespace {

constexpr size_t kListRoom = 3;  // besides the element a list grows for

// A member's key: matches a field by its protobuf name or by that name in lowerCamelCase.
class Key {
 public:
  explicit Key(std::string_view text) : text_(text) {}

  bool Is(const char* field) {
    field_ = field;
    size_t at = 0;
    for (const char* c = field; *c != '\0'; ++c, ++at) {
      if (at == text_.size()) return false;
      if (*c != '_') {
        if (text_[at] != *c) return false;
      } else if (text_[at] != '_') {
        if (text_[at] != *++c - 'a' + 'A') return false;
      }
    }
    return at == text_.size();
  }

  // The field that matched, for errors.
  const char* field() const { return field_; }

 private:
  const std::string_view text_;
  const char* field_ = "";
};

// Enum names, in the order of their numbers from 0.
constexpr std::array<std::string_view, 6> kSpanKinds = {
    "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
constexpr std::array<std::string_view, 3> kStatusCodes = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                                          "STATUS_CODE_ERROR"};
constexpr std::array<std::string_view, 25> kSeverities = {
    "SEVERITY_NUMBER_UNSPECIFIED", "SEVERITY_NUMBER_TRACE",  "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",      "SEVERITY_NUMBER_TRACE4", "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",      "SEVERITY_NUMBER_DEBUG3", "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",        "SEVERITY_NUMBER_INFO2",  "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",       "SEVERITY_NUMBER_WARN",   "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",       "SEVERITY_NUMBER_WARN4",  "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",      "SEVERITY_NUMBER_ERROR3", "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",       "SEVERITY_NUMBER_FATAL2", "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4"};

class JsonDecoder {
 public:
  JsonDecoder(std::string_view text, DecodeState& state) : state_(state), reader_(text, state) {}

  template <typename Item>
  bool Request(model::ExportRequest<Item>& out) {
    return Members([&](Key key) {
             if (key.Is(Names<Item>::kResources)) {
               return List(key, out.resources,
                           [this](auto& group) { return this->ResourceGroup(group); });
             }
             return reader_.Skip();
           }) &&
           reader_.End();
  }

 private:
  template <typename Item>
  bool ResourceGroup(model::ResourceGroup<Item>& out) {
    std::span<const model::ScopeGroup<Item>> libraries;
    if (!Members([&](Key key) {
          if (key.Is("resource")) return Child(key, out.resource, &JsonDecoder::Resource);
          if (key.Is(Names<Item>::kScopes)) {
            return List(key, out.scopes, [this](auto& group) { return this->ScopeGroup(group); });
          }
          if (key.Is(Names<Item>::kLibraries)) {
            return List(key, libraries, [this](auto& group) { return this->ScopeGroup(group); });
          }
          if (key.Is("schema_url")) return Text(key, out.schema_url);
          return reader_.Skip();
        })) {
      return false;
    }
    return out.scopes.empty() ? (out.scopes = libraries, true) : Append(out.scopes, libraries);
  }

  template <typename Item>
  bool ScopeGroup(model::ScopeGroup<Item>& out) {
    return Members([&](Key key) {
      if (key.Is("scope") || key.Is("instrumentation_library")) {
        return Child(key, out.scope, &JsonDecoder::Scope);
      }
      if (key.Is(Names<Item>::kItems)) {
        return List(key, out.items, [this](Item& item) { return this->DecodeItem(item); });
      }
      if (key.Is("schema_url")) return Text(key, out.schema_url);
      return reader_.Skip();
    });
  }

  bool Resource(model::Resource& out) {
    return Members([&](Key key) {
      if (key.Is("attributes")) return Attributes(key, out.attributes);
      if (key.Is("dropped_attributes_count")) return Number(key, out.dropped_attributes_count);
      if (key.Is("entity_refs")) {
        return List(key, out.entity_refs, [this](auto& ref) { return this->EntityRef(ref); });
      }
      return reader_.Skip();
    });
  }

  bool EntityRef(model::EntityRef& out) {
    return Members([&](Key key) {
      if (key.Is("schema_url")) return Text(key, out.schema_url);
      if (key.Is("type")) return Text(key, out.type);
      if (key.Is("id_keys")) return Texts(key, out.id_keys);
      if (key.Is("description_keys")) return Texts(key, out.description_keys);
      return reader_.Skip();
    });
  }

  bool Scope(model::Scope& out) {
    return Members([&](Key key) {
      if (key.Is("name")) return Text(key, out.name);
      if (key.Is("version")) return Text(key, out.version);
      if (key.Is("attributes")) return Attributes(key, out.attributes);
      if (key.Is("dropped_attributes_count")) return Number(key, out.dropped_attributes_count);
      return reader_.Skip();
    });
  }

  bool DecodeItem(model::Span& out) {
    return Members([&](Key key) {
      if (key.Is("trace_id")) return Id(key, kTraceIdBytes, out.trace_id);
      if (key.Is("span_id")) return Id(key, kSpanIdBytes, out.span_id);
      if (key.Is("trace_state")) return Text(key, out.trace_state);
      if (key.Is("parent_span_id")) return Id(key, kSpanIdBytes, out.parent_span_id);
      if (key.Is("name")) return Text(key, out.name);
      if (key.Is("kind")) return Enum(key, kSpanKinds, out.kind);
      if (key.Is("start_time_unix_nano")) return Number(key, out.start_time_unix_nano);
      if (key.Is("end_time_unix_nano")) return Number(key, out.end_time_unix_nano);
      if (key.Is("attributes")) return Attributes(key, out.attributes);
      if (key.Is("dropped_attributes_count")) return Number(key, out.dropped_attributes_count);
      if (key.Is("events")) {
        return List(key, out.events, [this](auto& event) { return this->SpanEvent(event); });
      }
      if (key.Is("dropped_events_count")) return Number(key, out.dropped_events_count);
      if (key.Is("links")) {
        return List(key, out.links, [this](auto& link) { return this->SpanLink(link); });
      }
      if (key.Is("dropped_links_count")) return Number(key, out.dropped_links_count);
      if (key.Is("status")) return Child(key, out.status, &JsonDecoder::SpanStatus);
      if (key.Is("flags")) return Number(key, out.flags);
      return reader_.Skip();
    });
  }

  bool SpanEvent(model::SpanEvent& out) {
    return Members([&](Key key) {
      if (key.Is("time_unix_nano")) return Number(key, out.time_unix_nano);
      if (key.Is("name")) return Text(key, out.name);
      if (key.Is("attributes")) return Attributes(key, out.attributes);
      if (key.Is("dropped_attributes_count")) return Number(key, out.dropped_attributes_count);
      return reader_.Skip();
    });
  }

  bool SpanLink(model::SpanLink& out) {
    return Members([&](Key key) {
      if (key.Is("trace_id")) return Id(key, kTraceIdBytes, out.trace_id);
      if (key.Is("span_id")) return Id(key, kSpanIdBytes, out.span_id);
      if (key.Is("trace_state")) return Text(key, out.trace_state);
      if (key.Is("attributes")) return Attributes(key, out.attributes);
      if (key.Is("dropped_attributes_count")) return Number(key, out.dropped_attributes_count);
      if (key.Is("flags")) return Number(key, out.flags);
      return reader_.Skip();
    });
  }

  bool SpanStatus(model::SpanStatus& out) {
    return Members([&](Key key) {
      if (key.Is("message")) return Text(key, out.message);
      if (key.Is("code")) return Enum(key, kStatusCodes, out.code);
      return reader_.Skip();
    });
  }

  bool DecodeItem(model::LogRecord& out) {
    return Members([&](Key key) {
      if (key.Is("time_unix_nano")) return Number(key, out.time_unix_nano);
      if (key.Is("severity_number")) return Enum(key, kSeverities, out.severity_number);
      if (key.Is("severity_text")) return Text(key, out.severity_text);
      if (key.Is("body")) return Child(key, out.body, &JsonDecoder::OutermostValue);
      if (key.Is("attributes")) return Attributes(key, out.attributes);
      if (key.Is("dropped_attributes_count")) return Number(key, out.dropped_attributes_count);
      if (key.Is("flags")) return Number(key, out.flags);
      if (key.Is("trace_id")) return Id(key, kTraceIdBytes, out.trace_id);
      if (key.Is("span_id")) return Id(key, kSpanIdBytes, out.span_id);
      if (key.Is("observed_time_unix_nano")) return Number(key, out.observed_time_unix_nano);
      if (key.Is("event_name")) return Text(key, out.event_name);
      return reader_.Skip();
    });
  }

  bool Attributes(Key key, model::Attributes& out) {
    return List(key, out, [this](auto& pair) { return this->KeyValue(pair, 1); });
  }

  // `depth` is that of the pair's value: 1 in an attribute, one more in each array or map around it.
  bool KeyValue(model::KeyValue& out, int depth) {
    return Members([&](Key key) {
      if (key.Is("key")) return Text(key, out.key);
      if (!key.Is("value")) return reader_.Skip();
      out.has_value = true;
      out.value = model::AnyValue();
      return AnyValue(out.value, depth) || state_.In("value");
    });
  }

  bool OutermostValue(model::AnyValue& out) { return AnyValue(out, 1); }

  bool AnyValue(model::AnyValue& out, int depth) {
    using Type = model::AnyValue::Type;
    if (depth > kNestingMax) {
      return state_.Fail(InvalidArgument("values nest deeper than {}", kNestingMax));
    }
    return Members([&](Key key) {
      if (key.Is("string_value")) {
        out.type = Type::kString;
        out.text = {};
        return Text(key, out.text);
      }
      if (key.Is("bool_value")) {
        out.type = Type::kBool;
        return reader_.Bool(out.bool_value) || state_.In(key.field());
      }
      if (key.Is("int_value")) {
        out.type = Type::kInt;
        return Number(key, out.int_value);
      }
      if (key.Is("double_value")) {
        out.type = Type::kDouble;
        return Double(key, out.double_value);
      }
      if (key.Is("bytes_value")) {
        out.type = Type::kBytes;
        out.text = {};
        return Base64(key, out.text);
      }
      if (key.Is("array_value")) {
        model::ArrayValue* array = New<model::ArrayValue>();
        if (array == nullptr) return false;
        out.type = Type::kArray;
        out.array = array;
        return Array(*array, depth + 1) || state_.In(key.field());
      }
      if (key.Is("kvlist_value")) {
        model::MapValue* map = New<model::MapValue>();
        if (map == nullptr) return false;
        out.type = Type::kMap;
        out.map = map;
        return Map(*map, depth + 1) || state_.In(key.field());
      }
      return reader_.Skip();
    });
  }

  bool Array(model::ArrayValue& out, int depth) {
    return Members([&](Key key) {
      if (!key.Is("values")) return reader_.Skip();
      return List(key, out.values,
                  [this, depth](auto& value) { return this->AnyValue(value, depth); });
    });
  }

  bool Map(model::MapValue& out, int depth) {
    return Members([&](Key key) {
      if (!key.Is("values")) return reader_.Skip();
      return List(key, out.values,
                  [this, depth](auto& pair) { return this->KeyValue(pair, depth); });
    });
  }

  // --- Values of one kind: each reads the value of `key` ---

  bool Text(Key key, std::string_view& out) {
    return reader_.String(out) || state_.In(key.field());
  }

  bool Texts(Key key, std::span<const std::string_view>& out) {
    return List(key, out, [this](std::string_view& text) { return reader_.String(text); });
  }

  // A number, bare or in quotes.
  bool NumberText(std::string_view& out) {
    if (reader_.Peek() != JsonReader::Kind::kString) return reader_.Number(out);
    return reader_.String(out) && (IsJsonNumber(out) || reader_.Fail("expected a number"));
  }

  template <typename T>
  bool Number(Key key, T& out) {
    std::string_view text;
    if (!NumberText(text)) return state_.In(key.field());
    const auto number = ParseInteger<T>(text);
    if (!number) {
      reader_.Fail(fmt::format("expected an integer of {} bits{}", sizeof(T) * 8,
                               std::is_signed_v<T> ? "" : ", not negative"));
      return state_.In(key.field());
    }
    out = *number;
    return true;
  }

  bool Double(Key key, double& out) {
    std::string_view text;
    std::optional<double> number;
    if (reader_.Peek() != JsonReader::Kind::kString) {
      if (!reader_.Number(text)) return state_.In(key.field());
      number = ParseDouble(text);
    } else {
      if (!reader_.String(text)) return state_.In(key.field());
      number = IsJsonNumber(text) ? ParseDouble(text) : ParseSpecialDouble(text);
    }
    if (!number) {
      reader_.Fail("expected a number within the range of doubles");
      return state_.In(key.field());
    }
    out = *number;
    return true;
  }

  template <size_t kCount>
  bool Enum(Key key, const std::array<std::string_view, kCount>& names, int32_t& out) {
    std::string_view text;
    const bool quoted = reader_.Peek() == JsonReader::Kind::kString;
    if (!(quoted ? reader_.String(text) : reader_.Number(text))) return state_.In(key.field());
    for (size_t i = 0; quoted && i < kCount; ++i) {
      if (text == names[i]) {
        out = static_cast<int32_t>(i);
        return true;
      }
    }
    const auto number = IsJsonNumber(text) ? ParseInteger<int32_t>(text) : std::nullopt;
    if (!number) {
      reader_.Fail("expected an enum's number or name");
      return state_.In(key.field());
    }
    out = *number;
    return true;
  }

  bool Id(Key key, size_t expected, ByteView& out) {
    std::string_view text;
    if (!reader_.String(text)) return state_.In(key.field());
    if (text.size() % 2 == 0 && !text.empty() && text.size() != 2 * expected) {
      return state_.Fail(InvalidArgument("{} bytes, expected {}", text.size() / 2, expected)) ||
             state_.In(key.field());
    }
    const auto id = ParseHex(text, state_.arena());
    if (!id) {
      reader_.Fail(fmt::format("expected {} hexadecimal digits", 2 * expected));
      return state_.In(key.field());
    }
    out = *id;
    return true;
  }

  bool Base64(Key key, std::string_view& out) {
    std::string_view text;
    if (!reader_.String(text)) return state_.In(key.field());
    if (!state_.HasRoomFor(text.size())) return state_.TooLarge();
    const auto bytes = ParseBase64(text, state_.arena());
    if (!bytes) {
      reader_.Fail("expected base64");
      return state_.In(key.field());
    }
    out = AsText(*bytes);
    return true;
  }

  // --- Objects and lists ---

  template <typename OnMember>
  bool Members(OnMember&& member) {
    return reader_.Object([&](std::string_view key) { return member(Key(key)); });
  }

  template <typename T, typename Decode>
  bool List(Key key, std::span<const T>& out, Decode&& decode) {
    ArenaList<T> list;
    const bool read = reader_.Array([&] {
      T* element = list.Add(state_, kListRoom);
      if (element == nullptr) return state_.TooLarge();
      if constexpr (!std::is_same_v<T, std::string_view>) {
        if (reader_.TakeNull()) return true;
      }
      return decode(*element);
    });
    if (!read) {
      return list.size() == 0 ? state_.In(key.field()) : state_.In(key.field(), list.size() - 1);
    }
    out = list.view();
    return true;
  }

  template <typename T>
  bool Append(std::span<const T>& out, std::span<const T> more) {
    ArenaList<T> list;
    for (const auto part : {out, more}) {
      for (const T& element : part) {
        T* copy = list.Add(state_, out.size() + more.size());
        if (copy == nullptr) return state_.TooLarge();
        *copy = element;
      }
    }
    out = list.view();
    return true;
  }

  template <typename T>
  T* New() {
    if (state_.HasRoomFor(sizeof(T))) return state_.arena().New(T());
    state_.TooLarge();
    return nullptr;
  }

  template <typename T>
  bool Child(Key key, const T*& out, bool (JsonDecoder::*decode)(T&)) {
    T* const child = New<T>();
    out = child;
    return child != nullptr && ((this->*decode)(*child) || state_.In(key.field()));
  }

  DecodeState& state_;
  JsonReader reader_;
};

template <typename Item>
Result<model::ExportRequest<Item>> Decode(ByteView body, model::Arena& arena) {
  if (const size_t valid = Utf8ValidPrefix(AsText(body)); valid < body.size()) {
    return InvalidArgument("not JSON, no UTF-8 (byte {})", valid);
  }
  DecodeState state(arena);
  if (!state.HasRoomFor(body.size())) {
    state.TooLarge();
    return state.error();
  }
  model::ExportRequest<Item> request;
  if (!JsonDecoder(arena.CopyText(AsText(body)), state).Request(request)) return state.error();
  return request;
}

}  // namespace

Result<model::TracesRequest> DecodeTracesJson(ByteView body, model::Arena& arena) {
  return Decode<model::Span>(body, arena);
}

Result<model::LogsRequest> DecodeLogsJson(ByteView body, model::Arena& arena) {
  return Decode<model::LogRecord>(body, arena);
}

}  // namespace sealtrail::otlp
