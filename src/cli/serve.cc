#include <atomic>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "base/log.h"
#include "cli/commands.h"
#include "config/config.h"
#include "env/signals.h"
#include "server/server.h"

namespace sealtrail::cli {
namespace {

constexpr int64_t kFailureGraceNanos =
    5 * kNanosPerSecond;  // of UNAVAILABLE before the process ends
constexpr size_t kConfigBytesMax = kMiB;

Result<config::Config> LoadConfig(const env::Env& env, const ServeArgs& args) {
  config::Config config;
  if (!args.config_file.empty()) {
    SEAL_ASSIGN_OR_RETURN(const Bytes text,
                          env::ReadFile(env.files, args.config_file, kConfigBytesMax));
    SEAL_ASSIGN_OR_RETURN(config, config::ParseConfig(AsText(text), args.config_file));
  }
  if (args.otlp_grpc) config.otlp_grpc = *args.otlp_grpc;
  if (args.otlp_http) config.otlp_http = *args.otlp_http;
  if (args.api) config.api = *args.api;
  if (args.signing_state) config.signing_state = *args.signing_state;
  SEAL_RETURN_IF_ERROR(config::CheckBinds(config));
  return config;
}

void PrintReady(const server::ReadyInfo& ready) {
  const nlohmann::ordered_json line = {
      {"event", "ready"}, {"otlp_grpc", ready.otlp_grpc}, {"otlp_http", ready.otlp_http},
      {"api", ready.api}, {"origin", ready.origin},       {"vkey", ready.vkey}};
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

}  // namespace

int Complain(const std::string& message, int exit_code) {
  std::fprintf(stderr, "sealtrail: %s\n", message.c_str());
  return exit_code;
}

Status CheckApart(env::FileSystem& files, const std::string& from, const std::string& to) {
  SEAL_ASSIGN_OR_RETURN(const bool overlap, env::Overlap(files, from, to));
  if (!overlap) return OkStatus();
  return FailedPrecondition(
      "{} and {} are one folder, or one lies in the other; give a folder apart", from, to);
}

int Serve(const env::Env& env, const ServeArgs& args) {
  env::BlockSignals();
  const auto config = LoadConfig(env, args);
  if (!config.ok()) return Complain(config.status().message());

  // After a failed disk the server goes on refusing for a while, so that senders learn to wait, and then ends.
  const std::unique_ptr<env::Worker> watchdog = env.executor.StartWorker("watchdog");
  std::atomic<bool> failed{false};
  auto server = server::Server::Start(env, args.data_dir, *config, [&](const Status&) {
    failed = true;
    watchdog->PostAfter(kFailureGraceNanos, [] { env::RaiseStop(); });
  });
  if (!server.ok()) return Complain(server.status().message());
  PrintReady((*server)->ready());

  while (env::WaitForSignal() == env::Signal::kReload) {
    LogLine(LogLevel::kWarning, env.clock.Now(), "reload",
            "the configuration is read at start only: restart to apply it");
  }
  const Status stopped = (*server)->Stop();
  if (failed)
    return Complain(
        "the data disk failed; everything acknowledged is on it, restart when it is mended");
  if (!stopped.ok()) return Complain(fmt::format("stopped, but {}", stopped.message()));
  return 0;
}

}  // namespace sealtrail::cli
