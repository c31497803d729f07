#include "otlp/testing/witness.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/unknown_field_set.h>

namespace sealtrail::otlp::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::DescriptorProto;
using google::protobuf::DynamicMessageFactory;
using google::protobuf::FieldDescriptor;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::UnknownFieldSet;

void Adapt(DescriptorProto& message, bool lax) {
  auto* fields = message.mutable_field();
  for (int i = fields->size() - 1; i >= 0; --i) {
    FieldDescriptorProto& field = *fields->Mutable(i);
    if (field.name() == "string_value_strindex" || field.name() == "key_strindex") {
      fields->DeleteSubrange(i, 1);
    } else if (lax && field.type() == FieldDescriptorProto::TYPE_STRING) {
      field.set_type(FieldDescriptorProto::TYPE_BYTES);
    }
  }
  for (auto& nested : *message.mutable_nested_type()) Adapt(nested, lax);
}

class Classes {
 public:
  explicit Classes(bool lax) : factory_(&pool_) {
    std::ifstream in(SEALTRAIL_OTLP_DESCRIPTORS, std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    FileDescriptorSet set;
    if (!in || !set.ParseFromString(bytes.str()) || set.file_size() == 0) {
      std::fprintf(stderr,
                   "No OTLP descriptors in %s: the second witness of these tests is missing.\n"
                   "Run scripts/setup (it makes .venv), configure with CMake again, and build.\n",
                   SEALTRAIL_OTLP_DESCRIPTORS);
      std::exit(1);
    }
    for (FileDescriptorProto& file : *set.mutable_file()) {
      for (auto& message : *file.mutable_message_type()) Adapt(message, lax);
      if (pool_.BuildFile(file) == nullptr) std::abort();
    }
  }

  std::unique_ptr<Message> New(Signal signal) {
    const char* name = signal == Signal::kTraces
                           ? "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest"
                           : "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest";
    const Descriptor* type = pool_.FindMessageTypeByName(name);
    return std::unique_ptr<Message>(factory_.GetPrototype(type)->New());
  }

 private:
  DescriptorPool pool_;
  DynamicMessageFactory factory_;
};

std::string Serialize(const UnknownFieldSet& set) {
  std::string out;
  if (!set.SerializeToString(&out)) std::abort();
  return out;
}

bool Chance(Random& random, int percent) {
  return static_cast<int>(random() % 100) < percent;
}

std::string RandomText(Random& random) {
  static constexpr const char* kParts[] = {
      "a",    "audit.action", "ü", "漢字", "\U0001F512",   "\"",        "\\",     "/",   "\n",
      "\x01", "\x7f",         " ", "0",    "\xe2\x80\xa8", "</script>", "\ufeff", "user"};
  std::string text;
  for (size_t n = random() % 6; n > 0; --n) text += kParts[random() % std::size(kParts)];
  if (Chance(random, 5)) text.append(random() % 300, 'x');
  return text;
}

std::string RandomBytes(Random& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// Small, large and border values alike.
uint64_t RandomNumber(Random& random) {
  return random() >> (random() % 64);
}

int64_t RandomSigned(Random& random) {
  const auto number = static_cast<int64_t>(RandomNumber(random));
  return Chance(random, 50) ? number : -number;
}

double RandomDouble(Random& random, bool finite) {
  if (Chance(random, 30)) return static_cast<double>(RandomSigned(random));
  const auto real = std::bit_cast<double>(random());
  if (finite && !std::isfinite(real)) return 0.1;
  return real;
}

std::string RandomId(const FieldDescriptor& field, Random& random) {
  if (Chance(random, 15)) return "";
  return RandomBytes(random, field.name() == "trace_id" ? 16 : 8);
}

bool IsId(const FieldDescriptor& field) {
  return field.name() == "trace_id" || field.name() == "span_id" ||
         field.name() == "parent_span_id";
}

void AddUnknown(UnknownFieldSet& set, Random& random, int depth) {
  const int number = 2000 + static_cast<int>(random() % 100'000);
  switch (random() % (depth < 3 ? 5 : 4)) {
    case 0:
      return set.AddVarint(number, RandomNumber(random));
    case 1:
      return set.AddFixed32(number, static_cast<uint32_t>(random()));
    case 2:
      return set.AddFixed64(number, random());
    case 3:
      set.AddLengthDelimited(number, RandomBytes(random, random() % 20));
      return;
    default:
      UnknownFieldSet* group = set.AddGroup(number);
      for (size_t n = random() % 3; n > 0; --n) AddUnknown(*group, random, depth + 1);
  }
}

class Filler {
 public:
  Filler(Random& random, const Shape& shape) : random_(random), shape_(shape) {}

  void Fill(Message& message, int value_depth) {
    const Descriptor& type = *message.GetDescriptor();
    if (type.name() == "AnyValue") {
      FillAnyValue(message, value_depth + 1);
    } else {
      for (int i = 0; i < type.field_count(); ++i) FillField(message, *type.field(i), value_depth);
    }
    if (shape_.unknown_fields && Chance(random_, 10)) {
      UnknownFieldSet& set = *message.GetReflection()->MutableUnknownFields(&message);
      for (size_t n = 1 + random_() % 2; n > 0; --n) AddUnknown(set, random_, 0);
    }
  }

 private:
  void FillAnyValue(Message& message, int depth) {
    const Descriptor& type = *message.GetDescriptor();
    const FieldDescriptor& field = *type.field(static_cast<int>(random_() % type.field_count()));
    const bool nested = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (Chance(random_, 8) || (nested && depth >= shape_.value_depth_max)) return;  // no value set
    SetSingular(message, field, depth);
  }

  void FillField(Message& message, const FieldDescriptor& field, int depth) {
    if (!field.is_repeated()) {
      if (Chance(random_, 65)) SetSingular(message, field, depth);
      return;
    }
    const Reflection& reflection = *message.GetReflection();
    for (uint64_t n = random_() % (shape_.repeated_max + 1); n > 0; --n) {
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Fill(*reflection.AddMessage(&message, &field), depth);
      } else {
        reflection.AddString(&message, &field, RandomText(random_));
      }
    }
  }

  void SetSingular(Message& message, const FieldDescriptor& field, int depth) {
    const Reflection& r = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Fill(*r.MutableMessage(&message, &field), depth);
      case FieldDescriptor::CPPTYPE_STRING:
        if (IsId(field)) return r.SetString(&message, &field, RandomId(field, random_));
        if (field.name() == "bytes_value") {
          return r.SetString(&message, &field, RandomBytes(random_, random_() % 20));
        }
        return r.SetString(&message, &field, RandomText(random_));
      case FieldDescriptor::CPPTYPE_BOOL:
        return r.SetBool(&message, &field, Chance(random_, 50));
      case FieldDescriptor::CPPTYPE_INT32:
        return r.SetInt32(&message, &field, static_cast<int32_t>(RandomSigned(random_)));
      case FieldDescriptor::CPPTYPE_UINT32:
        return r.SetUInt32(&message, &field, static_cast<uint32_t>(RandomNumber(random_)));
      case FieldDescriptor::CPPTYPE_INT64:
        return r.SetInt64(&message, &field, RandomSigned(random_));
      case FieldDescriptor::CPPTYPE_UINT64:
        return r.SetUInt64(&message, &field, RandomNumber(random_));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return r.SetDouble(&message, &field, RandomDouble(random_, shape_.finite_doubles));
      case FieldDescriptor::CPPTYPE_ENUM:
        return r.SetEnumValue(&message, &field,
                              Chance(random_, 80) ? static_cast<int>(random_() % 6)
                                                  : static_cast<int32_t>(RandomSigned(random_)));
      default:
        std::abort();
    }
  }

  Random& random_;
  const Shape& shape_;
};

// --- Serializing wildly
// ---------------------------------------------------------------------------

void AppendVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void AppendLengthField(std::string& out, int number, const std::string& bytes) {
  AppendVarint(out, static_cast<uint64_t>(number) << 3 | 2);
  AppendVarint(out, bytes.size());
  out += bytes;
}

// One field of a message that holds nothing else, as protobuf writes it.
std::string SerializeOnly(const Message& message, const FieldDescriptor& field) {
  std::unique_ptr<Message> only(message.New());
  only->CopyFrom(message);
  std::vector<const FieldDescriptor*> set;
  only->GetReflection()->ListFields(*only, &set);
  for (const FieldDescriptor* other : set) {
    if (other != &field) only->GetReflection()->ClearField(only.get(), other);
  }
  only->GetReflection()->MutableUnknownFields(only.get())->Clear();
  return only->SerializeAsString();
}

// The fields of `message`, each serialized; those of a repeated field one by one. Order within a
// field number must be kept, so a shuffle swaps neighbours of other numbers only.
struct Chunk {
  int number;
  std::string bytes;
};

std::vector<Chunk> Chunks(const Message& message, Random& random);

std::string Join(std::vector<Chunk> chunks, Random& random) {
  for (size_t n = chunks.size() * 2; n > 0 && chunks.size() > 1; --n) {
    const size_t i = random() % (chunks.size() - 1);
    if (chunks[i].number != chunks[i + 1].number) std::swap(chunks[i], chunks[i + 1]);
  }
  std::string out;
  for (const Chunk& chunk : chunks) out += chunk.bytes;
  return out;
}

void AddSingularMessage(std::vector<Chunk>& out, const FieldDescriptor& field, const Message& value,
                        Random& random) {
  std::vector<Chunk> inner = Chunks(value, random);
  if (!Chance(random, 25)) {
    out.push_back({field.number(), {}});
    AppendLengthField(out.back().bytes, field.number(), Join(std::move(inner), random));
    return;
  }
  const size_t cut = random() % (inner.size() + 1);  // two occurrences, to be merged
  std::vector<Chunk> rest(inner.begin() + static_cast<ptrdiff_t>(cut), inner.end());
  inner.resize(cut);
  for (auto* half : {&inner, &rest}) {
    out.push_back({field.number(), {}});
    AppendLengthField(out.back().bytes, field.number(), Join(*half, random));
  }
}

std::vector<Chunk> Chunks(const Message& message, Random& random) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  std::vector<Chunk> out;
  for (const FieldDescriptor* field : fields) {
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated() && is_message) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        const Message& element = reflection.GetRepeatedMessage(message, field, i);
        out.push_back({field->number(), {}});
        AppendLengthField(out.back().bytes, field->number(), Join(Chunks(element, random), random));
      }
    } else if (is_message) {
      AddSingularMessage(out, *field, reflection.GetMessage(message, field), random);
    } else {
      const std::string bytes = SerializeOnly(message, *field);
      out.push_back({field->number(), bytes});
      if (!field->is_repeated() && Chance(random, 5)) out.push_back({field->number(), bytes});
    }
  }
  // Unknown fields keep their order among themselves: one number for all.
  const UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i) {
    UnknownFieldSet one;
    one.AddField(unknown.field(i));
    out.push_back({0, Serialize(one)});
  }
  return out;
}

