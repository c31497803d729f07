#include "ledger/trail_keys.h"

#include <array>

#include "base/encoding.h"
#include "base/limits.h"

namespace sealtrail::ledger {
namespace {

constexpr size_t kFileBytesMax = 64 * kKiB;
constexpr std::string_view kKeyFile = "log.key";
constexpr std::string_view kVkeyFile = "log.vkey";
constexpr std::string_view kNextFile = "next.key";
constexpr std::string_view kBefore = ".before";

Result<std::string> ReadText(env::FileSystem& files, const std::string& path) {
  SEAL_ASSIGN_OR_RETURN(const Bytes content, env::ReadFile(files, path, kFileBytesMax));
  return std::string(AsText(content));
}

std::string RandomOrigin(env::Random& random) {
  std::array<uint8_t, 8> bytes;
  random.Fill(bytes);
  return "sealtrail.local/" + HexEncode(bytes);
}

// NotFound if there is no such file.
Result<std::shared_ptr<const tlog::Signer>> ReadSigner(const env::Env& env, const TrailPaths& paths,
                                                       std::string_view name) {
  SEAL_ASSIGN_OR_RETURN(const std::string text,
                        ReadText(env.files, env::JoinPath(paths.keys, name)));
  auto signer = tlog::Signer::FromText(text);
  if (!signer.ok())
    return FailedPrecondition("{}/{}: {}", paths.keys, name, signer.status().message());
  return std::make_shared<const tlog::Signer>(*std::move(signer));
}

Result<std::shared_ptr<const tlog::Signer>> MakeKey(const env::Env& env, const TrailPaths& paths,
                                                    std::string_view name,
                                                    const std::string& origin) {
  std::array<uint8_t, crypto::kEd25519SeedBytes> seed;
  env.random.Fill(seed);
  SEAL_ASSIGN_OR_RETURN(tlog::Signer signer, tlog::Signer::FromSeed(origin, seed));
  const std::string text = tlog::Signer::KeyText(signer.verifier(), seed);
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env.files, paths.keys, name, AsBytes(text)));
  return std::make_shared<const tlog::Signer>(std::move(signer));
}

Result<tlog::Verifier> ReadVkey(const env::Env& env, const TrailPaths& paths,
                                const std::string& name) {
  const std::string path = env::JoinPath(paths.keys, name);
  auto text = ReadText(env.files, path);
  if (text.status().code() == StatusCode::kNotFound)
    return FailedPrecondition("{} is missing", path);
  if (!text.ok()) return text.status();
  auto verifier = tlog::Verifier::FromVkey(*text);
  if (!verifier.ok()) return FailedPrecondition("{}: {}", path, verifier.status().message());
  return verifier;
}

Status WriteVkey(const env::Env& env, const TrailPaths& paths, std::string_view name,
                 const tlog::Verifier& verifier) {
  return env::ReplaceFile(env.files, paths.keys, name, AsBytes(verifier.vkey() + "\n"));
}

// How many keys have handed over: the notes in epochs/ are 1, 2, … without a gap.
Result<size_t> CountEpochs(const env::Env& env, const TrailPaths& paths) {
  const auto names = env.files.List(paths.epochs);
  if (names.status().code() == StatusCode::kNotFound) return size_t{0};
  if (!names.ok()) return names.status();
  size_t count = 0;
  for (const std::string& name : *names) {
    if (!name.ends_with(".tmp") && !name.ends_with(kBefore)) ++count;
  }
  for (size_t n = 1; n <= count; ++n) {
    SEAL_RETURN_IF_ERROR(env.files.Stat(env::JoinPath(paths.epochs, std::to_string(n)))
                             .status()
                             .Annotate("a key epoch is missing"));
  }
  return count;
}

// The verifiers of the keys that handed over; the current one comes after them.
Result<std::vector<tlog::Verifier>> ReadRetired(const env::Env& env, const TrailPaths& paths,
                                                size_t count) {
  std::vector<tlog::Verifier> verifiers;
  for (size_t epoch = 0; epoch < count; ++epoch) {
    SEAL_ASSIGN_OR_RETURN(tlog::Verifier verifier, ReadVkey(env, paths, RetiredVkeyFile(epoch)));
    verifiers.push_back(std::move(verifier));
  }
  return verifiers;
}

