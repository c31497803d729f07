#include "query/part_columns.h"

namespace sealtrail::query {
namespace {

std::string Escaped(std::string_view prefix, std::string_view key) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string name(prefix);
  for (const char c : key) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (plain) {
      name.push_back(c);
    } else {
      name.push_back('%');
      name.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      name.push_back(kHex[static_cast<unsigned char>(c) & 15]);
    }
  }
  return name;
}

}  // namespace

std::string AttributeColumn(std::string_view key) {
  return Escaped("a.", key);
}
std::string ResourceColumn(std::string_view key) {
  return Escaped("r.", key);
}

}  // namespace sealtrail::query