// --- Dumping
// --------------------------------------------------------------------------------------

std::string Quoted(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u < 0x7f && u != '\\' && u != '"') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", u);
    }
  }
  return out + '"';
}

std::string Bits(double real) {
  return std::isnan(real) ? "nan" : fmt::format("{:016x}", std::bit_cast<uint64_t>(real));
}

class MessageDump {
 public:
  explicit MessageDump(bool unknown) : unknown_(unknown) {}

  void Dump(const Message& message, const std::string& path) {
    const Reflection& r = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    r.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const std::string name = path + field->name();
      if (!field->is_repeated()) {
        DumpSingular(message, *field, name);
        continue;
      }
      for (int i = 0; i < r.FieldSize(message, field); ++i) {
        const std::string element = fmt::format("{}[{}]", name, i);
        if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
          out_ += element + " {}\n";
          Dump(r.GetRepeatedMessage(message, field, i), element + ".");
        } else {
          out_ += fmt::format("{} {}\n", element, Quoted(r.GetRepeatedString(message, field, i)));
        }
      }
    }
    const std::string bytes = Serialize(r.GetUnknownFields(message));
    if (unknown_ && !bytes.empty()) out_ += fmt::format("{}? {}\n", path, Quoted(bytes));
  }

  std::string Take() { return std::move(out_); }

 private:
  void DumpSingular(const Message& message, const FieldDescriptor& field, const std::string& name) {
    const Reflection& r = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        out_ += name + " {}\n";
        return Dump(r.GetMessage(message, &field), name + ".");
      case FieldDescriptor::CPPTYPE_STRING:
        return Line(name, Quoted(r.GetString(message, &field)));
      case FieldDescriptor::CPPTYPE_BOOL:
        return Line(name, r.GetBool(message, &field) ? "true" : "false");
      case FieldDescriptor::CPPTYPE_INT32:
        return Line(name, std::to_string(r.GetInt32(message, &field)));
      case FieldDescriptor::CPPTYPE_UINT32:
        return Line(name, std::to_string(r.GetUInt32(message, &field)));
      case FieldDescriptor::CPPTYPE_INT64:
        return Line(name, std::to_string(r.GetInt64(message, &field)));
      case FieldDescriptor::CPPTYPE_UINT64:
        return Line(name, std::to_string(r.GetUInt64(message, &field)));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return Line(name, Bits(r.GetDouble(message, &field)));
      case FieldDescriptor::CPPTYPE_ENUM:
        return Line(name, std::to_string(r.GetEnumValue(message, &field)));
      default:
        std::abort();
    }
  }

  void Line(const std::string& name, const std::string& value) {
    out_ += name + " " + value + "\n";
  }

  const bool unknown_;
  std::string out_;
};

