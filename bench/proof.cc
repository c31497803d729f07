// How long a proof takes: inclusion of random records in the newest signed tree, in process, on a ledger of sealed segments
// and a log. One at a time, as one who asks would wait; each reads and hashes the whole block of its record.
//
// Checks itself: every proof is checked once more against the signed root, with a leaf hash made from the record as the
// reader gives it.
// Peer: SHA-256 over the leaves of one block alone, which no proof that trusts nothing stored can do without.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "bench/generator.h"
#include "env/env.h"
#include "ledger/ledger.h"
#include "ledger/prover.h"
#include "pipeline/audit_pipeline.h"
#include "tlog/hashes.h"

namespace sealtrail::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kInFlightMax = 32;  // requests

double MicrosSince(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

[[noreturn]] void Die(const std::string& text) {
  std::fprintf(stderr, "bench_proof: %s\n", text.c_str());
  std::exit(1);
}

// Records by way of the pipeline, as they are generated.
// `in_flight` is 0 before and after.
void Fill(ledger::Ledger& ledger, MetricSet& metrics, uint64_t records, uint64_t seed,
          std::atomic<int>& in_flight) {
  const env::Env env = env::RealEnv();
  pipeline::AuditPipeline pipeline(env, pipeline::Selector({"audit.action"}), ledger, metrics);
  Generator generator({.seed = seed, .records = records, .end_unix_nano = Value(env.clock.Now())});
  while (std::optional<Request> request = generator.Next()) {
    for (int now = in_flight; now >= kInFlightMax; now = in_flight) in_flight.wait(now);
    ++in_flight;
    pipeline.Export(request->is_logs ? pipeline::Signal::kLogs : pipeline::Signal::kTraces,
                    otlp::Encoding::kProtobuf, SharedBytes::FromText(std::move(request->body)),
                    {.principal = "local",
                     .peer = "127.0.0.1:50412",
                     .client_software = "OTel-OTLP-Exporter-Bench/1.0",
                     .transport = pipeline::Transport::kGrpc,
                     .received_at = env.clock.Now()},
                    [&](const Status& status) {
                      if (!status.ok()) Die(status.ToString());
                      --in_flight;
                      in_flight.notify_one();
                    });
  }
  for (int now = in_flight; now > 0; now = in_flight) in_flight.wait(now);
}

Status WaitFor(const std::function<void(std::function<void(Status)>)>& start) {
  std::atomic<bool> done{false};
  Status status;
  start([&](const Status& s) {
    status = s;
    done = true;
    done.notify_one();
  });
  done.wait(false);
  return status;
}

void CheckOnceMore(const ledger::Ledger& ledger, const ledger::InclusionProof& proof,
                   const ledger::CheckpointInfo& head) {
  const auto range = ledger.Read(proof.index, 1, kMiB);
  if (!range.ok()) Die(range.status().ToString());
  const Status good = tlog::VerifyInclusion(proof.index, head.size,
                                            tlog::LeafHash(AsBytes(range->records.at(0).leaf)),
                                            proof.hashes, head.root);
  if (!good.ok()) Die(fmt::format("record {}: {}", Value(proof.index), good.message()));
}

// Microseconds that the leaf hashes of one block take, on average.
double HashOfABlock(const ledger::Ledger& ledger, uint64_t size) {
  constexpr int kRounds = 50;
  double micros = 0;
  for (int i = 0; i < kRounds; ++i) {
    const uint64_t first = (size / 256 - 1) * static_cast<uint64_t>(i) / kRounds * 256;
    const auto range = ledger.Read(Seq{first}, 256, 32 * kMiB);
    if (!range.ok()) Die(range.status().ToString());
    const Clock::time_point start = Clock::now();
    for (const ledger::RecordView& record : range->records)
      (void)tlog::LeafHash(AsBytes(record.leaf));
    micros += MicrosSince(start);
  }
  return micros / kRounds;
}

int Run(const std::string& data, uint64_t records, uint64_t proofs, uint64_t seed) {
  MetricSet metrics;
  auto opened = ledger::Ledger::Open(env::RealEnv(), {.data_dir = data}, metrics,
                                     [](const Status& s) { Die(s.ToString()); });
  if (!opened.ok()) Die(opened.status().ToString());
  ledger::Ledger& ledger = **opened;
  std::atomic<int> in_flight{0};  // outlives whoever counts it down
  Fill(ledger, metrics, records, seed, in_flight);
  const Status covered =
      WaitFor([&](std::function<void(Status)> done) { ledger.CheckpointNow(std::move(done)); });
  if (!covered.ok()) Die(covered.ToString());

  const ledger::CheckpointInfo head = ledger.checkpoint();
  const uint64_t size = Value(head.size);
  ledger::Prover prover(ledger);
  Rng rng(seed);
  const auto timed = [&](double& micros) {
    const Seq seq{rng.Below(size)};
    const Clock::time_point start = Clock::now();
    auto proof = prover.ProveInclusion(seq, head.size, head);
    micros = MicrosSince(start);
    if (!proof.ok()) Die(proof.status().ToString());
    return *std::move(proof);
  };
  double first = 0;
  CheckOnceMore(ledger, timed(first), head);
  std::vector<double> micros(proofs);
  for (double& each : micros) CheckOnceMore(ledger, timed(each), head);
  std::ranges::sort(micros);
  const double peer = HashOfABlock(ledger, size);
  const size_t segments = ledger.segments().size();
  const Status closed =
      WaitFor([&](std::function<void(Status)> done) { ledger.Close(std::move(done)); });
  if (!closed.ok()) Die(closed.ToString());

  const double median = micros[proofs / 2], p99 = micros[proofs * 99 / 100];
  const nlohmann::json result = {
      {"records", records},
      {"median_us", median},
      {"p99_us", p99},
      {"peer", fmt::format("SHA-256 over one block of 256 leaves alone: {:.0f} µs", peer)},
      {"detail",
       fmt::format("{} proofs in a tree of {} records, {} segments; median {:.0f} µs, 99 % {:.0f} "
                   "µs, the first under a new checkpoint {:.0f} µs",
                   proofs, size, segments, median, p99, first)}};
  std::printf("%s\n", result.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace sealtrail::bench

int main(int argc, char** argv) {
  CLI::App app("One proof of inclusion, in process");
  std::string data;
  uint64_t records = 1'000'000, proofs = 10'000, seed = 1;
  app.add_option("--data", data, "A folder that is not there yet, on the disk to measure")
      ->required();
  app.add_option("--records", records)->check(CLI::Range(uint64_t{1000}, uint64_t{1} << 40));
  app.add_option("--proofs", proofs)->check(CLI::Range(uint64_t{100}, uint64_t{1} << 30));
  app.add_option("--seed", seed);
  CLI11_PARSE(app, argc, argv);
  return sealtrail::bench::Run(data, records, proofs, seed);
}
