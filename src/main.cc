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
  KeysArgs keys;
  AnchorsArgs anchors;
  WitnessArgs witness;
  BackupArgs backup;
  RestoreArgs restore;
  std::string tree_dir;  // of export
  ProveArgs prove;
};

CLI::App* AddServe(CLI::App& app, ServeArgs& args) {
  CLI::App* command = app.add_subcommand("serve", "Run the store: OTLP in, SQL out");
  command->add_option("--data", args.data_dir, "The data folder; made if absent")->required();
  command->add_option("--config", args.config_file, "Configuration (YAML)");
  command->add_option("--otlp-grpc", args.otlp_grpc, "OTLP/gRPC listener, host:port");
  command->add_option("--otlp-http", args.otlp_http, "OTLP/HTTP listener, host:port");
  command->add_option("--api", args.api, "API listener, host:port");
  command->add_option("--signing-state", args.signing_state,
                      "Folder of the signing record, best on another disk");
  return command;
}

CLI::App* AddVerify(CLI::App& app, VerifyArgs& args) {
  CLI::App* command = app.add_subcommand(
      "verify", "Re-derive a store from its bytes; exit 0 sound, 1 a finding, 2 cannot tell");
  command
      ->add_option("path", args.path,
                   "A data folder, a folder of tiles as export --tlog writes it, or a proof file")
      ->required();
  command->add_option("--vkey", args.vkey,
                      "The verifier key that you were given, not the folder's own");
  command->add_option("--policy", args.policy_file,
                      "A C2SP tlog-policy: which keys, which witnesses, what quorum");
  command->add_option("--tsa-ca", args.tsa_ca_file,
                      "Certificates (PEM) of the time-stamp authorities that you believe");
  command->add_option("--leaf", args.leaf_file,
                      "With a proof file: the record as it is exported; - reads standard input");
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

CLI::App* AddExport(CLI::App& app, ExportArgs& args, std::string& tree_dir) {
  CLI::App* command = app.add_subcommand(
      "export", "Print exact leaves, one a line; or write the log as static files");
  command
      ->add_option("--data", args.data_dir, "The data folder, of a running store or a stopped one")
      ->required();
  auto* from = command->add_option("--from", args.from, "First record number");
  auto* to = command->add_option("--to", args.to, "Last record number, inclusive");
  command
      ->add_option("--tlog", tree_dir,
                   "Write the whole log into this folder, as C2SP tlog-tiles; again, to bring it "
                   "up to date")
      ->excludes(from)
      ->excludes(to);
  return command;
}

CLI::App* AddProve(CLI::App& app, ProveArgs& args) {
  CLI::App* command = app.add_subcommand(
      "prove", "Prove that a record is in the log: a C2SP tlog-proof with the signed checkpoint");
  command
      ->add_option("--data", args.data_dir, "The data folder, of a running store or a stopped one")
      ->required();
  command->add_option("seq", args.seq, "The record's number")->required();
  command->add_option("-o,--output", args.output, "Write it to this file");
  command->add_flag("--cosigned", args.cosigned,
                    "Under the newest checkpoint that witnesses cosigned, not the newest of all");
  command->add_flag("--json", args.json, "Print the proof as JSON");
  return command;
}

CLI::App* AddKeys(CLI::App& app, KeysArgs& args) {
  CLI::App* command =
      app.add_subcommand("keys", "Show the trail's keys, or let a new one take over");
  command->require_subcommand(1);
  CLI::App* show = command->add_subcommand("show", "The verifier keys, by epoch");
  CLI::App* rotate = command->add_subcommand(
      "rotate", "Make a new key; a record and a checkpoint that both keys sign vouch for it");
  for (CLI::App* each : {show, rotate}) {
    each->add_option("--data", args.data_dir,
                     "The data folder, of a running store or a stopped one")
        ->required();
    each->add_flag("--json", args.json, "Print the answer as JSON");
  }
  rotate->add_flag("--to-file", args.to_file,
                   "The next key is a file in the folder, also where a command holds this one");
  rotate->callback([&args] { args.rotate = true; });
  return command;
}

CLI::App* AddAnchors(CLI::App& app, AnchorsArgs& args) {
  CLI::App* command = app.add_subcommand(
      "anchors", "Show what witnesses and time-stamp authorities say, or end a witness's alarm");
  command->require_subcommand(1);
  CLI::App* show = command->add_subcommand("show", "Kinds, witnesses and authorities, as they are");
  CLI::App* clear = command->add_subcommand(
      "clear", "Ask a witness again after its alarm, once you know why it came; this is recorded");
  for (CLI::App* each : {show, clear}) {
    each->add_option("--data", args.data_dir, "The data folder of a running store")->required();
    each->add_flag("--json", args.json, "Print the answer as JSON");
  }
  clear->add_option("witness", args.clear, "Its name in the policy")->required();
  return command;
}

CLI::App* AddBackup(CLI::App& app, BackupArgs& args) {
  CLI::App* command = app.add_subcommand(
      "backup", "Copy the store into a folder, or bring the copy there up to date");
  command
      ->add_option("--data", args.data_dir, "The data folder, of a running store or a stopped one")
      ->required();
  command->add_option("--to", args.target_dir, "The backup's own folder; made if absent")
      ->required();
  command->add_flag("--with-key", args.with_key, "Copy the signing key too; it is not otherwise");
  command->add_flag("--check", args.check,
                    "Compare what is in the backup already with what it must be");
  command->add_flag("--json", args.json, "Print the answer as JSON");
  return command;
}

CLI::App* AddRestore(CLI::App& app, RestoreArgs& args) {
  CLI::App* command =
      app.add_subcommand("restore", "Make a store out of a backup, after verifying it");
  command->add_option("--from", args.from_dir, "The backup")->required();
  command->add_option("--data", args.data_dir, "The data folder to make; absent or empty")
      ->required();
  auto* key = command->add_option("--key", args.key_file,
                                  "Go on under this signing key: a file as keys/log.key; with "
                                  "--signing-state, which must show that nothing was signed since");
  auto* new_epoch =
      command->add_flag("--new-epoch", args.new_epoch,
                        "Go on under a new key, as a recovered epoch that is recorded");
  new_epoch->excludes(key);
  command
      ->add_option("--epoch-number", args.epoch_number,
                   "The least number in the new log's name, where witnesses know smaller ones")
      ->needs(new_epoch);
  command->add_option("--signing-state", args.signing_state,
                      "Folder of the signing record, best on another disk");
  command->add_flag("--json", args.json, "Print the answer as JSON");
  return command;
}

CLI::App* AddWitness(CLI::App& app, WitnessArgs& args) {
  CLI::App* command =
      app.add_subcommand("witness", "Cosign other people's logs (C2SP tlog-witness)");
  command->add_option("--data", args.data_dir, "The witness's own folder; made if absent")
      ->required();
  command->add_option("--config", args.config_file, "Its configuration (YAML)")->required();
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
  const CLI::App* export_command = AddExport(app, parsed.export_args, parsed.tree_dir);
  const CLI::App* prove = AddProve(app, parsed.prove);
  const CLI::App* keys = AddKeys(app, parsed.keys);
  const CLI::App* anchors = AddAnchors(app, parsed.anchors);
  const CLI::App* backup = AddBackup(app, parsed.backup);
  const CLI::App* restore = AddRestore(app, parsed.restore);
  const CLI::App* witness = AddWitness(app, parsed.witness);
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
  if (export_command->parsed()) {
    if (parsed.tree_dir.empty()) return Export(env, parsed.export_args);
    return ExportTlog(env, {.data_dir = parsed.export_args.data_dir, .tree_dir = parsed.tree_dir});
  }
  if (prove->parsed()) return Prove(env, parsed.prove);
  if (keys->parsed()) return Keys(env, parsed.keys);
  if (anchors->parsed()) return Anchors(env, parsed.anchors);
  if (backup->parsed()) return Backup(env, parsed.backup);
  if (restore->parsed()) return Restore(env, parsed.restore);
  if (witness->parsed()) return Witness(env, parsed.witness);
  return kBadUsage;
}

}  // namespace
}  // namespace sealtrail::cli

int main(int argc, char** argv) {
  return sealtrail::cli::Main(argc, argv);
}
