// How fast requests in memory become durable records, in process: decode, select, canonical form, redaction, leaf hash, running
// hash, tree, write, sync, checkpoints. Two producers, as many as the cores this is built for.
//
// Checks itself: every unit that the generator counted is stored, and verify, which shares no code with the writer,
// finds the ledger sound with the root that its checkpoint signs.
// Peer: the disk alone, the same bytes written and synced in pieces of 8 MiB.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "base/limits.h"
#include "bench/generator.h"
#include "dedupe/deduper.h"
#include "env/env.h"
#include "ledger/ledger.h"
#include "pipeline/audit_pipeline.h"
#include "verify/verify.h"
#include "vocab/redaction_rules.h"

namespace sealtrail::bench {
namespace {

constexpr int kProducers = 2;
constexpr int kInFlightMax = 32;  // requests of one producer, as a sender with 32 streams has

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void Die(const std::string& text) {
  std::fprintf(stderr, "bench_ingest: %s\n", text.c_str());
  std::exit(1);
}

// Of all threads of this process, so far.
double CpuSeconds() {
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Lets at most kInFlightMax requests of one producer wait for their answer.
class Window {
 public:
  void Enter() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return in_flight_ < kInFlightMax; });
    ++in_flight_;
  }
  void Leave() {
    const std::lock_guard lock(mutex_);
    --in_flight_;
    room_.notify_one();
  }
  void WaitEmpty() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return in_flight_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  int in_flight_ = 0;
};

// Sends its share of the requests and waits for the last answer.
void Produce(const std::vector<Request>& requests, size_t first, pipeline::AuditPipeline& pipeline,
             std::atomic<uint64_t>& failures) {
  Window window;
  for (size_t i = first; i < requests.size(); i += kProducers) {
    window.Enter();
    const Request& request = requests[i];
    pipeline.Export(request.is_logs ? pipeline::Signal::kLogs : pipeline::Signal::kTraces,
                    otlp::Encoding::kProtobuf, SharedBytes(AsBytes(request.body), nullptr),
                    {.principal = "local",
                     .peer = "127.0.0.1:50412",
                     .client_software = "OTel-OTLP-Exporter-Bench/1.0",
                     .transport = pipeline::Transport::kGrpc,
                     .received_at = env::RealEnv().clock.Now()},
                    [&](const Status& status) {
                      if (!status.ok()) failures.fetch_add(1);
                      window.Leave();
                    });
  }
  window.WaitEmpty();
}

// Bytes per second that this disk takes, synced every 8 MiB.
double DiskBytesPerSecond(const std::string& path, uint64_t bytes) {
  env::FileSystem& files = env::RealEnv().files;
  auto file = files.Create(path);
  if (!file.ok()) Die(file.status().ToString());
  Bytes piece(8 * kMiB);
  env::RealEnv().random.Fill(piece);
  const Clock::time_point start = Clock::now();
  for (uint64_t done = 0; done < bytes; done += piece.size()) {
    if (!(*file)->Append(piece).ok() || !(*file)->Sync().ok()) Die("the disk cannot be measured");
  }
  const double seconds = SecondsSince(start);
  (void)files.Remove(path);
  return static_cast<double>(bytes) / seconds;
}

