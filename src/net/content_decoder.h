// Undoes the content coding of a request, within bounds: the one decoder behind OTLP/gRPC and
// OTLP/HTTP. gzip as RFC 1952 has it, members in a row included.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "base/status.h"
#include "net/byte_budget.h"

namespace sealtrail::net {

enum class ContentCoding { kIdentity, kGzip };

// What the value of a Content-Encoding header means; empty is identity. Nothing for a coding, or a
// list of codings, that we do not read.
std::optional<ContentCoding> CodingNamed(std::string_view content_encoding);

// What the first bytes say. For gRPC, which hides the name from us: no protobuf message begins like
// gzip, for 1f would be a field of wire type 7, which does not exist.
ContentCoding CodingByMagic(ByteView body);

// The body without its coding. Identity is passed on as it is, without a copy.
//
// Memory  Grows with what comes out, never with what the input promises, and ends at
// kRequestBytesMax. It is taken
//         from `budget` for as long as the result lives.
// Errors  ResourceExhausted: over kRequestBytesMax, before or after decoding. InvalidArgument: not
// gzip,
//         damaged, cut short, or something behind its end. Unavailable: the budget is used up at
//         the moment.
Result<SharedBytes> DecodeContent(ContentCoding coding, SharedBytes body, ByteBudget& budget);

}  // namespace sealtrail::net
