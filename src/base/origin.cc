#include "base/origin.h"

#include "base/utf8.h"

namespace sealtrail {
namespace {

// Spaces of Unicode beyond ASCII: U+0085, U+00A0, U+1680, U+2000-200A, U+2028, U+2029, U+202F,
// U+205F, U+3000.
constexpr std::string_view kSpaces[] = {"\u0085", "\u00a0", "\u1680", "\u2000", "\u2001",
                                        "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
                                        "\u2007", "\u2008", "\u2009", "\u200a", "\u2028",
                                        "\u2029", "\u202f", "\u205f", "\u3000"};

Status CheckName(std::string_view name, std::string_view what) {
  if (name.empty()) return InvalidArgument("{} is not empty", what);
  if (!IsUtf8(name)) return InvalidArgument("{} is UTF-8", what);
  for (const char c : name) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '+') {
      return InvalidArgument("{} has no space, no '+' and no control character", what);
    }
  }
  for (const std::string_view space : kSpaces) {
    if (name.find(space) != name.npos) return InvalidArgument("{} has no Unicode space", what);
  }
  return OkStatus();
}

}  // namespace

Status CheckOrigin(std::string_view name) {
  if (name.empty() || name.size() > 255) return InvalidArgument("an origin has 1 to 255 bytes");
  if (name.find('\x7f') != name.npos) return InvalidArgument("an origin has no control character");
  return CheckName(name, "an origin");
}

Status CheckKeyName(std::string_view name) {
  return CheckName(name, "a key name");
}

}  // namespace sealtrail
