// The commands of design §8. Each returns the exit code: 0 done, 1 a finding, 2 could not tell or bad usage.
#pragma once

#include <optional>
#include <string>

#include "env/env.h"

namespace sealtrail::cli {

struct ServeArgs {
  std::string data_dir;
  std::string config_file;
  std::optional<std::string> otlp_grpc, otlp_http, api, signing_state;  // over the file's
};
int Serve(const env::Env& env, const ServeArgs& args);

struct VerifyArgs {
  std::string path;
  std::optional<std::string> vkey;
  std::string policy_file;  // C2SP tlog-policy; empty: none
  std::string tsa_ca_file;  // PEM; empty: no time-stamp authority is believed
  std::string leaf_file;    // the record that a proof file is about; "-": standard input
  bool json = false;
};
int Verify(const env::Env& env, const VerifyArgs& args);

struct QueryArgs {
  std::string data_dir;  // or
  std::string server;    // "http://host:port", with
  std::string token;
  std::string format = "table";
  std::string sql;
};
int Query(const env::Env& env, const QueryArgs& args);

struct ExportArgs {
  std::string data_dir;
  std::optional<uint64_t> from, to;  // both inclusive
};
int Export(const env::Env& env, const ExportArgs& args);

struct KeysArgs {
  std::string data_dir;
  bool rotate = false;
  bool to_file = false;  // of the next key, also where a command holds the current one
  bool json = false;
};
int Keys(const env::Env& env, const KeysArgs& args);

struct AnchorsArgs {
  std::string data_dir;  // of a running store
  std::string clear;     // the witness whose alarm an operator has dealt with; empty: show alone
  bool json = false;
};
int Anchors(const env::Env& env, const AnchorsArgs& args);

struct ExportTlogArgs {
  std::string data_dir;
  std::string tree_dir;  // gets the tree
};
int ExportTlog(const env::Env& env, const ExportTlogArgs& args);

struct ProveArgs {
  std::string data_dir;
  uint64_t seq = 0;
  std::string output;     // a file; empty: standard output
  bool cosigned = false;  // under the newest checkpoint that witnesses cosigned
  bool json = false;      // instead of a proof file
};
int Prove(const env::Env& env, const ProveArgs& args);

struct BackupArgs {
  std::string data_dir;
  std::string target_dir;
  bool with_key = false;
  bool check = false;  // look at what is in place already, too
  bool json = false;
};
int Backup(const env::Env& env, const BackupArgs& args);

struct RestoreArgs {
  std::string from_dir;
  std::string data_dir;
  std::string key_file;       // the signing key, to go on under it; or
  bool new_epoch = false;     // a new one
  uint32_t epoch_number = 0;  // the least one in the new log's name
  std::string signing_state;  // folder
  bool json = false;
};
int Restore(const env::Env& env, const RestoreArgs& args);

struct WitnessArgs {
  std::string data_dir;
  std::string config_file;
};
int Witness(const env::Env& env, const WitnessArgs& args);

// FailedPrecondition where one of the folders is the other or lies in it: what is written into the one would spoil the other.
Status CheckApart(env::FileSystem& files, const std::string& from, const std::string& to);

// Prints "sealtrail: message" on standard error and returns `exit_code`.
int Complain(const std::string& message, int exit_code = 2);

}  // namespace sealtrail::cli
