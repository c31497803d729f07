// Export requests in protobuf to plain values, in one pass and without copying a string.
//
// Repeated fields (spans, attributes, events) are counted ahead and then decoded in place in the
// arena: senders write them side by side, so the count is a hop from length to length, and no
// element is ever moved. Singular messages are collected as Pieces and decoded once, at the end of
// the message that holds them.
//
// What official parsers do, so does this one: the last of a singular field wins, messages merge,
// also inside a oneof as long as no other member of it came between, what a later member replaces
// must still be well formed, enums and 32-bit integers keep the low 32 bits, a known number with
// another wire type is an unknown field. One difference is wanted: text need not be UTF-8, for the
// record can keep it as it is.
#include <type_traits>
#include <utility>

#include "base/limits.h"
#include "otlp/decode.h"
#include "otlp/decode_state.h"
#include "otlp/field_names.h"
#include "otlp/pieces.h"
#include "otlp/wire_reader.h"

namespace sealtrail::otlp {
namespace {

class ProtobufDecoder {
 public:
  ProtobufDecoder(ByteView body, model::Arena& arena) : body_(body), state_(arena) {}

  template <typename Item>
  Result<model::ExportRequest<Item>> Run() {
    model::ExportRequest<Item> request;
    if (!Request(request)) return state_.error();
    return request;
  }

 private:
  template <typename Item>
  bool Request(model::ExportRequest<Item>& out) {
    ArenaList<model::ResourceGroup<Item>> resources;
    UnknownFields unknown;
    if (!Read(Pieces(body_), [&](const FieldReader& in) {
          if (in.tag() != Length(1)) return Keep(in, unknown);
          return AddTo(resources, Names<Item>::kResources, in,
                       [this](ByteView m, auto& group) { return this->ResourceGroup(m, group); });
        })) {
      return false;
    }
    out.resources = resources.view();
    out.unknown = Joined(unknown);
    return true;
  }

