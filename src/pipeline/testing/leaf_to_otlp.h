// A leaf back to the protobuf message it came from, for tests: written from docs/formats/record.md alone, with
// protobuf's own classes and another JSON library than the writer's.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <google/protobuf/message.h>

namespace sealtrail::pipeline::testing {

// Rebuilds into `request` (an empty Export*ServiceRequest whose strings are bytes) the one span or log of `leaf`, under
// its resource and scope. Contents beside are looked up with `beside(base64 hash)`. Aborts on a leaf that does not follow
// the specification.
void LeafToOtlp(std::string_view leaf, const std::function<std::string(const std::string&)>& beside,
                google::protobuf::Message& request);

// The same for the event of a span_event leaf: into a Span.Event, and its `sp` into a Span.
void EventLeafToOtlp(std::string_view leaf,
                     const std::function<std::string(const std::string&)>& beside,
                     google::protobuf::Message& event, google::protobuf::Message& span);

}  // namespace sealtrail::pipeline::testing
