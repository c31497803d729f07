// What an operator chooses about outside anchors, and about a witness for other people's logs.
// Keys and defaults for people: docs/configuration.md, docs/witness.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"

namespace sealtrail::anchor {

struct TransportOptions {
  int64_t connect_timeout_ns = 5 * kNanosPerSecond;
  int64_t total_timeout_ns = 10 * kNanosPerSecond;
  std::string ca_file;  // PEM; empty: the system's authorities
  std::string proxy;    // "http://host:port"; empty: none
};

struct TimeStampAuthority {
  std::string url;
  // PEM: who may vouch for its tokens. Required: nothing says that the system's authorities for web
  // servers may also tell the time.
  std::string ca_file;
};

// What happens to new records while no anchor can be had.
enum class FailMode {
  kOpen,    // they are taken; the state is shown and recorded
  kClosed,  // they are refused once the last anchor is older than `age_max_ns`
};

struct Options {
  std::string dir;  // DATA/anchors; made where it is absent

  // A C2SP tlog-policy: its witnesses that have a URL are asked, its quorum must be met. Empty: no
  // witnesses.
  std::string policy;
  // For witnesses whose monitoring prefix is not their submission prefix: by name in the policy.
  std::map<std::string, std::string> monitoring_urls;
  int64_t witness_interval_ns = 30 * kNanosPerSecond;

  std::vector<TimeStampAuthority> authorities;
  int64_t stamp_interval_ns = 3'600 * kNanosPerSecond;

  FailMode fail_mode = FailMode::kOpen;
  int64_t age_max_ns = 600 * kNanosPerSecond;  // kClosed only

  TransportOptions transport;
};

// One log that our witness watches: the keys that may sign its checkpoints (vkeys of one name, which
// is its origin).
struct WitnessedLog {
  std::vector<std::string> vkeys;
  int requests_per_minute_max = 60;  // to be cosigned; all others are cheap
};

// Our own witness.
struct WitnessOptions {
  std::string data_dir;  // its own, never that of a store; made where it is absent
  std::string listen = "127.0.0.1:8471";
  std::string name;  // of its key, a URL without scheme: "witness.example.com/w1"
  std::vector<WitnessedLog> logs;
};

}  // namespace sealtrail::anchor
