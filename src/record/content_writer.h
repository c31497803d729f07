// The one writer of canonical content: OpenTelemetry values to the JSON objects of
// docs/formats/record.md §2 and §4. What it appends is final: it is hashed, stored and exported as
// it is.
//
// Each function appends one JSON object (or "null" where it says so) to `out`. Nesting is bounded
// by whoever decoded the values (kNestingMax).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/telemetry.h"
#include "record/json_writer.h"

namespace sealtrail::record {

// Decides what is not written as it is: docs/formats/record.md §2, "Redaction". Whoever implements it appends the mark.
class Redaction {
 public:
  virtual ~Redaction() = default;

  // The value of a pair of attributes or of a map. True if a mark was appended in its place; false if it is to be
  // written, text by text.
  virtual bool Value(JsonBuffer& out, std::string_view key, const model::AnyValue& value) = 0;
  // A text, wherever one stands. `key`: of the pair under which it stands, in arrays too; empty where there is none.
  virtual bool Text(JsonBuffer& out, std::string_view key, std::string_view text) = 0;
  // A bytes value, likewise.
  virtual bool Bytes(JsonBuffer& out, std::string_view key, ByteView bytes) = 0;
};

// What a writer is given and what it met on the way.
struct ContentNotes {
  Redaction* redaction = nullptr;  // null: everything is written as it is
  bool invalid_utf8 = false;       // a string was written as tagged base64
  std::vector<ByteView> encoded;   // texts and bytes that were written as base64
  std::string_view key;            // the writer's own
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

// One text: a JSON string, or {"u":"<base64>"}, or a mark.
void WriteText(JsonBuffer& out, std::string_view text, ContentNotes& notes);

// One value.
void WriteValue(JsonBuffer& out, const model::AnyValue& value, ContentNotes& notes);

}  // namespace sealtrail::record
