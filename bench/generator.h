// Realistic audit traffic as OTLP requests, for benchmarks and tests: one seed, one byte-identical
// stream.
//
// The world: people with a role, a department and a home address, chosen by Zipf's law; services
// with instances and versions; the article's spans and logs with all that OTLP lets them carry
// (attributes of every type, events, links, status, severity, bodies). Ids are random and times
// have nanosecond jitter, because both decide how well records compress. Times rise from `end -
// days` to `end`.
//
// Counted units are spans, span events and log records. *Selected* are those that carry
// `audit.action`, which the default selector keeps: what a store must answer with is known
// beforehand, so each benchmark checks itself.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sealtrail::bench {

// splitmix64 seeds xoshiro256** (Blackman, Vigna): the same everywhere, unlike std's distributions.
class Rng {
 public:
  explicit Rng(uint64_t seed);

  uint64_t Next();
  // 0 to `bound` - 1. Multiply and shift: a bias of 2^-64 times `bound` does not matter here.
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }
  bool Chance(double share) { return static_cast<double>(Next() >> 11) * 0x1p-53 < share; }

 private:
  std::array<uint64_t, 4> state_;
};

// Ranks 0 to n - 1, rank r with weight 1 / (r + 1).
class Zipf {
 public:
  explicit Zipf(size_t n);
  size_t Draw(Rng& rng) const;

 private:
  std::vector<double> cumulative_;
};

struct GeneratorOptions {
  uint64_t seed = 1;
  uint64_t records = 1'000'000;  // selected units in the whole stream
  uint32_t batch = 1'000;  // selected units a request, at least 1; the last one holds the rest
  uint32_t users = 5'000;
  uint32_t days = 400;
  int64_t end_unix_nano = 0;  // the last record lies just before
  double role_update_share = 0.001;
  double log_share = 0.1;              // selected units that are log records
  double approval_event_share = 0.02;  // spans with a selected event
  double other_event_share = 0.02;     // spans with an event that is not selected
};

struct Request {
  bool is_logs = false;
  std::string body;       // ExportTraceServiceRequest or ExportLogsServiceRequest, protobuf
  uint32_t units = 0;     // counted
  uint32_t selected = 0;  // of these, kept by the default selector
};

struct Totals {
  uint64_t requests = 0;
  uint64_t units = 0;
  uint64_t selected = 0;
  uint64_t spans = 0;
  uint64_t events = 0;
  uint64_t logs = 0;
  uint64_t bytes = 0;
  uint64_t trace_ids = 0;  // distinct ones
  // Start times of the spans whose audit.action is role_update, ascending: what the article's query
  // asks for.
  std::vector<int64_t> role_updates;
};

class Generator {
 public:
  explicit Generator(const GeneratorOptions& options);
  ~Generator();

  // The next request, or nothing once `records` selected units were made.
  std::optional<Request> Next();

  // Of everything made so far.
  const Totals& totals() const { return totals_; }

 private:
  struct World;

  std::string MakeTraces(Request& request, uint32_t selected_wanted);
  std::string MakeLogs(Request& request, uint32_t selected_wanted);
  int64_t Tick();

  const GeneratorOptions options_;
  Rng rng_;
  const std::unique_ptr<const World> world_;
  std::array<uint8_t, 16> trace_id_{};
  uint64_t made_ = 0;  // selected units, for the clock
  Totals totals_;
};

// The whole stream in memory.
struct Workload {
  std::vector<Request> requests;
  Totals totals;
};
Workload Generate(const GeneratorOptions& options);

}  // namespace sealtrail::bench
