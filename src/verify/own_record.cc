#include "verify/own_record.h"

#include "verify/canonical_json.h"
#include "verify/json_scanner.h"

namespace sealtrail::verify {
namespace {

// Walks the one path /o/a; everything else is passed over.
class OwnRecord : JsonScanner {
 public:
  using JsonScanner::JsonScanner;

  OwnAttributes Attributes() {
    OwnAttributes out;
    ToMember("o") && Peek() == '{' && ToMember("a") && Pairs(&out);
    return out;
  }

 private:
  // From the { of an object to the value of a member.
  bool ToMember(std::string_view wanted) {
    if (!TryTake('{')) return false;
    std::string_view name;
    while (String(&name) && TryTake(':')) {
      if (name == wanted) return true;
      if (!Skip() || !TryTake(',')) return false;
    }
    return false;
  }

  // Over one value: by its brackets, for what passed CheckLeaf is JSON.
  bool Skip() {
    int depth = 0;
    std::string_view text;
    do {
      switch (Peek()) {
        case '"':
          if (!String(&text)) return false;
          break;
        case '{':
        case '[':
          ++depth;
          ++p_;
          break;
        case '}':
        case ']':
          if (--depth < 0) return false;
          ++p_;
          break;
        case 0:
          return false;
        default:
          ++p_;
      }
    } while (depth > 0 || (Peek() != ',' && Peek() != '}' && Peek() != ']'));
    return true;
  }

  bool Pairs(OwnAttributes* out) {
    if (!TryTake('[')) return false;
    do {
      if (!Pair(out)) return false;
    } while (TryTake(','));
    return true;
  }

  bool Pair(OwnAttributes* out) {
    std::string_view key, value;
    if (!TryTake('[')) return false;
    const bool plain = Peek() == '"' && String(&key) && TryTake(',') && Plain(&value);
    if (plain) out->emplace_back(UnescapeJson(key), UnescapeJson(value));
    while (!TryTake(']')) {
      if (TryTake(',')) continue;
      if (!Skip()) return false;
    }
    return true;
  }

  bool Plain(std::string_view* value) {
    if (Peek() == '"') return String(value);
    if (!TryTake("{\"i\":")) return false;
    return String(value) && TryTake('}');
  }
};

}  // namespace

OwnAttributes AttributesOfOwn(std::string_view leaf) {
  return OwnRecord(AsBytes(leaf)).Attributes();
}

std::optional<std::string> Find(const OwnAttributes& attributes, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [key, value] : attributes) {
    if (key != name) continue;
    if (found != nullptr) return std::nullopt;
    found = &value;
  }
  if (found == nullptr) return std::nullopt;
  return *found;
}

}  // namespace sealtrail::verify
