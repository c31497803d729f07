// Numbers as RFC 8785 §3.2.2.3 wants them: ECMAScript's Number::toString (ECMA-262 §6.1.6.1.20,
// radix 10).
#pragma once

#include <string>
#include <string_view>

namespace sealtrail::verify {

// `value` must be finite. Zero of either sign is "0".
std::string EcmaNumber(double value);

// True if `text` is exactly what EcmaNumber gives for the double it denotes.
bool IsEcmaNumber(std::string_view text);

}  // namespace sealtrail::verify
