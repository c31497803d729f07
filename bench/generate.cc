// bench_generate: the seeded traffic of generator.h, into request files, to a running store, or
// both.
//
//   bench_generate --records 100000 --days 400 --out DIR          000000-traces.pb, 000001-logs.pb,
//   ... bench_generate --records 100000 --send 127.0.0.1:4317         over OTLP/gRPC, counting the
//   OKs
//
// Prints one JSON object on standard output: what was made, what was acknowledged. `--hits FILE`
// writes the times of the role updates, one a line, from which the answer to the article's query
// follows.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <libdeflate.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/generator.h"
#include "bench/otlp_sender.h"

namespace sealtrail::bench {
namespace {

std::string Gzip(const std::string& body) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(compressor, body.size()), '\0');
  out.resize(
      libdeflate_gzip_compress(compressor, body.data(), body.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

bool WriteFile(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) std::cerr << "cannot write " << path << "\n";
  return static_cast<bool>(out);
}

bool WriteRequests(const std::vector<Request>& requests, const std::string& dir, bool gzip) {
  std::filesystem::create_directories(dir);
  for (size_t i = 0; i < requests.size(); ++i) {
    std::string name = std::to_string(i);
    name.insert(0, 6 - std::min<size_t>(name.size(), 6), '0');
    name += requests[i].is_logs ? "-logs.pb" : "-traces.pb";
    if (gzip) name += ".gz";
    if (!WriteFile(std::filesystem::path(dir) / name,
                   gzip ? Gzip(requests[i].body) : requests[i].body)) {
      return false;
    }
  }
  return true;
}

bool WriteHits(const std::vector<int64_t>& times, const std::string& path) {
  std::string text;
  for (int64_t time : times) text += std::to_string(time) + "\n";
  return WriteFile(path, text);
}

nlohmann::ordered_json Describe(const GeneratorOptions& options, const Totals& totals) {
  return {{"seed", options.seed},          {"end_unix_nano", options.end_unix_nano},
          {"days", options.days},          {"requests", totals.requests},
          {"units", totals.units},         {"selected", totals.selected},
          {"spans", totals.spans},         {"events", totals.events},
          {"logs", totals.logs},           {"bytes", totals.bytes},
          {"trace_ids", totals.trace_ids}, {"role_updates", totals.role_updates.size()}};
}

nlohmann::ordered_json Describe(const SendReport& report) {
  return {{"ok_requests", report.ok_requests}, {"ok_units", report.ok_units},
          {"ok_selected", report.ok_selected}, {"retries", report.retries},
          {"failures", report.failures},       {"first_failure", report.first_failure},
          {"seconds", report.seconds},         {"p50_ms", report.p50_ms},
          {"p99_ms", report.p99_ms},           {"max_ms", report.max_ms},
          {"late_p99_ms", report.late_p99_ms}};
}

int Main(int argc, char** argv) {
  GeneratorOptions options;
  options.records = 10'000;
  SendOptions send;
  std::string out_dir;
  std::string hits_file;
  bool gzip = false;
  CLI::App app("Makes realistic audit traffic: one seed, one byte-identical stream",
               "bench_generate");
  app.add_option("--records", options.records, "records the default selector keeps")
      ->capture_default_str();
  app.add_option("--batch", options.batch, "of these, in a request")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_option("--days", options.days, "that the records are spread over")->capture_default_str();
  app.add_option("--users", options.users)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--logs", options.log_share, "share of log records")->capture_default_str();
  app.add_option("--role-updates", options.role_update_share, "share of role updates")
      ->capture_default_str();
  app.add_option("--end", options.end_unix_nano,
                 "time of the last record, nanoseconds since 1970 [now]");
  app.add_option("--out", out_dir, "folder for request files");
  app.add_option("--hits", hits_file, "file for the times of the role updates");
  app.add_option("--send", send.target, "HOST:PORT of an OTLP/gRPC server");
  app.add_option("--connections", send.connections)->capture_default_str();
  app.add_option("--in-flight", send.in_flight, "requests outstanding on each")
      ->capture_default_str();
  app.add_option("--rate", send.requests_per_second,
                 "requests a second, all connections together; 0: as fast as it goes");
  app.add_flag("--gzip", gzip, "compress files and messages");
  CLI11_PARSE(app, argc, argv);

  if (options.end_unix_nano == 0) {
    options.end_unix_nano = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count();
  }
  const Workload workload = Generate(options);
  nlohmann::ordered_json result = Describe(options, workload.totals);
  if (!out_dir.empty() && !WriteRequests(workload.requests, out_dir, gzip)) return 2;
  if (!hits_file.empty() && !WriteHits(workload.totals.role_updates, hits_file)) return 2;
  bool complete = true;
  if (!send.target.empty()) {
    send.gzip = gzip;
    const SendReport report = SendAll(workload.requests, send);
    complete = report.failures == 0;
    result["send"] = Describe(report);
  }
  std::cout << result.dump() << std::endl;
  return complete ? 0 : 1;
}

}  // namespace
}  // namespace sealtrail::bench

int main(int argc, char** argv) {
  return sealtrail::bench::Main(argc, argv);
}