// The same text from our plain values, written by hand in the order of field numbers.
class ModelDump {
 public:
  explicit ModelDump(bool unknown) : unknown_(unknown) {}

  void Dump(const model::TracesRequest& request) { DumpRequest(request, "resource_spans"); }
  void Dump(const model::LogsRequest& request) { DumpRequest(request, "resource_logs"); }

  std::string Take() { return std::move(out_); }

 private:
  template <typename Item>
  void DumpRequest(const model::ExportRequest<Item>& request, const char* name) {
    Each("", name, request.resources, [&](const auto& g, auto& p) { DumpResourceGroup(g, p); });
    Unknown("", request.unknown);
  }

  template <typename Item>
  void DumpResourceGroup(const model::ResourceGroup<Item>& group, const std::string& path) {
    constexpr bool kTraces = std::is_same_v<Item, model::Span>;
    if (group.resource != nullptr) DumpResource(*group.resource, Child(path, "resource"));
    Each(path, kTraces ? "scope_spans" : "scope_logs", group.scopes,
         [&](const auto& g, auto& p) { DumpScopeGroup(g, p); });
    Text(path, "schema_url", group.schema_url);
    Unknown(path, group.unknown);
  }

  template <typename Item>
  void DumpScopeGroup(const model::ScopeGroup<Item>& group, const std::string& path) {
    constexpr bool kTraces = std::is_same_v<Item, model::Span>;
    if (group.scope != nullptr) DumpScope(*group.scope, Child(path, "scope"));
    Each(path, kTraces ? "spans" : "log_records", group.items,
         [&](const Item& item, auto& p) { DumpItem(item, p); });
    Text(path, "schema_url", group.schema_url);
    Unknown(path, group.unknown);
  }