  template <typename Item>
  bool ResourceGroup(ByteView message, model::ResourceGroup<Item>& out) {
    // What scope groups were called until 2022.
    constexpr uint32_t kInstrumentationLibraryGroups = 1000;
    ArenaList<model::ScopeGroup<Item>> scopes;
    Pieces resource;
    UnknownFields unknown;
    if (!Read(Pieces(message), [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(1):
              return Collect(in, resource);
            case Length(2):
            case Length(kInstrumentationLibraryGroups):
              return AddTo(scopes, Names<Item>::kScopes, in,
                           [this](ByteView m, auto& group) { return this->ScopeGroup(m, group); });
            case Length(3):
              out.schema_url = in.text();
              return true;
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    if (!resource.empty() && !Child(resource, out.resource, &ProtobufDecoder::Resource)) {
      return state_.In("resource");
    }
    out.scopes = scopes.view();
    out.unknown = Joined(unknown);
    return true;
  }

  template <typename Item>
  bool ScopeGroup(ByteView message, model::ScopeGroup<Item>& out) {
    ArenaList<Item> items;
    Pieces scope;
    UnknownFields unknown;
    if (!Read(Pieces(message), [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(1):
              return Collect(in, scope);
            case Length(2):
              return AddTo(items, Names<Item>::kItems, in,
                           [this](ByteView m, Item& item) { return this->DecodeItem(m, item); });
            case Length(3):
              out.schema_url = in.text();
              return true;
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    if (!scope.empty() && !Child(scope, out.scope, &ProtobufDecoder::Scope)) {
      return state_.In("scope");
    }
    out.items = items.view();
    out.unknown = Joined(unknown);
    return true;
  }

  bool Resource(const Pieces& pieces, model::Resource& out) {
    ArenaList<model::KeyValue> attributes;
    ArenaList<model::EntityRef> entity_refs;
    UnknownFields unknown;
    if (!Read(pieces, [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(1):
              return Attribute(attributes, in);
            case Varint(2):
              out.dropped_attributes_count = static_cast<uint32_t>(in.number());
              return true;
            case Length(3):
              return AddTo(entity_refs, "entity_refs", in,
                           [this](ByteView m, auto& ref) { return this->EntityRef(m, ref); });
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    out.attributes = attributes.view();
    out.entity_refs = entity_refs.view();
    out.unknown = Joined(unknown);
    return true;
  }

  bool EntityRef(ByteView message, model::EntityRef& out) {
    ArenaList<std::string_view> id_keys;
    ArenaList<std::string_view> description_keys;
    UnknownFields unknown;
    if (!Read(Pieces(message), [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(1):
              out.schema_url = in.text();
              return true;
            case Length(2):
              out.type = in.text();
              return true;
            case Length(3):
              return AddText(id_keys, in);
            case Length(4):
              return AddText(description_keys, in);
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    out.id_keys = id_keys.view();
    out.description_keys = description_keys.view();
    out.unknown = Joined(unknown);
    return true;
  }

  bool Scope(const Pieces& pieces, model::Scope& out) {
    ArenaList<model::KeyValue> attributes;
    UnknownFields unknown;
    if (!Read(pieces, [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(1):
              out.name = in.text();
              return true;
            case Length(2):
              out.version = in.text();
              return true;
            case Length(3):
              return Attribute(attributes, in);
            case Varint(4):
              out.dropped_attributes_count = static_cast<uint32_t>(in.number());
              return true;
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    out.attributes = attributes.view();
    out.unknown = Joined(unknown);
    return true;
  }

  bool DecodeItem(ByteView message, model::Span& out) {
    ArenaList<model::KeyValue> attributes;
    ArenaList<model::SpanEvent> events;
    ArenaList<model::SpanLink> links;
    Pieces status;
    UnknownFields unknown;
    if (!Read(Pieces(message), [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(1):
              out.trace_id = in.bytes();
              return true;
            case Length(2):
              out.span_id = in.bytes();
              return true;
            case Length(3):
              out.trace_state = in.text();
              return true;
            case Length(4):
              out.parent_span_id = in.bytes();
              return true;
            case Length(5):
              out.name = in.text();
              return true;
            case Varint(6):
              out.kind = static_cast<int32_t>(in.number());
              return true;
            case Fixed64(7):
              out.start_time_unix_nano = in.number();
              return true;
            case Fixed64(8):
              out.end_time_unix_nano = in.number();
              return true;
            case Length(9):
              return Attribute(attributes, in);
            case Varint(10):
              out.dropped_attributes_count = static_cast<uint32_t>(in.number());
              return true;
            case Length(11):
              return AddTo(events, "events", in,
                           [this](ByteView m, auto& event) { return this->SpanEvent(m, event); });
            case Varint(12):
              out.dropped_events_count = static_cast<uint32_t>(in.number());
              return true;
            case Length(13):
              return AddTo(links, "links", in,
                           [this](ByteView m, auto& link) { return this->SpanLink(m, link); });
            case Varint(14):
              out.dropped_links_count = static_cast<uint32_t>(in.number());
              return true;
            case Length(15):
              return Collect(in, status);
            case Fixed32(16):
              out.flags = static_cast<uint32_t>(in.number());
              return true;
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    if (!status.empty() && !Child(status, out.status, &ProtobufDecoder::SpanStatus)) {
      return state_.In("status");
    }
    out.attributes = attributes.view();
    out.events = events.view();
    out.links = links.view();
    out.unknown = Joined(unknown);
    return CheckId(out.trace_id, kTraceIdBytes, "trace_id") &&
           CheckId(out.span_id, kSpanIdBytes, "span_id") &&
           CheckId(out.parent_span_id, kSpanIdBytes, "parent_span_id");
  }

  bool SpanEvent(ByteView message, model::SpanEvent& out) {
    ArenaList<model::KeyValue> attributes;
    UnknownFields unknown;
    if (!Read(Pieces(message), [&](const FieldReader& in) {
          switch (in.tag()) {
            case Fixed64(1):
              out.time_unix_nano = in.number();
              return true;
            case Length(2):
              out.name = in.text();
              return true;
            case Length(3):
              return Attribute(attributes, in);
            case Varint(4):
              out.dropped_attributes_count = static_cast<uint32_t>(in.number());
              return true;
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    out.attributes = attributes.view();
    out.unknown = Joined(unknown);
    return true;
  }

  bool SpanLink(ByteView message, model::SpanLink& out) {
    ArenaList<model::KeyValue> attributes;
    UnknownFields unknown;
    if (!Read(Pieces(message), [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(1):
              out.trace_id = in.bytes();
              return true;
            case Length(2):
              out.span_id = in.bytes();
              return true;
            case Length(3):
              out.trace_state = in.text();
              return true;
            case Length(4):
              return Attribute(attributes, in);
            case Varint(5):
              out.dropped_attributes_count = static_cast<uint32_t>(in.number());
              return true;
            case Fixed32(6):
              out.flags = static_cast<uint32_t>(in.number());
              return true;
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    out.attributes = attributes.view();
    out.unknown = Joined(unknown);
    return CheckId(out.trace_id, kTraceIdBytes, "trace_id") &&
           CheckId(out.span_id, kSpanIdBytes, "span_id");
  }

  bool SpanStatus(const Pieces& pieces, model::SpanStatus& out) {
    UnknownFields unknown;
    if (!Read(pieces, [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(2):
              out.message = in.text();
              return true;
            case Varint(3):
              out.code = static_cast<int32_t>(in.number());
              return true;
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    out.unknown = Joined(unknown);
    return true;
  }

  bool DecodeItem(ByteView message, model::LogRecord& out) {
    ArenaList<model::KeyValue> attributes;
    Pieces body;
    UnknownFields unknown;
    if (!Read(Pieces(message), [&](const FieldReader& in) {
          switch (in.tag()) {
            case Fixed64(1):
              out.time_unix_nano = in.number();
              return true;
            case Varint(2):
              out.severity_number = static_cast<int32_t>(in.number());
              return true;
            case Length(3):
              out.severity_text = in.text();
              return true;
            case Length(5):
              return Collect(in, body);
            case Length(6):
              return Attribute(attributes, in);
            case Varint(7):
              out.dropped_attributes_count = static_cast<uint32_t>(in.number());
              return true;
            case Fixed32(8):
              out.flags = static_cast<uint32_t>(in.number());
              return true;
            case Length(9):
              out.trace_id = in.bytes();
              return true;
            case Length(10):
              out.span_id = in.bytes();
              return true;
            case Fixed64(11):
              out.observed_time_unix_nano = in.number();
              return true;
            case Length(12):
              out.event_name = in.text();
              return true;
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    if (!body.empty() && !Child(body, out.body, &ProtobufDecoder::Body)) return state_.In("body");
    out.attributes = attributes.view();
    out.unknown = Joined(unknown);
    return CheckId(out.trace_id, kTraceIdBytes, "trace_id") &&
           CheckId(out.span_id, kSpanIdBytes, "span_id");
  }

  bool Body(const Pieces& pieces, model::AnyValue& out) { return AnyValue(pieces, out, 1); }

  bool Attribute(ArenaList<model::KeyValue>& attributes, const FieldReader& in) {
    return AddTo(attributes, "attributes", in,
                 [this](ByteView m, auto& pair) { return this->KeyValue(m, pair, 1); });
  }

  // `depth` is that of the pair's value: 1 in an attribute, one more in each array or map around
  // it.
  bool KeyValue(ByteView message, model::KeyValue& out, int depth) {
    Pieces value;
    UnknownFields unknown;
    if (!Read(Pieces(message), [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(1):
              out.key = in.text();
              return true;
            case Length(2):
              return Collect(in, value);
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    out.unknown = JoinedPointer(unknown);
    if (value.empty()) return true;
    out.has_value = true;
    return AnyValue(value, out.value, depth) || state_.In("value");
  }

  bool AnyValue(const Pieces& pieces, model::AnyValue& out, int depth) {
    using Type = model::AnyValue::Type;
    if (depth > kNestingMax) {
      return state_.Fail(InvalidArgument("values nest deeper than {}", kNestingMax));
    }
    Pieces nested;  // of out.type, when that is kArray or kMap
    UnknownFields unknown;
    const auto is_nested = [&] { return out.type == Type::kArray || out.type == Type::kMap; };
    const auto set = [&](Type type) {
      if (is_nested() && !Nested(nested, out, depth)) return false;  // replaced, but checked
      out.type = type;
      return true;
    };
    const auto collect = [&](Type type, const FieldReader& in) {
      if (out.type == type) return Collect(in, nested);
      if (!set(type)) return false;
      nested.Reset(in.bytes());
      return true;
    };
    if (!Read(pieces, [&](const FieldReader& in) {
          switch (in.tag()) {
            case Length(1):
              if (!set(Type::kString)) return false;
              out.text = in.text();
              return true;
            case Varint(2):
              if (!set(Type::kBool)) return false;
              out.bool_value = in.number() != 0;
              return true;
            case Varint(3):
              if (!set(Type::kInt)) return false;
              out.int_value = static_cast<int64_t>(in.number());
              return true;
            case Fixed64(4):
              if (!set(Type::kDouble)) return false;
              out.double_value = in.real();
              return true;
            case Length(5):
              return collect(Type::kArray, in);
            case Length(6):
              return collect(Type::kMap, in);
            case Length(7):
              if (!set(Type::kBytes)) return false;
              out.text = in.text();
              return true;
            default:
              return Keep(in, unknown);
          }
        })) {
      return false;
    }
    out.unknown = JoinedPointer(unknown);
    return !is_nested() || Nested(nested, out, depth);
  }

  // The array or map of `out`.
  bool Nested(const Pieces& pieces, model::AnyValue& out, int depth) {
    if (out.type == model::AnyValue::Type::kArray) {
      return Array(pieces, out, depth + 1) || state_.In("array_value");
    }
    return Map(pieces, out, depth + 1) || state_.In("kvlist_value");
  }

  bool Array(const Pieces& pieces, model::AnyValue& out, int depth) {
    ArenaList<model::AnyValue> values;
    UnknownFields unknown;
    if (!Read(pieces, [&](const FieldReader& in) {
          if (in.tag() != Length(1)) return Keep(in, unknown);
          return AddTo(values, "values", in, [this, depth](ByteView m, auto& value) {
            return this->AnyValue(Pieces(m), value, depth);
          });
        })) {
      return false;
    }
    out.array = state_.arena().New(model::ArrayValue{values.view(), Joined(unknown)});
    return true;
  }

  bool Map(const Pieces& pieces, model::AnyValue& out, int depth) {
    ArenaList<model::KeyValue> values;
    UnknownFields unknown;
    if (!Read(pieces, [&](const FieldReader& in) {
          if (in.tag() != Length(1)) return Keep(in, unknown);
          return AddTo(values, "values", in, [this, depth](ByteView m, auto& pair) {
            return this->KeyValue(m, pair, depth);
          });
        })) {
      return false;
    }
    out.map = state_.arena().New(model::MapValue{values.view(), Joined(unknown)});
    return true;
  }

  // Hands every field of a message to `field`, which returns false to stop with an error.
  template <typename OnField>
  bool Read(const Pieces& message, OnField&& field) {
    for (const Piece* piece = message.first(); piece != nullptr; piece = piece->next) {
      FieldReader in(piece->bytes);
      while (in.Next()) {
        if (!field(in)) return false;
      }
      if (in.error() != nullptr) {
        return state_.Fail(
            InvalidArgument("{} (byte {})", in.error(), in.position() - body_.data()));
      }
    }
    return true;
  }

  // Decodes one more element of a repeated message field in place.
  template <typename T, typename Decode>
  bool AddTo(ArenaList<T>& list, const char* name, const FieldReader& in, Decode&& decode) {
    T* element = list.Add(state_, list.full() ? in.RunAhead() : 0);
    if (element == nullptr) return state_.TooLarge();
    return decode(in.bytes(), *element) || state_.In(name, list.size() - 1);
  }

  bool AddText(ArenaList<std::string_view>& list, const FieldReader& in) {
    std::string_view* element = list.Add(state_, list.full() ? in.RunAhead() : 0);
    if (element == nullptr) return state_.TooLarge();
    *element = in.text();
    return true;
  }

  // Decodes a singular message into the arena.
  template <typename T>
  bool Child(const Pieces& pieces, const T*& out,
             bool (ProtobufDecoder::*decode)(const Pieces&, T&)) {
    if (!state_.HasRoomFor(sizeof(T))) return state_.TooLarge();
    T* child = state_.arena().New(T());
    out = child;
    return (this->*decode)(pieces, *child);
  }

  bool Collect(const FieldReader& in, Pieces& pieces) {
    if (!state_.HasRoomFor(sizeof(Piece))) return state_.TooLarge();
    pieces.Add(in.bytes(), state_.arena());
    return true;
  }

  bool Keep(const FieldReader& in, UnknownFields& unknown) {
    if (!state_.HasRoomFor(sizeof(Piece))) return state_.TooLarge();
    unknown.Add(in.raw(), state_.arena());
    return true;
  }

  ByteView Joined(UnknownFields& unknown) { return unknown.Joined(state_.arena()); }

  const ByteView* JoinedPointer(UnknownFields& unknown) {
    return unknown.empty() ? nullptr : state_.arena().New(ByteView(Joined(unknown)));
  }

  bool CheckId(ByteView id, size_t expected, const char* name) {
    if (id.empty() || id.size() == expected) return true;
    return state_.Fail(InvalidArgument("{} bytes, expected {}", id.size(), expected)) ||
           state_.In(name);
  }

  const ByteView body_;
  DecodeState state_;
};

}  // namespace

Result<model::TracesRequest> DecodeTracesProtobuf(ByteView body, model::Arena& arena) {
  return ProtobufDecoder(body, arena).Run<model::Span>();
}

Result<model::LogsRequest> DecodeLogsProtobuf(ByteView body, model::Arena& arena) {
  return ProtobufDecoder(body, arena).Run<model::LogRecord>();
}

}  // namespace sealtrail::otlp
