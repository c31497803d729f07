// The one configuration file: YAML, every key in docs/configuration.md, validated whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anchor/options.h"
#include "base/limits.h"
#include "base/status.h"
#include "crypto/sha256.h"
#include "net/options.h"

namespace sealtrail::config {

// Who signs for the trail: a program and its arguments, and the key that it has.
struct SignerCommand {
  std::vector<std::string> command;
  std::string vkey;
};

// What is taken out of records before they are stored: docs/design/redaction.md.
struct Redaction {
  std::string rules_file;            // rules of one's own; empty: none
  bool without_all = false;          // without: all
  std::vector<std::string> without;  // names of built-in rules that are off
  std::string hmac_key_file;         // empty: no rule may ask for a digest
};

struct Config {
  std::string origin;  // empty: as the folder says, or a random one

  // "host:port"; port 0 picks a free one.
  std::string otlp_grpc = "127.0.0.1:4317";
  std::string otlp_http = "127.0.0.1:4318";
  std::string api = "127.0.0.1:8470";

  // TLS of each; unset: none.
  std::optional<net::TlsOptions> otlp_grpc_tls;
  std::optional<net::TlsOptions> otlp_http_tls;
  std::optional<net::TlsOptions> api_tls;

  // Allows listening beyond loopback without TLS and authentication.
  bool insecure_bind = false;

  bool select_all = false;  // select: all
  std::vector<std::string> select_attributes = {"audit.action"};

  Redaction redaction;

  std::optional<uint64_t> min_free_bytes;  // unset: the lesser of 5 % of the disk and 2 GiB

  // A segment is sealed when its records take that many bytes, or when its first one is that old.
  uint64_t segment_bytes_max = kSegmentBytes;
  uint64_t segment_age_max_seconds = 3600;

  // Repeats are recognised among so many identities, this far back.
  uint64_t identities_max = kIdentitiesMax;
  uint64_t identity_hours_max = kIdentityHoursMax;

  std::string signing_state;  // folder of the signing record; empty: signing/ in the data folder

  std::optional<SignerCommand> signer;       // unset: the key is a file
  std::optional<SignerCommand> next_signer;  // that of the next rotation

  anchor::Options anchors;         // `dir` and `policy` are the server's to set
  std::string anchor_policy_file;  // path of a C2SP tlog-policy; empty: no witnesses

  std::optional<crypto::Hash> digest;  // SHA-256 of the file; none where there is no file

  bool index_paused = false;  // queries still see everything; no parts are made
};

// That of `sealtrail witness`; `data_dir` is the caller's. Errors as below; a name and one log at least are needed.
Result<anchor::WitnessOptions> ParseWitnessConfig(std::string_view yaml, const std::string& name);

// Defaults for an empty text. InvalidArgument: "NAME:LINE: what is wrong, what is expected".
Result<Config> ParseConfig(std::string_view yaml, const std::string& name);

// Whether "host:port" can be reached from this machine alone. InvalidArgument if it is no such text.
Result<bool> IsLoopback(const std::string& address);

// InvalidArgument unless every listener is on loopback, or asks its clients for certificates, or `insecure_bind` is set;
// says what to do.
Status CheckBinds(const Config& config);

}  // namespace sealtrail::config
