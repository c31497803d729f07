// What the decoders of both encodings call the fields in which traces and logs differ, for errors
// and as JSON's keys. Their numbers are the same.
#pragma once

#include <cstddef>

#include "model/telemetry.h"

namespace sealtrail::otlp {

constexpr size_t kTraceIdBytes = 16;
constexpr size_t kSpanIdBytes = 8;

template <typename Item>
struct Names;
template <>
struct Names<model::Span> {
  static constexpr const char* kResources = "resource_spans";
  static constexpr const char* kScopes = "scope_spans";
  static constexpr const char* kLibraries = "instrumentation_library_spans";  // until 2022
  static constexpr const char* kItems = "spans";
};
template <>
struct Names<model::LogRecord> {
  static constexpr const char* kResources = "resource_logs";
  static constexpr const char* kScopes = "scope_logs";
  static constexpr const char* kLibraries = "instrumentation_library_logs";
  static constexpr const char* kItems = "log_records";
};

}  // namespace sealtrail::otlp
