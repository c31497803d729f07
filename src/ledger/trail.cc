#include "ledger/trail.h"

#include <set>

#include "base/limits.h"
#include "base/origin.h"
#include "base/time_text.h"

namespace sealtrail::ledger {
namespace {

constexpr std::string_view kTrailFirstLine = "sealtrail/trail/v1\n";
constexpr std::string_view kTrailFamily = "sealtrail/trail/";
constexpr size_t kNoteBytesLimit = 64 * kKiB;

// A trail owns its folder: whatever else stood there would be reported as damage for ever.
Status RefuseStrangers(const env::Env& env, const TrailPaths& paths) {
  static const std::set<std::string_view> kOurs = {
      "LOCK",     "keys",        "segments",        "aside",          "trail.tmp", "checkpoint",
      "tiles",    "signing",     "index",           "checkpoint.tmp", "epochs",    "anchors",
      "api.sock", "local.token", "local.token.tmp", "lost+found"};
  SEAL_ASSIGN_OR_RETURN(const auto names, env.files.List(paths.data_dir));
  for (const std::string& name : names) {
    if (!kOurs.contains(name)) {
      return FailedPrecondition(
          "{} is no trail and not empty: it holds \"{}\"; give a trail a folder of its own",
          paths.data_dir, name);
    }
  }
  return OkStatus();
}

Status CheckKeyIsNamed(const env::Env& env, const TrailPaths& paths) {
  for (const std::string_view name : {"log.key", "log.vkey"}) {
    SEAL_ASSIGN_OR_RETURN(const bool there,
                          env::Exists(env.files, env::JoinPath(paths.keys, name)));
    if (there) return OkStatus();
  }
  return FailedPrecondition("{}/log.vkey is missing: it says which key this trail has", paths.keys);
}

// The note is signed by the first key, whose name is the origin of all.
Status CheckTrailNote(const std::string& note, const TrailKeys& keys) {
  SEAL_ASSIGN_OR_RETURN(const std::string text, keys.verifiers.front().Open(note));
  if (!text.starts_with(kTrailFirstLine)) {
    if (!text.starts_with(kTrailFamily)) return DataLoss("not a trail note");
    return Unimplemented("the folder has format {}, this program knows sealtrail/trail/v1",
                         text.substr(0, text.find('\n')));
  }
  if (text.find(fmt::format("\norigin {}\n", keys.origin())) == text.npos) {
    return FailedPrecondition("it is the note of another trail than {}", keys.origin());
  }
  return OkStatus();
}

}  // namespace

TrailPaths::TrailPaths(const std::string& data_dir)
    : data_dir(data_dir),
      lock(env::JoinPath(data_dir, "LOCK")),
      trail(env::JoinPath(data_dir, "trail")),
      checkpoint(env::JoinPath(data_dir, "checkpoint")),
      segments(env::JoinPath(data_dir, "segments")),
      tiles(env::JoinPath(data_dir, "tiles")),
      epochs(env::JoinPath(data_dir, "epochs")),
      signing(env::JoinPath(data_dir, "signing")),
      anchors(env::JoinPath(data_dir, "anchors")),
      aside(env::JoinPath(data_dir, "aside")),
      keys(env::JoinPath(data_dir, "keys")),
      index(env::JoinPath(data_dir, "index")) {}

Status FinishTrail(const env::Env& env, const TrailPaths& paths, const TrailKeys& keys) {
  const std::string text = fmt::format("{}origin {}\nformat 1\ncreated {}\n", kTrailFirstLine,
                                       keys.origin(), Iso8601(env.clock.Now()));
  SEAL_ASSIGN_OR_RETURN(const std::string note, keys.signer->Sign(text));
  return env::ReplaceFile(env.files, paths.data_dir, "trail", AsBytes(note));
}

Result<Trail> OpenTrail(const env::Env& env, const TrailPaths& paths, const std::string& origin,
                        const ExternalKeys& external) {
  if (!origin.empty()) SEAL_RETURN_IF_ERROR(CheckOrigin(origin));
  SEAL_ASSIGN_OR_RETURN(const bool restoring,
                        env::Exists(env.files, env::JoinPath(paths.data_dir, kRestoringNote)));
  if (restoring) return InterruptedRestore(paths.data_dir);
  const auto note = env::ReadText(env.files, paths.trail, kNoteBytesLimit);
  if (!note.ok() && note.status().code() != StatusCode::kNotFound) return note.status();
  if (!note.ok()) SEAL_RETURN_IF_ERROR(RefuseStrangers(env, paths));
  for (const std::string& dir :
       {paths.keys, paths.segments, paths.tiles, paths.epochs, paths.signing, paths.anchors})
    SEAL_RETURN_IF_ERROR(env.files.MakeDir(dir));
  SEAL_RETURN_IF_ERROR(env.files.SyncDir(paths.data_dir));

  if (note.ok()) SEAL_RETURN_IF_ERROR(CheckKeyIsNamed(env, paths));
  SEAL_ASSIGN_OR_RETURN(TrailKeys keys,
                        OpenTrailKeys(env, paths, note.ok() ? "" : origin, external));
  if (note.ok()) SEAL_RETURN_IF_ERROR(CheckTrailNote(*note, keys).Annotate(paths.trail));
  if (!origin.empty() && origin != keys.origin()) {
    return FailedPrecondition("this folder is the trail \"{}\", the configuration says \"{}\"",
                              keys.origin(), origin);
  }
  return Trail{.keys = std::move(keys), .unfinished = !note.ok()};
}

Result<TrailKeys> ReadTrail(const env::Env& env, const TrailPaths& paths) {
  const auto note = env::ReadText(env.files, paths.trail, kNoteBytesLimit);
  if (note.status().code() == StatusCode::kNotFound) {
    return FailedPrecondition("{} holds no trail", paths.data_dir);
  }
  if (!note.ok()) return note.status();
  SEAL_ASSIGN_OR_RETURN(TrailKeys keys, ReadTrailKeys(env, paths));
  SEAL_RETURN_IF_ERROR(CheckTrailNote(*note, keys).Annotate(paths.trail));
  return keys;
}

Result<CheckpointInfo> ReadCheckpoint(const env::Env& env, const TrailPaths& paths,
                                      const TrailKeys& keys) {
  auto note = env::ReadText(env.files, paths.checkpoint, kNoteBytesLimit);
  if (note.status().code() == StatusCode::kNotFound) return CheckpointInfo{};
  if (!note.ok()) return note.status();
  const auto text = OpenWithAny(keys, *note);
  if (!text.ok()) return DataLoss("{}: {}", paths.checkpoint, text.status().message());
  SEAL_ASSIGN_OR_RETURN(const tlog::Checkpoint checkpoint, tlog::ParseCheckpointText(*text));
  return CheckpointInfo{.size = checkpoint.size, .root = checkpoint.root, .note = std::move(*note)};
}

Status InterruptedRestore(const std::string& data_dir) {
  return FailedPrecondition(
      "{} holds a restore that was interrupted, and no trail; remove its content and restore again",
      data_dir);
}

Status MissingCheckpoint(const TrailPaths& paths) {
  return FailedPrecondition(
      "{} is missing: without it records that were acknowledged cannot be told from the end of a "
      "torn write, and "
      "another history could be signed; put back the newest one that is known",
      paths.checkpoint);
}

}  // namespace sealtrail::ledger
