// The one configuration file: YAML, every key in docs/configuration.md, validated whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace sealtrail::config {

struct Config {
  std::string origin;  // empty: as the folder says, or a random one

  // "host:port"; port 0 picks a free one.
  std::string otlp_grpc = "127.0.0.1:4317";
  std::string otlp_http = "127.0.0.1:4318";
  std::string api = "127.0.0.1:8470";

  // Allows listening beyond loopback without TLS and authentication.
  bool insecure_bind = false;

  bool select_all = false;  // select: all
  std::vector<std::string> select_attributes = {"audit.action"};

  std::optional<uint64_t> min_free_bytes;  // unset: the lesser of 5 % of the disk and 2 GiB

  bool index_paused = false;  // queries still see everything; no parts are made
};

// Defaults for an empty text. InvalidArgument: "NAME:LINE: what is wrong, what is expected".
Result<Config> ParseConfig(std::string_view yaml, const std::string& name);

// Whether "host:port" can be reached from this machine alone. InvalidArgument if it is no such text.
Result<bool> IsLoopback(const std::string& address);

// InvalidArgument unless every listener is on loopback or `insecure_bind` is set; says what to do.
Status CheckBinds(const Config& config);

}  // namespace sealtrail::config
