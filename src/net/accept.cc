#include "net/accept.h"

#include <algorithm>
#include <cctype>

namespace sealtrail::net {
namespace {

std::string_view Trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// What stands before `separator`, which is taken off with it; the rest where there is none.
std::string_view TakeUntil(std::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return Trimmed(taken);
}

bool SameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// "0.875": one digit and at most three decimals (RFC 9110 §12.4.2).
std::optional<double> WeightFrom(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return {};
  if (text.size() > 1 && text[1] != '.') return {};
  double weight = text[0] - '0';
  double place = 0.1;
  for (const char digit : text.substr(std::min<size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return {};
    weight += place * (digit - '0');
    place /= 10;
  }
  return weight <= 1 ? std::optional(weight) : std::nullopt;
}

}  // namespace

std::optional<double> AcceptedWeight(std::string_view header, std::string_view value) {
  while (!header.empty()) {
    std::string_view item = TakeUntil(header, ',');
    if (!SameName(TakeUntil(item, ';'), value)) continue;
    while (!item.empty()) {
      std::string_view parameter = TakeUntil(item, ';');
      if (SameName(TakeUntil(parameter, '='), "q")) return WeightFrom(Trimmed(parameter));
    }
    return 1;
  }
  return {};
}

bool AcceptsGzip(std::string_view accept_encoding) {
  if (const auto named = AcceptedWeight(accept_encoding, "gzip")) return *named > 0;
  return AcceptedWeight(accept_encoding, "*").value_or(0) > 0;
}

}  // namespace sealtrail::net