  void DumpResource(const model::Resource& resource, const std::string& path) {
    Attributes(path, "attributes", resource.attributes);
    Number(path, "dropped_attributes_count", resource.dropped_attributes_count);
    Each(path, "entity_refs", resource.entity_refs, [&](const auto& ref, auto& p) {
      Text(p, "schema_url", ref.schema_url);
      Text(p, "type", ref.type);
      Texts(p, "id_keys", ref.id_keys);
      Texts(p, "description_keys", ref.description_keys);
      Unknown(p, ref.unknown);
    });
    Unknown(path, resource.unknown);
  }

  void DumpScope(const model::Scope& scope, const std::string& path) {
    Text(path, "name", scope.name);
    Text(path, "version", scope.version);
    Attributes(path, "attributes", scope.attributes);
    Number(path, "dropped_attributes_count", scope.dropped_attributes_count);
    Unknown(path, scope.unknown);
  }

  void DumpItem(const model::Span& span, const std::string& path) {
    Text(path, "trace_id", AsText(span.trace_id));
    Text(path, "span_id", AsText(span.span_id));
    Text(path, "trace_state", span.trace_state);
    Text(path, "parent_span_id", AsText(span.parent_span_id));
    Text(path, "name", span.name);
    Number(path, "kind", span.kind);
    Number(path, "start_time_unix_nano", span.start_time_unix_nano);
    Number(path, "end_time_unix_nano", span.end_time_unix_nano);
    Attributes(path, "attributes", span.attributes);
    Number(path, "dropped_attributes_count", span.dropped_attributes_count);
    Each(path, "events", span.events, [&](const auto& event, auto& p) {
      Number(p, "time_unix_nano", event.time_unix_nano);
      Text(p, "name", event.name);
      Attributes(p, "attributes", event.attributes);
      Number(p, "dropped_attributes_count", event.dropped_attributes_count);
      Unknown(p, event.unknown);
    });
    Number(path, "dropped_events_count", span.dropped_events_count);
    Each(path, "links", span.links, [&](const auto& link, auto& p) {
      Text(p, "trace_id", AsText(link.trace_id));
      Text(p, "span_id", AsText(link.span_id));
      Text(p, "trace_state", link.trace_state);
      Attributes(p, "attributes", link.attributes);
      Number(p, "dropped_attributes_count", link.dropped_attributes_count);
      Number(p, "flags", link.flags);
      Unknown(p, link.unknown);
    });
    Number(path, "dropped_links_count", span.dropped_links_count);
    if (span.status != nullptr) {
      const std::string status = Child(path, "status");
      Text(status, "message", span.status->message);
      Number(status, "code", span.status->code);
      Unknown(status, span.status->unknown);
    }
    Number(path, "flags", span.flags);
    Unknown(path, span.unknown);
  }

