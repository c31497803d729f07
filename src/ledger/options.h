#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"
#include "crypto/sha256.h"
#include "ledger/signing_key.h"

namespace sealtrail::ledger {

class LedgerReader;

struct Options {
  std::string data_dir;

  // Who this trail is; empty: what the folder says, or a random one at first start. Another one
  // than the folder's refuses to start.
  std::string origin;

  // A segment is closed when its leaves, or its log, have reached this size, or when its first record is this old.
  uint64_t segment_bytes_max = kSegmentBytes;
  int64_t segment_age_max_ns = 3600 * kNanosPerSecond;
  uint64_t queue_bytes_max =
      kLedgerQueueBytesMax;              // waiting batches; more are refused (Unavailable)
  uint64_t group_bytes_max = 32 * kMiB;  // written before one sync, but for a larger single batch

  // Where the signing record lies; empty: in the folder. Another disk, not restored together with the folder, keeps a
  // restored copy from signing a second history.
  std::string signing_state_dir;

  // Keys whose private half is elsewhere: one that signs now, or for the first start; one to take over at the next
  // rotation. Which one signs is what the folder says (docs/formats/checkpoint.md, "Keys").
  std::optional<ExternalSigner> signer;
  std::optional<ExternalSigner> next_signer;

  // Asked after recovery and before anything is written or signed: whether others have seen the same history. An error
  // refuses the start. May read everything that is there. `log_origin`: that of the checkpoints, as witnesses know it.
  std::function<Status(const std::string& log_origin, const LedgerReader&)> start_check;

  // What the manifests say was in force when their segments were sealed.
  std::optional<crypto::Hash> rules_digest;   // of the vocabulary
  std::optional<crypto::Hash> config_digest;  // of the configuration

  // Ingest is refused while fewer bytes are free, and resumes by itself. 0: no floor.
  uint64_t min_free_bytes = 0;

  int64_t checkpoint_interval_ns = kNanosPerSecond;
  int64_t heartbeat_interval_ns = 60 * kNanosPerSecond;
};

}  // namespace sealtrail::ledger
