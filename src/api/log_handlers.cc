// The transparency log for people outside: its files under /tlog/, and proofs under /api/v1/. docs/tlog.md.
#include <nlohmann/json.hpp>

#include "anchor/anchor_files.h"
#include "api/answers.h"
#include "api/call.h"
#include "api/problem.h"
#include "base/encoding.h"
#include "base/log.h"
#include "net/accept.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/tlog_proof.h"

namespace sealtrail::api {
namespace {

using nlohmann::json;

json TreeJson(TreeSize size, const crypto::Hash& root) {
  return {{"size", Value(size)}, {"root", Base64Encode(root)}};
}

json HashesJson(const tlog::Proof& proof) {
  json hashes = json::array();
  for (const crypto::Hash& hash : proof) hashes.push_back(Base64Encode(hash));
  return hashes;
}

json NoteJson(const std::string& note) {
  return note.empty() ? json() : json(note);
}

// A kept note is a file like any other: it may only go out with a proof that leads to its root.
Status CheckNote(const std::string& note, const ledger::InclusionProof& proof) {
  if (note.empty()) return OkStatus();
  SEAL_ASSIGN_OR_RETURN(const tlog::Note parsed, tlog::ParseNote(note));
  SEAL_ASSIGN_OR_RETURN(const tlog::Checkpoint body, tlog::ParseCheckpointText(parsed.text));
  if (body.size == proof.size && body.root == proof.root) return OkStatus();
  return DataLoss("the kept checkpoint of {} records is of another history", Value(proof.size));
}

// A proof file is the default: JSON goes to who names it, and does not like text as much.
bool PrefersJson(const net::HttpRequest& request) {
  const std::string_view accept = request.Header("accept");
  return net::AcceptedWeight(accept, "application/json").value_or(0) >
         net::AcceptedWeight(accept, "text/plain").value_or(0);
}

net::HttpResponse ProofFile(const ledger::InclusionProof& proof, const std::string& note) {
  return TextAnswer(
      tlog::EncodeTlogProof(
          {.extra = {}, .index = proof.index, .hashes = proof.hashes, .checkpoint = note}),
      kPlainText);
}

net::HttpResponse ProofJson(const ledger::InclusionProof& proof, const std::string& note) {
  return JsonAnswer(200, {{"index", Value(proof.index)},
                          {"size", Value(proof.size)},
                          {"root", Base64Encode(proof.root)},
                          {"leaf_hash", Base64Encode(proof.leaf_hash)},
                          {"hashes", HashesJson(proof.hashes)},
                          {"checkpoint", NoteJson(note)}});
}

net::HttpResponse ConsistencyJson(const ledger::ConsistencyProof& proof,
                                  const ledger::CheckpointInfo& head) {
  return JsonAnswer(200, {{"from", TreeJson(proof.old_size, proof.old_root)},
                          {"to", TreeJson(proof.size, proof.root)},
                          {"hashes", HashesJson(proof.hashes)},
                          {"checkpoint", NoteJson(proof.size == head.size ? head.note : "")}});
}

}  // namespace

// --- Files --------------------------------------------------------------------------------------

void Api::TlogCheckpoint(const Call& call) {
  Finish(call, files_.Checkpoint(call.request));
}

void Api::TlogTile(const Call& call) {
  constexpr std::string_view kPrefix = "/tlog/";
  const auto tile = files_.Find(std::string_view(call.request.path).substr(kPrefix.size()));
  if (!tile.ok()) return call.responder.Send(ProblemFrom(tile.status()));
  if (tile->level == tlog::kEntriesLevel) return TlogEntries(call, *tile);
  Finish(call, files_.Tile(*tile, call.request));
}

void Api::TlogEntries(const Call& call, const tlog::TileId& tile) {
  auto answer = files_.Tile(tile, call.request);
  if (!answer.ok()) return Finish(call, std::move(answer));
  const uint64_t first = tile.index * tlog::kTileWidth;
  const auto entries = static_cast<uint64_t>(tile.width);
  if (services_.sink == nullptr || reads_.Count(call.principal, first, entries))
    return call.responder.Send(std::move(*answer));
  const EntryReads::Tally tally{
      .bundles = 1, .entries = entries, .from = first, .to = first + entries - 1};
  auto held = std::make_shared<net::HttpResponse>(std::move(*answer));
  RecordThen(call, EntryReads::Act(call.principal, tally), [this, call, held] {
    reads_.MarkRecorded(call.principal);
    call.responder.Send(std::move(*held));
  });
}

void Api::RecordEntryReads(std::function<void(Status)> done) {
  const auto tallies = reads_.TakeMinute();
  if (services_.sink == nullptr || tallies.empty()) return done(OkStatus());
  std::vector<record::SelfAct> acts;
  std::vector<record::Salt> salts(tallies.size());
  for (const auto& [principal, tally] : tallies) acts.push_back(EntryReads::Act(principal, tally));
  for (record::Salt& salt : salts) services_.env.random.Fill(salt);
  services_.sink->Submit(record::SelfRecords(acts, services_.env.clock.Now(), salts),
                         [done = std::move(done)](const Result<record::CommitOutcome>& outcome) {
                           done(outcome.status());
                         });
}

// --- Proofs -------------------------------------------------------------------------------------

void Api::Checkpoint(const Call& call) {
  services_.checkpoint_now([this, call](const Status& status) {
    if (!status.ok()) return call.responder.Send(ProblemFrom(status));
    call.responder.Send(TextAnswer(services_.reader.checkpoint().note, kPlainText));
  });
}

void Api::WithCheckpoint(const Call& call, TreeSize covered,
                         std::function<void(const ledger::CheckpointInfo&)> next) {
  const auto look = [this, call, covered, next = std::move(next)](const Status& status) {
    if (!status.ok()) return call.responder.Send(ProblemFrom(status));
    const ledger::CheckpointInfo head = services_.reader.checkpoint();
    if (head.size >= covered) return next(head);
    call.responder.Send(
        Problem(503, fmt::format("the checkpoint covers {} records, and none can be signed here",
                                 Value(head.size))));
  };
  if (services_.reader.checkpoint().size >= covered) {
    worker_->Post([look] { look(OkStatus()); });
    return;
  }
  services_.checkpoint_now(
      [this, look](const Status& status) { worker_->Post([look, status] { look(status); }); });
}

void Api::Proof(const Call& call) {
  const auto seq = NumberIn(call.request.query, "seq");
  const auto size = NumberIn(call.request.query, "size");
  const auto wish = NumberIn(call.request.query, "cosigned");
  for (const auto* number : {&seq, &size, &wish}) {
    if (!number->ok()) return call.responder.Send(ProblemFrom(number->status()));
  }
  const bool cosigned = wish->value_or(0) != 0;
  if (!*seq) return call.responder.Send(Problem(400, "seq: the number of a record is needed"));
  const uint64_t durable = Value(services_.reader.heights().durable);
  if (**seq >= durable || size->value_or(0) > durable)
    return call.responder.Send(Problem(404, fmt::format("the log has {} records", durable)));
  if (*size && **seq >= **size) {
    return call.responder.Send(
        Problem(400, fmt::format("record {} is in no tree of {} records", **seq, **size)));
  }
  if (*size && cosigned) {
    return call.responder.Send(
        Problem(400, "size, cosigned: a cosigned checkpoint has its own size"));
  }
  WithCheckpoint(
      call, TreeSize{size->value_or(**seq + 1)},
      [this, call, seq = Seq{**seq}, size = *size, cosigned](const ledger::CheckpointInfo& head) {
        if (cosigned) return IssueCosigned(call, seq, head);
        const bool newest = !size || TreeSize{*size} == head.size;
        IssueInclusion(call, seq, newest ? head.size : TreeSize{*size}, newest ? head.note : "",
                       head);
      });
}

// Under the newest checkpoint that witnesses cosigned: it convinces those whose policy asks for them.
void Api::IssueCosigned(const Call& call, Seq seq, const ledger::CheckpointInfo& head) {
  const auto kept = anchor::NewestCosigned(services_.env.files, services_.anchors_dir,
                                           TreeSize{Value(seq)}, head.size);
  if (!kept.ok()) return call.responder.Send(ProblemFrom(kept.status()));
  IssueInclusion(call, seq, kept->first, kept->second, head);
}

void Api::IssueInclusion(const Call& call, Seq seq, TreeSize size, const std::string& note,
                         const ledger::CheckpointInfo& head) {
  const bool as_json = PrefersJson(call.request);
  if (!as_json && note.empty()) {
    return call.responder.Send(Problem(
        404, fmt::format("a proof file carries the signed checkpoint, and that of {} records is "
                         "kept by whoever has it: ask for JSON, or without size for {} records",
                         Value(size), Value(head.size))));
  }
  const auto proof = prover_.ProveInclusion(seq, size, head);
  if (!proof.ok()) return Finish(call, proof.status());
  if (const Status fits = CheckNote(note, *proof); !fits.ok()) return Finish(call, fits);
  RecordThen(call,
             {.action = "sealtrail.proof.issue",
              .actor = call.principal,
              .details = {{"sealtrail.proof.kind", "inclusion"},
                          {"sealtrail.proof.seq", std::to_string(Value(seq))},
                          {"sealtrail.tree.size", std::to_string(Value(size))}}},
             [this, call, proof = *proof, note, as_json] {
               Finish(call, as_json ? ProofJson(proof, note) : ProofFile(proof, note));
             });
}

void Api::Consistency(const Call& call) {
  const auto from = NumberIn(call.request.query, "from");
  const auto to = NumberIn(call.request.query, "to");
  for (const auto* number : {&from, &to}) {
    if (!number->ok()) return call.responder.Send(ProblemFrom(number->status()));
  }
  if (!*from) return call.responder.Send(Problem(400, "from: the size of a tree is needed"));
  const uint64_t durable = Value(services_.reader.heights().durable);
  if (**from > durable || to->value_or(0) > durable)
    return call.responder.Send(Problem(404, fmt::format("the log has {} records", durable)));
  if (*to && **from > **to) {
    return call.responder.Send(
        Problem(400, fmt::format("a tree of {} records in one of {}", **from, **to)));
  }
  WithCheckpoint(call, TreeSize{to->value_or(**from)},
                 [this, call, from = TreeSize{**from}, to = *to](const auto& head) {
                   IssueConsistency(call, from, to ? TreeSize{*to} : head.size, head);
                 });
}

void Api::IssueConsistency(const Call& call, TreeSize from, TreeSize to,
                           const ledger::CheckpointInfo& head) {
  const auto proof = prover_.ProveConsistency(from, to, head);
  if (!proof.ok()) return Finish(call, proof.status());
  RecordThen(call,
             {.action = "sealtrail.proof.issue",
              .actor = call.principal,
              .details = {{"sealtrail.proof.kind", "consistency"},
                          {"sealtrail.proof.from", std::to_string(Value(from))},
                          {"sealtrail.tree.size", std::to_string(Value(to))}}},
             [this, call, proof = *proof, head] { Finish(call, ConsistencyJson(proof, head)); });
}

// Stored bytes that contradict their hashes are no affair of this request alone.
void Api::Finish(const Call& call, Result<net::HttpResponse> answer) {
  if (answer.ok()) {
    if (services_.sink == nullptr) answer->headers.emplace_back("X-Sealtrail-Recorded", "false");
    return call.responder.Send(std::move(*answer));
  }
  if (answer.status().code() == StatusCode::kDataLoss) {
    services_.metrics
        .GetCounter("sealtrail_api_damage_total",
                    "Answers that could not be given because stored bytes contradict their hashes")
        .Add();
    LogLine(LogLevel::kError, services_.env.clock.Now(), "damage", answer.status().message(),
            {{"path", call.request.path}});
  }
  call.responder.Send(ProblemFrom(answer.status()));
}

}  // namespace sealtrail::api