  void DumpItem(const model::LogRecord& log, const std::string& path) {
    Number(path, "time_unix_nano", log.time_unix_nano);
    Number(path, "severity_number", log.severity_number);
    Text(path, "severity_text", log.severity_text);
    if (log.body != nullptr) Value(*log.body, Child(path, "body"));
    Attributes(path, "attributes", log.attributes);
    Number(path, "dropped_attributes_count", log.dropped_attributes_count);
    Number(path, "flags", log.flags);
    Text(path, "trace_id", AsText(log.trace_id));
    Text(path, "span_id", AsText(log.span_id));
    Number(path, "observed_time_unix_nano", log.observed_time_unix_nano);
    Text(path, "event_name", log.event_name);
    Unknown(path, log.unknown);
  }

  void Attributes(const std::string& path, const char* name, model::Attributes attributes) {
    Each(path, name, attributes, [&](const model::KeyValue& pair, auto& p) {
      Text(p, "key", pair.key);
      if (pair.has_value) Value(pair.value, Child(p, "value"));
      if (pair.unknown != nullptr) Unknown(p, *pair.unknown);
    });
  }

  void Value(const model::AnyValue& value, const std::string& path) {
    using Type = model::AnyValue::Type;
    switch (value.type) {
      case Type::kEmpty:
        break;
      case Type::kString:
        Line(path + "string_value", Quoted(value.text));
        break;
      case Type::kBool:
        Line(path + "bool_value", value.bool_value ? "true" : "false");
        break;
      case Type::kInt:
        Line(path + "int_value", std::to_string(value.int_value));
        break;
      case Type::kDouble:
        Line(path + "double_value", Bits(value.double_value));
        break;
      case Type::kBytes:
        Line(path + "bytes_value", Quoted(AsText(value.bytes())));
        break;
      case Type::kArray: {
        const std::string array = Child(path, "array_value");
        Each(array, "values", value.array->values, [&](const auto& v, auto& p) { Value(v, p); });
        Unknown(array, value.array->unknown);
        break;
      }
      case Type::kMap: {
        const std::string map = Child(path, "kvlist_value");
        Attributes(map, "values", value.map->values);
        Unknown(map, value.map->unknown);
        break;
      }
    }
    if (value.unknown != nullptr) Unknown(path, *value.unknown);
  }

