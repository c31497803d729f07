// The HTTP interface on the API port and on the folder's socket: /healthz, /readyz, /metrics, /api/v1/…, and the
// transparency log under /tlog/ (docs/tlog.md). Errors are problem JSON (RFC 9457).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "anchor/anchor_service.h"
#include "api/entry_reads.h"
#include "api/tlog_files.h"
#include "base/metrics.h"
#include "env/env.h"
#include "ledger/backup_plan.h"
#include "ledger/ledger_reader.h"
#include "ledger/prover.h"
#include "net/byte_budget.h"
#include "net/http_message.h"
#include "net/http_server.h"
#include "query/engine.h"
#include "record/record_sink.h"
#include "record/self_record.h"

namespace sealtrail::api {

struct Readiness {
  Status accepting;                   // OK, or why records are refused
  std::vector<std::string> warnings;  // what an operator should know: an insecure bind, …
};

// Borrowed; all outlive the Api.
struct Services {
  env::Env env;
  const ledger::LedgerReader& reader;
  record::RecordSink* sink;  // null: nothing can be recorded, and answers say so
  query::Engine& engine;
  MetricSet& metrics;
  net::ByteBudget& budget;  // of bodies in memory
  std::function<Readiness()> readiness;
  // Signs a checkpoint over everything durable at the call.
  std::function<void(std::function<void(Status)>)> checkpoint_now;
  // The trail's verifier keys by epoch, the current one last; and a new key that takes over. Null on a folder that is
  // only read.
  std::function<std::vector<std::string>()> vkeys;
  std::function<bool()> key_in_file;  // the current one; else a command holds it
  std::function<void(const std::string& actor, bool to_file, std::function<void(Status)>)>
      rotate_key;
  // Signs a checkpoint, and says which files are a backup of it.
  std::function<void(std::function<void(Result<ledger::BackupPlan>)>)> plan_backup;
  anchor::AnchorService* anchors = nullptr;  // null: none are configured
  std::string anchors_dir;                   // where cosigned checkpoints are kept, if any
  std::string local_token;                   // whoever presents it acts as `local_principal`
  std::string local_principal;               // "local:<user>"
};

// Threads  Safe. Handle may be called from any thread and does not block.
class Api {
 public:
  explicit Api(Services services);

  void Handle(net::HttpRequest request, net::HttpResponder responder);

  // Records who read the log's entries since the last call, where that is not recorded yet: call it every minute and at
  // the end, when nothing is handled any more.
  void RecordEntryReads(std::function<void(Status)> done);

 private:
  struct Call;

  void Health(const Call& call);
  void Ready(const Call& call);
  void Metrics(const Call& call);
  void Query(const Call& call);
  void Leaves(const Call& call);
  void Keys(const Call& call);
  void Anchors(const Call& call);
  void ClearAnchorAlarm(const Call& call);
  void RotateKey(const Call& call);
  void Backup(const Call& call);
  void PlanBackup(const Call& call, bool with_key, const std::string& target);
  void Checkpoint(const Call& call);
  void Proof(const Call& call);
  void Consistency(const Call& call);
  void TlogCheckpoint(const Call& call);
  void TlogTile(const Call& call);
  void TlogEntries(const Call& call, const tlog::TileId& tile);

  // Calls `next` on the worker with a published checkpoint of at least `covered` records, signing one if need be.
  void WithCheckpoint(const Call& call, TreeSize covered,
                      std::function<void(const ledger::CheckpointInfo&)> next);
  // `note`: the signed checkpoint of the tree of `size`; empty if it is not at hand.
  void IssueInclusion(const Call& call, Seq seq, TreeSize size, const std::string& note,
                      const ledger::CheckpointInfo& head);
  void IssueCosigned(const Call& call, Seq seq, const ledger::CheckpointInfo& head);
  void IssueConsistency(const Call& call, TreeSize from, TreeSize to,
                        const ledger::CheckpointInfo& head);
  void Finish(const Call& call, Result<net::HttpResponse> answer);

  // Records an act of the store's own and calls `next` once it is durable; answers 503 itself if that fails.
  void RecordThen(const Call& call, const record::SelfAct& act, std::function<void()> next);

  const Services services_;
  const TlogFiles files_;
  EntryReads reads_;
  ledger::Prover prover_;  // used by the worker alone
  std::unique_ptr<env::Worker>
      worker_;  // makes proofs: those who ask for one may be the ledger's writer
};

}  // namespace sealtrail::api
