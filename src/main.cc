// The program `sealtrail`: reads the command line and calls the command.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "env/user.h"
#include "query/worker.h"

namespace sealtrail::cli {
namespace {

constexpr int kBadUsage = 2;

// Options that a command needs and CLI11 fills in.
struct Parsed {
  ServeArgs serve;
  VerifyArgs verify;
  QueryArgs query;
  ExportArgs export_args;
};

CLI::App* AddServe(CLI::App& app, ServeArgs& args) {
  CLI::App* command = app.add_subcommand("serve", "Run the store: OTLP in, SQL out");
  command->add_option("--data", args.data_dir, "The data folder; made if absent")->required();
  command->add_option("--config", args.config_file, "Configuration (YAML)");
  command->add_option("--otlp-grpc", args.otlp_grpc, "OTLP/gRPC listener, host:port");
  command->add_option("--otlp-http", args.otlp_http, "OTLP/HTTP listener, host:port");
  command->add_option("--api", args.api, "API listener, host:port");
  return command;
}

CLI::App* AddVerify(CLI::App& app, VerifyArgs& args) {
  CLI::App* command = app.add_subcommand(
      "verify", "Re-derive a store from its bytes; exit 0 sound, 1 not, 2 cannot tell");
  command->add_option("path", args.path, "The data folder")->required();
  command->add_option("--vkey", args.vkey,
                      "The verifier key that you were given, not the folder's own");
  command->add_flag("--json", args.json, "Print the report as JSON");
  return command;
}

CLI::App* AddQuery(CLI::App& app, QueryArgs& args) {
  CLI::App* command = app.add_subcommand("query", "Ask the trail in SQL");
  auto* data = command->add_option("--data", args.data_dir,
                                   "The data folder, of a running store or a stopped one");
  auto* server = command->add_option("--server", args.server, "A running store, http://host:port");
  data->excludes(server);
  command->add_option("--token", args.token, "Token for --server")->needs(server);
  command->add_option("--format", args.format, "table, csv, json or ndjson")
      ->check(CLI::IsMember({"table", "csv", "json", "ndjson"}));
  command->add_option("sql", args.sql, "One SELECT; - reads it from standard input")->required();
  return command;
}

CLI::App* AddExport(CLI::App& app, ExportArgs& args) {
  CLI::App* command = app.add_subcommand("export", "Print exact leaves, one a line");
  command
      ->add_option("--data", args.data_dir, "The data folder, of a running store or a stopped one")
      ->required();
  command->add_option("--from", args.from, "First record number");
  command->add_option("--to", args.to, "Last record number, inclusive");
  return command;
}

int Main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == query::kWorkerArgument) {
    return query::RunQueryWorker(query::kWorkerChannelFd);
  }
  CLI::App app("Sealtrail: the audit trail store for OpenTelemetry");
  app.require_subcommand(1);
  app.set_version_flag("--version", SEALTRAIL_VERSION);
  Parsed parsed;
  const CLI::App* serve = AddServe(app, parsed.serve);
  const CLI::App* verify = AddVerify(app, parsed.verify);
  const CLI::App* query = AddQuery(app, parsed.query);
  const CLI::App* export_command = AddExport(app, parsed.export_args);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadUsage;
  }
  env::KeepFilesPrivate();
  const env::Env env = env::RealEnv();
  if (serve->parsed()) return Serve(env, parsed.serve);
  if (verify->parsed()) return Verify(env, parsed.verify);
  if (query->parsed()) return Query(env, parsed.query);
  if (export_command->parsed()) return Export(env, parsed.export_args);
  return kBadUsage;
}

}  // namespace
}  // namespace sealtrail::cli

int main(int argc, char** argv) {
  return sealtrail::cli::Main(argc, argv);
}