// Puts `next` in charge: the last steps of a hand-over, each of which may be repeated.
Status SwitchKeys(const env::Env& env, const TrailPaths& paths, TrailKeys& keys) {
  SEAL_RETURN_IF_ERROR(WriteVkey(env, paths, RetiredVkeyFile(keys.epoch()), keys.current()));
  SEAL_RETURN_IF_ERROR(WriteVkey(env, paths, kVkeyFile, keys.next->verifier()));
  SEAL_RETURN_IF_ERROR(
      env.files.Rename(env::JoinPath(paths.keys, kNextFile), env::JoinPath(paths.keys, kKeyFile)));
  SEAL_RETURN_IF_ERROR(env.files.SyncDir(paths.keys));
  keys.verifiers.push_back(keys.next->verifier());
  keys.signer = std::exchange(keys.next, nullptr);
  return OkStatus();
}

}  // namespace

std::string RetiredVkeyFile(size_t epoch) {
  return fmt::format("epoch-{}.vkey", epoch);
}

std::string BeforeEpochFile(size_t epoch) {
  return fmt::format("{}{}", epoch, kBefore);
}

Result<std::string> OpenWithAny(const TrailKeys& keys, std::string_view note) {
  std::vector<const tlog::NoteVerifier*> known;
  for (const tlog::Verifier& verifier : keys.verifiers) known.push_back(&verifier);
  SEAL_ASSIGN_OR_RETURN(tlog::OpenedNote opened, tlog::OpenNote(note, known));
  return std::move(opened.text);
}

Result<TrailKeys> OpenTrailKeys(const env::Env& env, const TrailPaths& paths,
                                const std::string& origin) {
  TrailKeys keys;
  auto signer = ReadSigner(env, paths, kKeyFile);
  if (signer.status().code() == StatusCode::kNotFound) {
    signer = MakeKey(env, paths, kKeyFile, origin.empty() ? RandomOrigin(env.random) : origin);
  }
  if (!signer.ok()) return signer.status();
  keys.signer = *std::move(signer);
  auto next = ReadSigner(env, paths, kNextFile);
  if (!next.ok() && next.status().code() != StatusCode::kNotFound) return next.status();
  if (next.ok()) keys.next = *std::move(next);

  SEAL_ASSIGN_OR_RETURN(const size_t epochs, CountEpochs(env, paths));
  // With an epoch's note but not its key in charge, a hand-over was interrupted between the two.
  bool interrupted = false;
  if (epochs != 0 && keys.next) {
    SEAL_ASSIGN_OR_RETURN(const std::string note,
                          ReadText(env.files, env::JoinPath(paths.epochs, std::to_string(epochs))));
    interrupted = keys.next->verifier().Open(note).ok();
  }
  SEAL_ASSIGN_OR_RETURN(keys.verifiers, ReadRetired(env, paths, interrupted ? epochs - 1 : epochs));
  keys.verifiers.push_back(keys.signer->verifier());
  if (interrupted) {
    // The name of its note may not be durable: the sync that failed may be what ended that process.
    SEAL_RETURN_IF_ERROR(env.files.SyncDir(paths.epochs));
    SEAL_RETURN_IF_ERROR(SwitchKeys(env, paths, keys));
  }
  return keys;
}

Result<TrailKeys> ReadTrailKeys(const env::Env& env, const TrailPaths& paths) {
  TrailKeys keys;
  SEAL_ASSIGN_OR_RETURN(const size_t epochs, CountEpochs(env, paths));
  SEAL_ASSIGN_OR_RETURN(keys.verifiers, ReadRetired(env, paths, epochs));
  SEAL_ASSIGN_OR_RETURN(tlog::Verifier current, ReadVkey(env, paths, std::string(kVkeyFile)));
  keys.verifiers.push_back(std::move(current));
  return keys;
}

Status MakeNextKey(const env::Env& env, const TrailPaths& paths, TrailKeys& keys) {
  SEAL_ASSIGN_OR_RETURN(keys.next, MakeKey(env, paths, kNextFile, keys.log_origin()));
  return OkStatus();
}

Status DropNextKey(const env::Env& env, const TrailPaths& paths, TrailKeys& keys) {
  keys.next = nullptr;
  SEAL_RETURN_IF_ERROR(env.files.Remove(env::JoinPath(paths.keys, kNextFile)));
  return env.files.SyncDir(paths.keys);
}

Result<std::string> HandOver(const env::Env& env, const TrailPaths& paths,
                             const tlog::Checkpoint& head, TrailKeys& keys) {
  const std::string text = tlog::CheckpointText(head);
  const std::string note =
      tlog::MakeNote(text, keys.signer->SignatureLine(text) + keys.next->SignatureLine(text));
  SEAL_RETURN_IF_ERROR(
      env::ReplaceFile(env.files, paths.epochs, std::to_string(keys.epoch() + 1), AsBytes(note)));
  SEAL_RETURN_IF_ERROR(SwitchKeys(env, paths, keys));
  return note;
}

}  // namespace sealtrail::ledger
