#include "pipeline/testing/leaf_to_otlp.h"

#include <functional>
#include <limits>
#include <map>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/encoding.h"

namespace sealtrail::pipeline::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::json;
using Beside = std::function<std::string(const std::string&)>;

std::string Decoded(const json& base64) {
  const auto bytes = Base64Decode(base64.get<std::string>());
  SEAL_CHECK(bytes.ok());
  return std::string(AsText(*bytes));
}

std::string Text(const json& j) {
  if (j.is_string()) return j.get<std::string>();
  SEAL_CHECK(j.is_object() && j.size() == 1);
  return Decoded(j.at("u"));
}

const FieldDescriptor* Field(const Message& message, const std::string& name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  SEAL_CHECK(field != nullptr);
  return field;
}

Message& Sub(Message& message, const std::string& name) {
  const FieldDescriptor* field = Field(message, name);
  const auto* reflection = message.GetReflection();
  return field->is_repeated() ? *reflection->AddMessage(&message, field)
                              : *reflection->MutableMessage(&message, field);
}

void SetText(Message& message, const std::string& name, const std::string& text) {
  message.GetReflection()->SetString(&message, Field(message, name), text);
}

void SetInteger(Message& message, const std::string& name, const std::string& digits) {
  const FieldDescriptor* field = Field(message, name);
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT64:
      reflection->SetUInt64(&message, field, std::stoull(digits));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      reflection->SetInt64(&message, field, std::stoll(digits));
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      reflection->SetUInt32(&message, field, static_cast<uint32_t>(std::stoul(digits)));
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      reflection->SetEnumValue(&message, field, std::stoi(digits));
      return;
    default:
      SEAL_UNREACHABLE();
  }
}

void AddUnknown(Message& message, const json& base64) {
  SEAL_CHECK(message.MergeFromString(Decoded(base64)));
}

void SetValue(Message& value, const json& j);

void SetPairs(Message& message, const std::string& name, const json& pairs) {
  for (const json& pair : pairs) {
    Message& key_value = Sub(message, name);
    SEAL_CHECK(!pair.empty() && pair.size() <= 3);
    SetText(key_value, "key", Text(pair[0]));
    if (pair.size() >= 2 && pair[1] != json(0)) SetValue(Sub(key_value, "value"), pair[1]);
    if (pair.size() == 3) AddUnknown(key_value, pair[2]);
  }
}

void SetArray(Message& value, const json& items) {
  Message& array = Sub(value, "array_value");
  for (const json& item : items) SetValue(Sub(array, "values"), item);
}

double Double(const json& j) {
  if (j.is_number()) return j.get<double>();
  const std::string text = j.get<std::string>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "-0") return -0.0;
  SEAL_CHECK(text == "Infinity" || text == "-Infinity");
  return text[0] == '-' ? -std::numeric_limits<double>::infinity()
                        : std::numeric_limits<double>::infinity();
}

void SetTagged(Message& value, const json& j) {
  const auto* reflection = value.GetReflection();
  if (j.contains("v")) {
    SetValue(value, j.at("v"));
    AddUnknown(value, j.at("x"));
  } else if (j.contains("i")) {
    SetInteger(value, "int_value", j.at("i").get<std::string>());
  } else if (j.contains("d")) {
    reflection->SetDouble(&value, Field(value, "double_value"), Double(j.at("d")));
  } else if (j.contains("b")) {
    SetText(value, "bytes_value", Decoded(j.at("b")));
  } else if (j.contains("u")) {
    SetText(value, "string_value", Decoded(j.at("u")));
  } else if (j.contains("l")) {
    SetArray(value, j.at("l"));
    if (j.contains("x")) AddUnknown(Sub(value, "array_value"), j.at("x"));
  } else {
    Message& map = Sub(value, "kvlist_value");
    SetPairs(map, "values", j.at("m"));
    if (j.contains("x")) AddUnknown(map, j.at("x"));
  }
}

