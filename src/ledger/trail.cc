#include "ledger/trail.h"

#include <array>
#include <set>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/origin.h"
#include "base/time_text.h"

namespace sealtrail::ledger {
namespace {

constexpr std::string_view kTrailFirstLine = "sealtrail/trail/v0\n";
constexpr std::string_view kTrailFamily = "sealtrail/trail/";
constexpr size_t kNoteBytesLimit = 64 * kKiB;

Result<std::string> ReadText(env::FileSystem& files, const std::string& path) {
  SEAL_ASSIGN_OR_RETURN(const Bytes content, env::ReadFile(files, path, kNoteBytesLimit));
  return std::string(AsText(content));
}

std::string RandomOrigin(env::Random& random) {
  std::array<uint8_t, 8> bytes;
  random.Fill(bytes);
  return "sealtrail.local/" + HexEncode(bytes);
}

// The key of the folder, made if there is none yet.
Result<tlog::Signer> OpenKey(const env::Env& env, const TrailPaths& paths,
                             const std::string& origin) {
  const auto stored = ReadText(env.files, env::JoinPath(paths.keys, "log.key"));
  if (stored.ok()) {
    auto signer = tlog::Signer::FromText(*stored);
    if (!signer.ok())
      return FailedPrecondition("{}/log.key: {}", paths.keys, signer.status().message());
    return signer;
  }
  if (stored.status().code() != StatusCode::kNotFound) return stored.status();

  std::array<uint8_t, crypto::kEd25519SeedBytes> seed;
  env.random.Fill(seed);
  SEAL_ASSIGN_OR_RETURN(
      tlog::Signer signer,
      tlog::Signer::FromSeed(origin.empty() ? RandomOrigin(env.random) : origin, seed));
  const std::string text = tlog::Signer::KeyText(signer.verifier(), seed);
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env.files, paths.keys, "log.key", AsBytes(text)));
  return signer;
}

// A trail owns its folder: whatever else stood there would be reported as damage for ever.
Status RefuseStrangers(const env::Env& env, const TrailPaths& paths) {
  static const std::set<std::string_view> kOurs = {
      "LOCK",  "keys",           "segments", "aside",       "trail.tmp",       "checkpoint",
      "index", "checkpoint.tmp", "api.sock", "local.token", "local.token.tmp", "lost+found"};
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

Result<std::string> OriginOfNote(const std::string& note, const tlog::Verifier& verifier) {
  SEAL_ASSIGN_OR_RETURN(const std::string text, verifier.Open(note));
  if (!text.starts_with(kTrailFirstLine)) {
    if (!text.starts_with(kTrailFamily)) return DataLoss("not a trail note");
    return Unimplemented("the folder has format {}, this program knows sealtrail/trail/v0",
                         text.substr(0, text.find('\n')));
  }
  const size_t begin = text.find("\norigin ") + 8;
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

TrailPaths::TrailPaths(const std::string& data_dir)
    : data_dir(data_dir),
      lock(env::JoinPath(data_dir, "LOCK")),
      trail(env::JoinPath(data_dir, "trail")),
      checkpoint(env::JoinPath(data_dir, "checkpoint")),
      segments(env::JoinPath(data_dir, "segments")),
      aside(env::JoinPath(data_dir, "aside")),
      keys(env::JoinPath(data_dir, "keys")),
      index(env::JoinPath(data_dir, "index")) {}

Status FinishTrail(const env::Env& env, const TrailPaths& paths, const tlog::Signer& signer) {
  const std::string vkey = signer.verifier().vkey() + "\n";
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env.files, paths.keys, "log.vkey", AsBytes(vkey)));
  const std::string text = fmt::format("{}origin {}\nformat 0\ncreated {}\n", kTrailFirstLine,
                                       signer.verifier().name(), Iso8601(env.clock.Now()));
  return env::ReplaceFile(env.files, paths.data_dir, "trail", AsBytes(signer.Sign(text)));
}

Result<Trail> OpenTrail(const env::Env& env, const TrailPaths& paths, const std::string& origin) {
  if (!origin.empty()) SEAL_RETURN_IF_ERROR(CheckOrigin(origin));
  for (const std::string& dir : {paths.keys, paths.segments})
    SEAL_RETURN_IF_ERROR(env.files.MakeDir(dir));
  SEAL_RETURN_IF_ERROR(env.files.SyncDir(paths.data_dir));

  const auto note = ReadText(env.files, paths.trail);
  if (!note.ok() && note.status().code() != StatusCode::kNotFound) return note.status();
  if (note.ok() && !env.files.Stat(env::JoinPath(paths.keys, "log.key")).ok()) {
    return FailedPrecondition("{}/log.key is missing: without it this trail cannot be continued",
                              paths.keys);
  }
  if (!note.ok()) SEAL_RETURN_IF_ERROR(RefuseStrangers(env, paths));
  SEAL_ASSIGN_OR_RETURN(tlog::Signer signer, OpenKey(env, paths, origin));

  std::string found = signer.verifier().name();
  if (note.ok()) {
    auto named = OriginOfNote(*note, signer.verifier());
    if (!named.ok()) return named.status().Annotate(paths.trail);
    found = *named;
  }
  if (!origin.empty() && origin != found) {
    return FailedPrecondition("this folder is the trail \"{}\", the configuration says \"{}\"",
                              found, origin);
  }
  return Trail{.origin = std::move(found), .signer = std::move(signer), .unfinished = !note.ok()};
}

Result<tlog::Verifier> ReadTrail(const env::Env& env, const TrailPaths& paths) {
  const auto note = ReadText(env.files, paths.trail);
  if (note.status().code() == StatusCode::kNotFound) {
    return FailedPrecondition("{} holds no trail", paths.data_dir);
  }
  if (!note.ok()) return note.status();
  SEAL_ASSIGN_OR_RETURN(const std::string vkey,
                        ReadText(env.files, env::JoinPath(paths.keys, "log.vkey")));
  SEAL_ASSIGN_OR_RETURN(tlog::Verifier verifier, tlog::Verifier::FromVkey(vkey));
  const auto origin = OriginOfNote(*note, verifier);
  if (!origin.ok()) return origin.status().Annotate(paths.trail);
  return verifier;
}

Result<CheckpointInfo> ReadCheckpoint(const env::Env& env, const TrailPaths& paths,
                                      const tlog::Verifier& verifier) {
  auto note = ReadText(env.files, paths.checkpoint);
  if (note.status().code() == StatusCode::kNotFound) return CheckpointInfo{};
  if (!note.ok()) return note.status();
  const auto text = verifier.Open(*note);
  if (!text.ok()) return DataLoss("{}: {}", paths.checkpoint, text.status().message());
  SEAL_ASSIGN_OR_RETURN(const tlog::Checkpoint checkpoint, tlog::ParseCheckpointText(*text));
  return CheckpointInfo{.size = checkpoint.size, .root = checkpoint.root, .note = std::move(*note)};
}

Status MissingCheckpoint(const TrailPaths& paths) {
  return FailedPrecondition(
      "{} is missing: without it records that were acknowledged cannot be told from the end of a "
      "torn write, and "
      "another history could be signed; put back the newest one that is known",
      paths.checkpoint);
}

}  // namespace sealtrail::ledger