int Run(const std::string& data, uint64_t records, uint64_t seed) {
  const env::Env env = env::RealEnv();
  const Workload workload =
      Generate({.seed = seed, .records = records, .end_unix_nano = Value(env.clock.Now())});
  MetricSet metrics;
  auto ledger = ledger::Ledger::Open(env, {.data_dir = data}, metrics,
                                     [](const Status& s) { Die(s.ToString()); });
  if (!ledger.ok()) Die(ledger.status().ToString());
  const auto rules = vocab::LoadRedactionRules(vocab::BuiltInRedaction());
  if (!rules.ok()) Die(rules.status().ToString());
  auto redactor = pipeline::Redactor::Make(
      {.rules = rules->rules, .keep = rules->keep, .hmac_key = {}}, metrics);
  if (!redactor.ok()) Die(redactor.status().ToString());
  dedupe::Deduper deduper(env, **ledger, **ledger, {}, metrics);
  pipeline::AuditPipeline pipeline(env, pipeline::Selector({"audit.action"}), deduper, metrics,
                                   *std::move(redactor));

  std::atomic<uint64_t> failures{0};
  const double cpu_before = CpuSeconds();
  const Clock::time_point start = Clock::now();
  {
    std::vector<std::jthread> producers;
    for (size_t i = 0; i < kProducers; ++i) {
      producers.emplace_back([&, i] { Produce(workload.requests, i, pipeline, failures); });
    }
  }
  const double seconds = SecondsSince(start);
  const double cpu_seconds = CpuSeconds() - cpu_before;
  if (failures != 0) Die(fmt::format("{} requests failed", failures.load()));

  const uint64_t before_stop = Value((*ledger)->heights().durable);
  std::atomic<bool> closed{false};
  Status close_status;
  deduper.Stop();
  (*ledger)->Close([&](const Status& s) {
    close_status = s;
    closed = true;
    closed.notify_one();
  });
  closed.wait(false);
  if (!close_status.ok()) Die(close_status.ToString());
  uint64_t ledger_bytes = 0;
  for (const ledger::SegmentInfo& segment : (*ledger)->segments()) ledger_bytes += segment.bytes;
  const ledger::CheckpointInfo head = (*ledger)->checkpoint();
  ledger->reset();

  const verify::Report report = verify::Verify(verify::FolderSource(env.files, data), {});
  if (report.verdict != verify::Verdict::kSound)
    Die("the ledger does not verify:\n" + verify::ReportText(report));
  if (report.root != head.root) Die("verify finds another root than the checkpoint");
  uint64_t leaf_bytes = 0, syncs = 0, stored = 0, own = 0;
  for (const MetricSet::Sample& sample : metrics.Collect()) {
    if (sample.name == "sealtrail_ledger_leaf_bytes_total")
      leaf_bytes = static_cast<uint64_t>(sample.value);
    if (sample.name == "sealtrail_ledger_syncs_total") syncs = static_cast<uint64_t>(sample.value);
    if (sample.name == "sealtrail_source_units_total" && sample.labels.back().second == "stored") {
      stored += static_cast<uint64_t>(sample.value);
    }
  }
  own = report.size - stored;
  if (stored != workload.totals.selected)
    Die(fmt::format("sent {}, stored {}", workload.totals.selected, stored));
  if (before_stop < stored || own > 100)
    Die(fmt::format("{} records of the store's own are too many", own));

  const double bytes_a_record =
      static_cast<double>(ledger_bytes) / static_cast<double>(report.size);
  const double disk = DiskBytesPerSecond(data + ".disk", ledger_bytes);
  const nlohmann::json result = {
      {"records", stored},
      {"seconds", seconds},
      {"records_per_second", static_cast<double>(stored) / seconds},
      {"leaf_bytes", leaf_bytes},
      {"syncs", syncs},
      {"trace_ids", workload.totals.trace_ids},
      {"peer", fmt::format("the disk alone takes {:.0f} records/s of these bytes ({:.0f} MB/s)",
                           disk / bytes_a_record, disk / 1e6)},
      {"detail", fmt::format("{:.0f} B a leaf, {:.0f} B a record on disk, {} syncs, {:.2f} CPU s a "
                             "million, {} distinct trace ids",
                             static_cast<double>(leaf_bytes) / static_cast<double>(report.size),
                             bytes_a_record, syncs, cpu_seconds * 1e6 / static_cast<double>(stored),
                             workload.totals.trace_ids)}};
  std::printf("%s\n", result.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace sealtrail::bench

int main(int argc, char** argv) {
  CLI::App app("Requests in memory to durable records, in process");
  std::string data;
  uint64_t records = 1'000'000, seed = 1;
  app.add_option("--data", data, "A folder that is not there yet, on the disk to measure")
      ->required();
  app.add_option("--records", records);
  app.add_option("--seed", seed);
  CLI11_PARSE(app, argc, argv);
  return sealtrail::bench::Run(data, records, seed);
}
