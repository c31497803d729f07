// The commands of design §8. Each returns the exit code: 0 done, 1 a finding, 2 could not tell or bad usage.
#pragma once

#include <optional>
#include <string>

#include "env/env.h"

namespace sealtrail::cli {

struct ServeArgs {
  std::string data_dir;
  std::string config_file;
  std::optional<std::string> otlp_grpc, otlp_http, api;  // over the file's
};
int Serve(const env::Env& env, const ServeArgs& args);

struct VerifyArgs {
  std::string path;
  std::optional<std::string> vkey;
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

// Prints "sealtrail: message" on standard error and returns `exit_code`.
int Complain(const std::string& message, int exit_code = 2);

}  // namespace sealtrail::cli
