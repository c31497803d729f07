// A second reader of OTLP, for tests: protobuf's own parser, and requests made at random. The
// classes are built at run time from the descriptors that opentelemetry-proto publishes.
#pragma once

#include <memory>
#include <random>
#include <string>

#include <google/protobuf/message.h>

#include "base/bytes.h"
#include "model/telemetry.h"

namespace sealtrail::otlp::testing {

using Random = std::mt19937_64;

enum class Signal { kTraces, kLogs };

// An empty ExportTraceServiceRequest or ExportLogsServiceRequest. Aborts with a message that says
// what to do if the descriptors are missing. Without the two fields that count as unknown outside
// profiles (strindex).
std::unique_ptr<google::protobuf::Message> NewRequest(Signal signal);

// The same, but every `string` is `bytes`, so that the parser takes text that is not UTF-8, as we
// do.
std::unique_ptr<google::protobuf::Message> NewLaxRequest(Signal signal);

struct Shape {
  int repeated_max = 3;
  int value_depth_max = 4;      // of AnyValue in AnyValue
  bool unknown_fields = false;  // of every wire type, groups too, in any message
  bool finite_doubles = false;
};

// Fills an empty message of any type: every field may be set or not, oneofs to any member, enums to
// any number, text to anything that is UTF-8, ids to none or their length.
void Fill(google::protobuf::Message& message, Random& random, const Shape& shape);

// Serialized, but with the fields of every message in any order, singular messages in two parts at
// times, and some singular fields written twice: all that protobuf allows and no serializer does.
std::string SerializeWildly(const google::protobuf::Message& message, Random& random);

// Every field that is set, one a line, by its path; equal texts mean equal requests. `unknown`:
// those fields too.
std::string Dump(const google::protobuf::Message& message, bool unknown = true);
std::string Dump(const model::TracesRequest& request, bool unknown = true);
std::string Dump(const model::LogsRequest& request, bool unknown = true);

}  // namespace sealtrail::otlp::testing
