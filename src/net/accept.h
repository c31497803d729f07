// What a client takes: Accept and Accept-Encoding, RFC 9110 §12.4 and §12.5.
#pragma once

#include <optional>
#include <string_view>

namespace sealtrail::net {

// The weight, 0 to 1, that a header of this kind gives to `value` ("gzip", "application/json") by name, in any case;
// nothing where it does not name it, or with a weight that is none. The first mention counts; parameters other than the
// weight are passed over.
std::optional<double> AcceptedWeight(std::string_view header, std::string_view value);

// Whether an answer in gzip is welcome to a client with this Accept-Encoding.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace sealtrail::net
