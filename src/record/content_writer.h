// The one writer of canonical content: OpenTelemetry values to the JSON objects of
// docs/formats/record.md §2 and §4. What it appends is final: it is hashed, stored and exported as
// it is.
//
// Each function appends one JSON object (or "null" where it says so) to `out`. Nesting is bounded
// by whoever decoded the values (kNestingMax).
#pragma once

#include <cstdint>
#include <string_view>

#include "model/telemetry.h"
#include "record/json_writer.h"

namespace sealtrail::record {

// What was met on the way and is of interest to whoever keeps the record.
struct ContentNotes {
  bool invalid_utf8 = false;  // a string was written as tagged base64
};

void WriteSpan(JsonBuffer& out, const model::Span& span, ContentNotes& notes);

// `index` is the event's place in its span, from 0.
void WriteSpanEvent(JsonBuffer& out, const model::SpanEvent& event, uint32_t index,
                    ContentNotes& notes);

// The member `sp` of a span_event: what the event's leaf says of its span.
void WriteEventSpan(JsonBuffer& out, const model::Span& span, ContentNotes& notes);

void WriteLog(JsonBuffer& out, const model::LogRecord& log, ContentNotes& notes);

// `re`: nothing is appended when all parts are absent.
void WriteResourceGroup(JsonBuffer& out, const model::Resource* resource,
                        std::string_view schema_url, ByteView group_unknown,
                        ByteView request_unknown, ContentNotes& notes);

// `sc`: nothing is appended when all parts are absent.
void WriteScopeGroup(JsonBuffer& out, const model::Scope* scope, std::string_view schema_url,
                     ByteView group_unknown, ContentNotes& notes);

// One value.
void WriteValue(JsonBuffer& out, const model::AnyValue& value, ContentNotes& notes);

}  // namespace sealtrail::record
