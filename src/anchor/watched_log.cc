#include "anchor/watched_log.h"

#include "anchor/evidence.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "crypto/sha256.h"

namespace sealtrail::anchor {
namespace {

using enum tlog::WitnessAnswer;

constexpr size_t kStateBytesMax = 64 * kKiB;
constexpr size_t kEvidenceFilesMax = 16;

Result<std::vector<tlog::Verifier>> KeysOf(const WitnessedLog& options,
                                           const tlog::Cosigner& cosigner) {
  SEAL_ASSIGN_OR_RETURN(const auto own, tlog::ParseVkey(cosigner.verifier().vkey()));
  std::vector<tlog::Verifier> keys;
  for (const std::string& vkey : options.vkeys) {
    auto parsed = tlog::Verifier::FromVkey(vkey);
    if (!parsed.ok()) return parsed.status().Annotate("logs: vkey " + vkey);
    tlog::Verifier& key = *parsed;
    // A cosignature does not name its signer, so the key must have no other use.
    if (Equal(key.key(), own.key)) {
      return InvalidArgument("{} is the witness's own key", vkey);
    }
    if (!keys.empty() && key.name() != keys[0].name()) {
      return InvalidArgument("{} and {}: the keys of a log have one name", keys[0].name(),
                             key.name());
    }
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return InvalidArgument("a log without a key");
  return keys;
}

WitnessReply Refusal(tlog::WitnessAnswer answer, std::string why) {
  return {.answer = {.answer = answer, .detail = std::move(why)}};
}

}  // namespace

WatchedLog::WatchedLog(const env::Env& env, std::string dir, std::string origin,
                       std::vector<tlog::Verifier> keys, int per_minute,
                       const tlog::Cosigner& cosigner)
    : env_(env),
      dir_(std::move(dir)),
      origin_(std::move(origin)),
      keys_(std::move(keys)),
      cosigner_(cosigner),
      growth_limit_(per_minute),
      again_limit_(per_minute) {}

Result<std::unique_ptr<WatchedLog>> WatchedLog::Open(const env::Env& env, std::string dir,
                                                     const WitnessedLog& options,
                                                     const tlog::Cosigner& cosigner) {
  SEAL_ASSIGN_OR_RETURN(auto keys, KeysOf(options, cosigner));
  std::string origin = keys[0].name();
  std::unique_ptr<WatchedLog> log(new WatchedLog(env, std::move(dir), std::move(origin),
                                                 std::move(keys), options.requests_per_minute_max,
                                                 cosigner));
  SEAL_RETURN_IF_ERROR(log->Load().Annotate("log " + log->origin_));
  return log;
}

std::string WatchedLog::HexOf(std::string_view origin) {
  return HexEncode(crypto::Sha256(AsBytes(origin)));
}

// Only our own signature is asked for: the log's keys may have changed since.
Status WatchedLog::Load() {
  const std::string path = env::JoinPath(env::JoinPath(dir_, "logs"), HexOf(origin_));
  const auto bytes = env::ReadFile(env_.files, path, kStateBytesMax);
  if (bytes.status().code() == StatusCode::kNotFound) return OkStatus();
  SEAL_RETURN_IF_ERROR(bytes.status());
  const tlog::NoteVerifier* own = &cosigner_.verifier();
  const auto note = tlog::OpenNote(AsText(*bytes), {&own, 1});
  if (!note.ok()) return DataLoss("{}: {}", path, note.status().message());
  const auto checkpoint = tlog::ParseCheckpointWithExtensions(note->text);
  if (!checkpoint.ok()) return DataLoss("{}: {}", path, checkpoint.status().message());
  if (checkpoint->origin != origin_) return DataLoss("{}: of {}", path, checkpoint->origin);
  held_ = {.size = checkpoint->size, .root = checkpoint->root};
  // The process before may have died between its rename and its sync. What is answered from now on
  // must not be lost, so it is made durable first.
  return Store(std::string(AsText(*bytes)));
}

Result<WitnessReply> WatchedLog::Add(const tlog::AddCheckpointRequest& request) {
  if (!failed_.ok()) return failed_;
  std::vector<const tlog::NoteVerifier*> known;
  for (const tlog::Verifier& key : keys_) known.push_back(&key);
  const auto note = tlog::OpenNote(request.checkpoint, known);
  if (!note.ok()) {
    const bool malformed = note.status().code() == StatusCode::kInvalidArgument ||
                           note.status().code() == StatusCode::kResourceExhausted;
    return Refusal(malformed ? kBadRequest : kNotTrusted, note.status().message());
  }
  const auto offered = tlog::ParseCheckpointWithExtensions(note->text);
  if (!offered.ok()) return Refusal(kBadRequest, offered.status().message());
  return Judge(request, *note, *offered);
}

Result<WitnessReply> WatchedLog::Judge(const tlog::AddCheckpointRequest& request,
                                       const tlog::OpenedNote& note,
                                       const tlog::Checkpoint& offered) {
  const TreeHead head{.size = offered.size, .root = offered.root};
  const tlog::WitnessAnswer answer = JudgeOffer(held_, request.old_size, request.proof, head);
  switch (answer) {
    case kCosigned:
      if (const int64_t wait_ns = Take(head); wait_ns > 0) {
        WitnessReply reply = Refusal(kPushBack, "more cosignatures than agreed");
        reply.retry_after_ns = wait_ns;
        return reply;
      }
      return Cosign(note, offered);
    case kBadRequest:
      return Refusal(answer, "the old size is above the new one");
    case kStaleSize: {
      WitnessReply reply;
      reply.answer = {.answer = answer, .size = held_.size};
      return reply;
    }
    case kFork:
      // Two signatures of the log over two roots of one size convince anybody: keep both.
      KeepEvidence(env_.files, env_.clock.Now(), env::JoinPath(dir_, "evidence"),
                   HexOf(origin_) + "-", kEvidenceFilesMax,
                   {{held_.size, checkpoint()}, {head.size, request.checkpoint}});
      return Refusal(answer, "another root for this size was cosigned before");
    default:
      return Refusal(answer, "the proof does not lead from the tree held to this one");
  }
}

// A cosignature costs a synced write, all else costs hashes. A log's checkpoints are public, and anybody may send them: so
// only what is cosigned counts, and one more cosignature of the tree that is held is not counted with those of larger ones.
int64_t WatchedLog::Take(const TreeHead& head) {
  RateLimit& limit = head.size > held_.size ? growth_limit_ : again_limit_;
  return limit.Take(env_.clock.Monotonic());
}

Result<WitnessReply> WatchedLog::Cosign(const tlog::OpenedNote& note,
                                        const tlog::Checkpoint& offered) {
  const int64_t seconds = Value(env_.clock.Now()) / kNanosPerSecond;
  if (seconds <= 0) return Refusal(kOther, "the clock stands before 1970");
  SEAL_ASSIGN_OR_RETURN(const std::string cosignature, cosigner_.SignatureLine(note.text, seconds));
  // Only what was verified is passed on.
  std::string lines;
  for (const auto& good : note.signatures) {
    lines += tlog::SignatureLine(
        {.name = good.by->name(), .id = good.by->id(), .signature = good.signature});
  }
  const TreeHead before = std::exchange(held_, {.size = offered.size, .root = offered.root});
  SEAL_CHECK(before.size <= held_.size);
  failed_ = Store(tlog::MakeNote(note.text, lines + cosignature));
  if (!failed_.ok()) return failed_;
  WitnessReply reply;
  reply.answer = {.answer = kCosigned, .signature_lines = cosignature};
  return reply;
}

Status WatchedLog::Store(std::string note) {
  SEAL_RETURN_IF_ERROR(
      env::ReplaceFile(env_.files, env::JoinPath(dir_, "logs"), HexOf(origin_), AsBytes(note)));
  MutexLock lock(mutex_);
  checkpoint_ = std::move(note);
  return OkStatus();
}

std::string WatchedLog::checkpoint() const {
  MutexLock lock(mutex_);
  return checkpoint_;
}

}  // namespace sealtrail::anchor