void SetValue(Message& value, const json& j) {
  switch (j.type()) {
    case json::value_t::null:
      return;
    case json::value_t::string:
      SetText(value, "string_value", j.get<std::string>());
      return;
    case json::value_t::boolean:
      value.GetReflection()->SetBool(&value, Field(value, "bool_value"), j.get<bool>());
      return;
    case json::value_t::array:
      SetArray(value, j);
      return;
    case json::value_t::object:
      SetTagged(value, j);
      return;
    default:
      SEAL_UNREACHABLE();
  }
}

// How a member is written, and the field it stands for.
enum class Form {
  kText,
  kHex,
  kDecimal,
  kNumber,
  kPairs,
  kValue,
  kTexts,
  kObject,
  kObjects,
  kUnknown,
  kIgnored
};
struct Member {
  Form form;
  std::string field;
  const std::map<std::string, Member>* members = nullptr;
};
using Members = std::map<std::string, Member>;

const Members kEvent = {{"a", {Form::kPairs, "attributes"}},
                        {"da", {Form::kNumber, "dropped_attributes_count"}},
                        {"ix", {Form::kIgnored, ""}},
                        {"n", {Form::kText, "name"}},
                        {"w", {Form::kDecimal, "time_unix_nano"}},
                        {"x", {Form::kUnknown, ""}}};
const Members kLink = {
    {"a", {Form::kPairs, "attributes"}}, {"da", {Form::kNumber, "dropped_attributes_count"}},
    {"f", {Form::kNumber, "flags"}},     {"i", {Form::kHex, "span_id"}},
    {"t", {Form::kHex, "trace_id"}},     {"ts", {Form::kText, "trace_state"}},
    {"x", {Form::kUnknown, ""}}};
const Members kStatus = {
    {"c", {Form::kNumber, "code"}}, {"m", {Form::kText, "message"}}, {"x", {Form::kUnknown, ""}}};
const Members kSpan = {{"a", {Form::kPairs, "attributes"}},
                       {"da", {Form::kNumber, "dropped_attributes_count"}},
                       {"de", {Form::kNumber, "dropped_events_count"}},
                       {"dl", {Form::kNumber, "dropped_links_count"}},
                       {"e", {Form::kDecimal, "end_time_unix_nano"}},
                       {"ev", {Form::kObjects, "events", &kEvent}},
                       {"f", {Form::kNumber, "flags"}},
                       {"i", {Form::kHex, "span_id"}},
                       {"k", {Form::kNumber, "kind"}},
                       {"l", {Form::kObjects, "links", &kLink}},
                       {"n", {Form::kText, "name"}},
                       {"p", {Form::kHex, "parent_span_id"}},
                       {"s", {Form::kDecimal, "start_time_unix_nano"}},
                       {"st", {Form::kObject, "status", &kStatus}},
                       {"t", {Form::kHex, "trace_id"}},
                       {"ts", {Form::kText, "trace_state"}},
                       {"x", {Form::kUnknown, ""}}};
const Members kLog = {{"a", {Form::kPairs, "attributes"}},
                      {"b", {Form::kValue, "body"}},
                      {"da", {Form::kNumber, "dropped_attributes_count"}},
                      {"en", {Form::kText, "event_name"}},
                      {"f", {Form::kNumber, "flags"}},
                      {"i", {Form::kHex, "span_id"}},
                      {"ob", {Form::kDecimal, "observed_time_unix_nano"}},
                      {"sn", {Form::kNumber, "severity_number"}},
                      {"sx", {Form::kText, "severity_text"}},
                      {"t", {Form::kHex, "trace_id"}},
                      {"w", {Form::kDecimal, "time_unix_nano"}},
                      {"x", {Form::kUnknown, ""}}};
const Members kEntityRef = {{"d", {Form::kTexts, "description_keys"}},
                            {"i", {Form::kTexts, "id_keys"}},
                            {"t", {Form::kText, "type"}},
                            {"u", {Form::kText, "schema_url"}},
                            {"x", {Form::kUnknown, ""}}};
