// Undoes the content coding of a request, within bounds: the one decoder behind OTLP/gRPC and
// OTLP/HTTP. gzip as RFC 1952 has it, members in a row included; zstd as RFC 8878 has it, frames in a row and skippable
// ones included (zstd_decoder.h).
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "base/status.h"
#include "net/byte_budget.h"

namespace sealtrail::net {

enum class ContentCoding { kIdentity, kGzip, kZstd };

// What the value of a Content-Encoding header means; empty is identity. Nothing for a coding, or a
// list of codings, that we do not read.
std::optional<ContentCoding> CodingNamed(std::string_view content_encoding);

// What CodingNamed() reads, as Accept-Encoding writes it (RFC 7694).
constexpr std::string_view kAcceptedCodings = "gzip, zstd";

// What the first bytes say. For gRPC, which hides the name from us: no protobuf message begins like
// gzip, for 1f would be a field of wire type 7, which does not exist; one that begins like zstd begins
// with a number in field 5, and no request of OTLP has that field.
ContentCoding CodingByMagic(ByteView body);

// The body without its coding. Identity is passed on as it is, without a copy.
//
// Memory  Grows with what comes out, never with what the input promises, and ends at kRequestBytesMax. It is taken
//         from `budget` for as long as the result lives. zstd takes its window besides while it works.
// Errors  ResourceExhausted: over kRequestBytesMax, before or after decoding. InvalidArgument: not of that coding,
//         damaged, cut short, or something behind its end. Unavailable: the budget is used up at the moment.
Result<SharedBytes> DecodeContent(ContentCoding coding, SharedBytes body, ByteBudget& budget);

}  // namespace sealtrail::net
