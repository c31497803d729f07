#include "otlp/testing/json_printer.h"

#include <cmath>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include "base/encoding.h"

namespace sealtrail::otlp::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool IsId(const FieldDescriptor& field) {
  return field.name().ends_with("_id");
}

class Printer {
 public:
  explicit Printer(Random* random) : random_(random) {}

  std::string Print(const Message& message) {
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    // A oneof's member must stand after any rival, and each member after its own earlier double.
    std::vector<std::string> members;
    for (const FieldDescriptor* field : fields) {
      if (Chance(10)) members.push_back(Noise());
      const std::string value = PrintField(message, *field);
      if (Chance(5)) members.push_back(Name(*field) + ":" + value);
      members.push_back(Name(*field) + ":" + value);
    }
    if (Chance(5)) members.push_back(Noise());
    return Braced('{', members, '}');
  }

 private:
  bool Chance(int percent) {
    return random_ != nullptr && static_cast<int>((*random_)() % 100) < percent;
  }

  // Members that mean nothing.
  std::string Noise() {
    static constexpr const char* kNoise[] = {
        R"("unknown":{"a":[1,2.5e-3,{"b":null}],"c":"\u0000\"}"})",
        R"("x":123456789012345678901234567890)",
        R"("attributes":null)",
        R"("name":null)",
        R"("value":null)",
        R"("":true)",
        R"("traceId":null)",
        R"("stringValue":null)"};
    return kNoise[(*random_)() % std::size(kNoise)];
  }

  std::string Name(const FieldDescriptor& field) {
    return fmt::format("\"{}\"", Chance(20) ? field.name() : field.json_name());
  }

  std::string Braced(char open, const std::vector<std::string>& parts, char close) {
    std::string out(1, open);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) out += Space() + ",";
      out += Space() + parts[i];
    }
    return out + Space() + close;
  }

  std::string Space() { return Chance(5) ? " \n\t\r" : ""; }

  std::string PrintField(const Message& message, const FieldDescriptor& field) {
    const Reflection& r = *message.GetReflection();
    if (!field.is_repeated()) return PrintSingular(message, field);
    std::vector<std::string> elements;
    elements.reserve(static_cast<size_t>(r.FieldSize(message, &field)));
    for (int i = 0; i < r.FieldSize(message, &field); ++i) {
      elements.push_back(field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE
                             ? Print(r.GetRepeatedMessage(message, &field, i))
                             : String(r.GetRepeatedString(message, &field, i)));
    }
    return Braced('[', elements, ']');
  }

  std::string PrintSingular(const Message& message, const FieldDescriptor& field) {
    const Reflection& r = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Print(r.GetMessage(message, &field));
      case FieldDescriptor::CPPTYPE_STRING:
        if (field.type() != FieldDescriptor::TYPE_BYTES)
          return String(r.GetString(message, &field));
        return IsId(field) ? Hex(r.GetString(message, &field))
                           : Base64(r.GetString(message, &field));
      case FieldDescriptor::CPPTYPE_BOOL:
        return r.GetBool(message, &field) ? "true" : "false";
      case FieldDescriptor::CPPTYPE_INT32:
        return Small(std::to_string(r.GetInt32(message, &field)));
      case FieldDescriptor::CPPTYPE_UINT32:
        return Small(std::to_string(r.GetUInt32(message, &field)));
      case FieldDescriptor::CPPTYPE_INT64:
        return Wide(std::to_string(r.GetInt64(message, &field)));
      case FieldDescriptor::CPPTYPE_UINT64:
        return Wide(std::to_string(r.GetUInt64(message, &field)));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return Double(r.GetDouble(message, &field));
      case FieldDescriptor::CPPTYPE_ENUM:
        return Enum(r.GetEnumValue(message, &field), field);
      default:
        std::abort();
    }
  }

  std::string Quoted(const std::string& text) { return '"' + text + '"'; }
  std::string Small(const std::string& digits) {
    return Chance(20) ? Quoted(Respelled(digits)) : Respelled(digits);
  }
  std::string Wide(const std::string& digits) {
    return Chance(30) ? Respelled(digits) : Quoted(digits);
  }

  // The same integer otherwise.
  std::string Respelled(const std::string& digits) {
    if (Chance(10)) return digits + ".0";
    if (Chance(10) && digits != "0") return digits + "000e-3";
    if (Chance(10) && digits.ends_with("0") && digits.size() > 1) {
      return digits.substr(0, digits.size() - 1) + "E+1";
    }
    return digits;
  }

  std::string Double(double real) {
    if (std::isnan(real)) return "\"NaN\"";
    if (std::isinf(real)) return real > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    const std::string text = Chance(50) ? fmt::format("{}", real) : fmt::format("{:.17g}", real);
    return Chance(20) ? Quoted(text) : text;
  }

  std::string Enum(int value, const FieldDescriptor& field) {
    const auto* named = field.enum_type()->FindValueByNumber(value);
    if (named != nullptr && Chance(50)) return Quoted(named->name());
    return Small(std::to_string(value));
  }

  std::string Hex(const std::string& id) {
    std::string out = HexEncode(AsBytes(id));
    for (char& c : out) {
      if (c >= 'a' && Chance(50)) c = static_cast<char>(c - 'a' + 'A');
    }
    return Quoted(out);
  }

  std::string Base64(const std::string& bytes) {
    std::string out = Base64Encode(AsBytes(bytes));
    if (Chance(30)) out.resize(std::min(out.find('='), out.size()));
    for (char& c : out) {
      if (c == '+' && Chance(50)) c = '-';
      if (c == '/' && Chance(50)) c = '_';
    }
    return Quoted(out);
  }

  std::string String(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      const auto u = static_cast<unsigned char>(c);
      if (u < 0x20 || (u < 0x80 && Chance(5))) {
        out += fmt::format("\\u{:04x}", u);
      } else if (c == '"' || c == '\\') {
        out += {'\\', c};
      } else {
        out += c;
      }
    }
    return out + '"';
  }

  Random* const random_;
};

}  // namespace

std::string PrintJson(const Message& message) {
  return Printer(nullptr).Print(message);
}

std::string PrintJsonWildly(const Message& message, Random& random) {
  return Printer(&random).Print(message);
}

std::string PrintJsonByProtobuf(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_enums_as_ints = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) std::abort();
  std::string out;
  size_t copied = 0;
  // Keys cannot be told from text by looking for them alone, but text escapes its quotes.
  for (const std::string_view key : {"\"traceId\":\"", "\"spanId\":\"", "\"parentSpanId\":\""}) {
    out.clear();
    copied = 0;
    for (size_t at; (at = json.find(key, copied)) != std::string::npos;) {
      const size_t begin = at + key.size();
      const size_t end = json.find('"', begin);
      out += json.substr(copied, begin - copied);
      out += HexEncode(Base64Decode(json.substr(begin, end - begin)).value());
      copied = end;
    }
    json = out.append(json, copied);
  }
  return json;
}

}  // namespace sealtrail::otlp::testing
