#include "verify/ecma_number.h"

#include <charconv>
#include <cmath>

#include "base/check.h"

namespace sealtrail::verify {

std::string EcmaNumber(double value) {
  SEAL_CHECK(std::isfinite(value));
  if (value == 0) return "0";
  if (value < 0) return "-" + EcmaNumber(-value);

  // The shortest digits that read back as `value`, as d[.ddd]e±xx.
  char buffer[32];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  SEAL_CHECK(error == std::errc());
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const size_t mark = text.find('e');
  std::string digits(text.substr(0, 1));
  if (mark > 1) digits += text.substr(2, mark - 2);
  const char* exponent_text = buffer + mark + (text[mark + 1] == '+' ? 2 : 1);
  int exponent = 0;
  SEAL_CHECK(std::from_chars(exponent_text, end, exponent).ec == std::errc());

  // The names k and n are the standard's: k digits, the value being 0.digits × 10^n.
  const int k = static_cast<int>(digits.size());
  const int n = exponent + 1;
  if (k <= n && n <= 21) return digits + std::string(static_cast<size_t>(n - k), '0');
  if (0 < n && n <= 21) return digits.insert(static_cast<size_t>(n), 1, '.');
  if (-6 < n && n <= 0) return "0." + std::string(static_cast<size_t>(-n), '0') + digits;
  if (k > 1) digits.insert(1, 1, '.');
  return digits + (n > 0 ? "e+" : "e-") + std::to_string(std::abs(n - 1));
}

bool IsEcmaNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value) &&
         EcmaNumber(value) == text;
}

}  // namespace sealtrail::verify
