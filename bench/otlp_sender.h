// Sends prepared OTLP requests over gRPC, as fast as the server takes them or at a given rate.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "bench/generator.h"

namespace sealtrail::bench {

struct SendOptions {
  std::string target;        // "127.0.0.1:4317"
  uint32_t connections = 4;  // each with its own channel and thread
  uint32_t in_flight = 4;    // requests a connection keeps outstanding
  bool gzip = false;         // compressed by gRPC while sending
  double requests_per_second =
      0;  // all connections together, whatever the server does; 0: as fast as it takes them
  double deadline_seconds = 60;
};

struct SendReport {
  uint64_t ok_requests = 0;
  uint64_t ok_units = 0;     // counted units of the requests answered OK
  uint64_t ok_selected = 0;  // of these, kept by the default selector
  uint64_t retries = 0;      // answered UNAVAILABLE and sent again
  uint64_t failures = 0;     // answered otherwise, or retried in vain
  std::string first_failure;
  double seconds = 0;  // first request sent to last answer read
  double p50_ms = 0;   // of an answered request, queueing in the client excluded
  double p99_ms = 0;
  double max_ms = 0;
  double late_p99_ms =
      0;  // with requests_per_second: how much later than planned a request was sent
};

// Sends each request until it is answered; UNAVAILABLE is tried again after 50 ms, up to 200 times.
SendReport SendAll(std::span<const Request> requests, const SendOptions& options);

}  // namespace sealtrail::bench
