// OTLP/JSON as clients write it, for tests: from protobuf's own messages, by their descriptors.
#pragma once

#include <string>

#include <google/protobuf/message.h>

#include "otlp/testing/witness.h"

namespace sealtrail::otlp::testing {

// By the book: lowerCamelCase, integers for enums, decimal strings for 64 bits, hexadecimal ids.
std::string PrintJson(const google::protobuf::Message& message);

// The same request in another form that must be read as well, chosen at random at each place:
// snake_case keys, enum names, quoted or bare numbers, integers as 1.0 or 1e3, base64 without
// padding or in the other alphabet, escapes, white space, members that are null, unknown or come
// twice.
std::string PrintJsonWildly(const google::protobuf::Message& message, Random& random);

// Printed by protobuf's json_util, which knows nothing of OTLP: only the ids are rewritten.
std::string PrintJsonByProtobuf(const google::protobuf::Message& message);

}  // namespace sealtrail::otlp::testing
