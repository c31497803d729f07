// Signs tree heads and makes them durable: what takes long of a checkpoint, so that it can be done beside the writer.
// docs/formats/checkpoint.md.
#pragma once

#include "env/env.h"
#include "ledger/ledger_reader.h"
#include "ledger/signing_record.h"
#include "ledger/trail_keys.h"
#include "ledger/trail_paths.h"

namespace sealtrail::ledger {

// What to sign. Everything in the tree is durable.
struct SigningTask {
  tlog::Checkpoint head;
  TrailKeys keys;          // as they are now
  bool hand_over = false;  // to keys.next, for which `head` ends with the record that names it
};

struct SignedHead {
  CheckpointInfo checkpoint;  // durable; its note is empty where the key did not sign
  TrailKeys keys;             // as they are now
  Status refusal;  // why the key did not sign: nothing but the signing record has changed
};

// Threads  Compatible: the writer does nothing with it while a task is under way on another thread.
// Errors   One that is returned is the disk's, or the signing record's, and final.
class CheckpointSigner {
 public:
  CheckpointSigner(const env::Env& env, const TrailPaths& paths, SigningRecord record)
      : env_(env), paths_(paths), record_(std::move(record)) {}

  const std::optional<SigningState>& state() const { return record_.state(); }

  // First the intent is durable, then the signature is made, then the note is durable: at its place as the newest
  // checkpoint, and before that, for a hand-over, as the note of its epoch.
  Result<SignedHead> Sign(SigningTask task);

 private:
  const env::Env env_;
  const TrailPaths paths_;
  SigningRecord record_;
};

}  // namespace sealtrail::ledger
