#include "base/origin.h"

#include "base/utf8.h"

namespace sealtrail {

Status CheckOrigin(std::string_view name) {
  if (name.empty() || name.size() > 255) return InvalidArgument("an origin has 1 to 255 bytes");
  if (!IsUtf8(name)) return InvalidArgument("an origin is UTF-8");
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '+') {
      return InvalidArgument("an origin has no space, no '+' and no control character");
    }
  }
  // Spaces of Unicode beyond ASCII: U+0085, U+00A0, U+1680, U+2000-200A, U+2028, U+2029, U+202F,
  // U+205F, U+3000.
  for (std::string_view space :
       {"\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005",
        "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f",
        "\u3000"}) {
    if (name.find(space) != name.npos) return InvalidArgument("an origin has no Unicode space");
  }
  return OkStatus();
}

}  // namespace sealtrail