const Members kResource = {{"a", {Form::kPairs, "attributes"}},
                           {"da", {Form::kNumber, "dropped_attributes_count"}},
                           {"er", {Form::kObjects, "entity_refs", &kEntityRef}},
                           {"x", {Form::kUnknown, ""}}};
const Members kScope = {{"a", {Form::kPairs, "attributes"}},
                        {"da", {Form::kNumber, "dropped_attributes_count"}},
                        {"n", {Form::kText, "name"}},
                        {"v", {Form::kText, "version"}},
                        {"x", {Form::kUnknown, ""}}};
const Members kResourceGroup = {{"q", {Form::kIgnored, ""}},
                                {"r", {Form::kObject, "resource", &kResource}},
                                {"u", {Form::kText, "schema_url"}},
                                {"x", {Form::kUnknown, ""}}};
const Members kScopeGroup = {{"s", {Form::kObject, "scope", &kScope}},
                             {"u", {Form::kText, "schema_url"}},
                             {"x", {Form::kUnknown, ""}}};

void SetMembers(Message& message, const json& object, const Members& members) {
  for (const auto& [name, j] : object.items()) {
    const auto found = members.find(name);
    SEAL_CHECK(found != members.end());
    const Member& member = found->second;
    switch (member.form) {
      case Form::kText:
        SetText(message, member.field, Text(j));
        break;
      case Form::kHex:
        SetText(message, member.field,
                std::string(AsText(HexDecode(j.get<std::string>()).value())));
        break;
      case Form::kDecimal:
        SetInteger(message, member.field, j.get<std::string>());
        break;
      case Form::kNumber:
        SetInteger(message, member.field, std::to_string(j.get<int64_t>()));
        break;
      case Form::kPairs:
        SetPairs(message, member.field, j);
        break;
      case Form::kValue:
        SetValue(Sub(message, member.field), j);
        break;
      case Form::kTexts:
        for (const json& text : j) {
          message.GetReflection()->AddString(&message, Field(message, member.field), Text(text));
        }
        break;
      case Form::kObject:
        SetMembers(Sub(message, member.field), j, *member.members);
        break;
      case Form::kObjects:
        for (const json& item : j) SetMembers(Sub(message, member.field), item, *member.members);
        break;
      case Form::kUnknown:
        AddUnknown(message, j);
        break;
      case Form::kIgnored:
        break;
    }
  }
}

json Resolved(const json& leaf, const std::string& name, const Beside& beside) {
  if (!leaf.contains(name)) return json::object();
  const json& member = leaf.at(name);
  if (!member.is_array()) return member;
  const std::string content = beside(member.at(0).get<std::string>());
  SEAL_CHECK(content.size() == member.at(1).get<size_t>());
  return json::parse(content);
}

}  // namespace

void LeafToOtlp(std::string_view leaf_text, const Beside& beside, Message& request) {
  const json leaf = json::parse(leaf_text);
  const bool is_span = leaf.at("k") == "span";
  SEAL_CHECK(is_span || leaf.at("k") == "log");
  const json resource = Resolved(leaf, "re", beside);
  Message& resource_group = Sub(request, is_span ? "resource_spans" : "resource_logs");
  SetMembers(resource_group, resource, kResourceGroup);
  if (resource.contains("q")) AddUnknown(request, resource.at("q"));
  Message& scope_group = Sub(resource_group, is_span ? "scope_spans" : "scope_logs");
  SetMembers(scope_group, Resolved(leaf, "sc", beside), kScopeGroup);
  Message& item = Sub(scope_group, is_span ? "spans" : "log_records");
  SetMembers(item, Resolved(leaf, "o", beside), is_span ? kSpan : kLog);
}

void EventLeafToOtlp(std::string_view leaf_text, const Beside& beside, Message& event,
                     Message& span) {
  const json leaf = json::parse(leaf_text);
  SEAL_CHECK(leaf.at("k") == "span_event");
  SetMembers(event, Resolved(leaf, "o", beside), kEvent);
  SetMembers(span, Resolved(leaf, "sp", beside), kSpan);
}

}  // namespace sealtrail::pipeline::testing