  // A message that is there, and the path of its fields.
  std::string Child(const std::string& path, const char* name) {
    out_ += path + name + " {}\n";
    return path + name + ".";
  }

  template <typename T, typename DumpOne>
  void Each(const std::string& path, const char* name, std::span<const T> list, DumpOne&& dump) {
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string element = Child(path, fmt::format("{}[{}]", name, i).c_str());
      dump(list[i], element);
    }
  }

  void Texts(const std::string& path, const char* name, std::span<const std::string_view> texts) {
    for (size_t i = 0; i < texts.size(); ++i) {
      Line(fmt::format("{}{}[{}]", path, name, i), Quoted(texts[i]));
    }
  }

  void Text(const std::string& path, const char* name, std::string_view text) {
    if (!text.empty()) Line(path + name, Quoted(text));
  }

  template <typename T>
  void Number(const std::string& path, const char* name, T number) {
    if (number != 0) Line(path + name, std::to_string(number));
  }

  // Written afresh by protobuf, which shortens what a sender wrote long.
  void Unknown(const std::string& path, ByteView fields) {
    if (!unknown_ || fields.empty()) return;
    UnknownFieldSet set;
    if (!set.ParseFromArray(fields.data(), static_cast<int>(fields.size()))) {
      return Line(path + "?", "not parseable: " + Quoted(AsText(fields)));
    }
    Line(path + "?", Quoted(Serialize(set)));
  }

  void Line(const std::string& name, const std::string& value) {
    out_ += name + " " + value + "\n";
  }

  const bool unknown_;
  std::string out_;
};

}  // namespace

std::unique_ptr<Message> NewRequest(Signal signal) {
  static Classes classes(false);
  return classes.New(signal);
}

std::unique_ptr<Message> NewLaxRequest(Signal signal) {
  static Classes classes(true);
  return classes.New(signal);
}

void Fill(Message& message, Random& random, const Shape& shape) {
  Filler(random, shape).Fill(message, 0);
}

std::string SerializeWildly(const Message& message, Random& random) {
  return Join(Chunks(message, random), random);
}

std::string Dump(const Message& message, bool unknown) {
  MessageDump dump(unknown);
  dump.Dump(message, "");
  return dump.Take();
}

std::string Dump(const model::TracesRequest& request, bool unknown) {
  ModelDump dump(unknown);
  dump.Dump(request);
  return dump.Take();
}

std::string Dump(const model::LogsRequest& request, bool unknown) {
  ModelDump dump(unknown);
  dump.Dump(request);
  return dump.Take();
}

}  // namespace sealtrail::otlp::testing
