#include "ledger/trail_keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"
#include "base/limits.h"

namespace sealtrail::ledger {
namespace {

constexpr size_t kFileBytesMax = 64 * kKiB;
constexpr std::string_view kKeyFile = "log.key";
constexpr std::string_view kVkeyFile = "log.vkey";
constexpr std::string_view kNextFile = "next.key";
constexpr std::string_view kBefore = ".before";

std::string RandomOrigin(env::Random& random) {
  std::array<uint8_t, 8> bytes;
  random.Fill(bytes);
  return "sealtrail.local/" + HexEncode(bytes);
}

// Null if there is no such file.
Result<SharedKey> ReadKeyFile(const env::Env& env, const TrailPaths& paths, std::string_view name) {
  const auto text = env::ReadText(env.files, env::JoinPath(paths.keys, name), kFileBytesMax);
  if (text.status().code() == StatusCode::kNotFound) return SharedKey();
  if (!text.ok()) return text.status();
  auto signer = tlog::Signer::FromText(*text);
  if (!signer.ok())
    return FailedPrecondition("{}/{}: {}", paths.keys, name, signer.status().message());
  return std::make_shared<const SigningKey>(*std::move(signer));
}

Result<SharedKey> MakeKeyFile(const env::Env& env, const TrailPaths& paths, std::string_view name,
                              const std::string& origin) {
  std::array<uint8_t, crypto::kEd25519SeedBytes> seed;
  env.random.Fill(seed);
  SEAL_ASSIGN_OR_RETURN(tlog::Signer signer, tlog::Signer::FromSeed(origin, seed));
  const std::string text = tlog::Signer::KeyText(signer.verifier(), seed);
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env.files, paths.keys, name, AsBytes(text)));
  return std::make_shared<const SigningKey>(std::move(signer));
}

Status RemoveKeyFile(const env::Env& env, const TrailPaths& paths, std::string_view name) {
  SEAL_RETURN_IF_ERROR(env.files.Remove(env::JoinPath(paths.keys, name)));
  return env.files.SyncDir(paths.keys);
}

Result<tlog::Verifier> ReadVkey(const env::Env& env, const TrailPaths& paths,
                                const std::string& name) {
  const std::string path = env::JoinPath(paths.keys, name);
  auto text = env::ReadText(env.files, path, kFileBytesMax);
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

bool HasKey(const std::vector<tlog::Verifier>& verifiers, const tlog::Verifier& key) {
  return std::ranges::any_of(verifiers,
                             [&](const tlog::Verifier& each) { return each.vkey() == key.vkey(); });
}

// Brings the file of the key that is in charge to its place, or removes that of one before it.
Status SettleKeyFile(const env::Env& env, const TrailPaths& paths, const TrailKeys& keys) {
  SEAL_ASSIGN_OR_RETURN(const SharedKey in_next, ReadKeyFile(env, paths, kNextFile));
  if (in_next && in_next->verifier().vkey() == keys.current().vkey()) {
    SEAL_RETURN_IF_ERROR(env.files.Rename(env::JoinPath(paths.keys, kNextFile),
                                          env::JoinPath(paths.keys, kKeyFile)));
    return env.files.SyncDir(paths.keys);
  }
  SEAL_ASSIGN_OR_RETURN(const SharedKey in_place, ReadKeyFile(env, paths, kKeyFile));
  const bool old = in_place && in_place->verifier().vkey() != keys.current().vkey() &&
                   HasKey(keys.verifiers, in_place->verifier());
  return old ? RemoveKeyFile(env, paths, kKeyFile) : OkStatus();
}

// Puts `next` in charge: the last steps of a hand-over, each of which may be repeated.
Status SwitchKeys(const env::Env& env, const TrailPaths& paths, TrailKeys& keys) {
  SEAL_RETURN_IF_ERROR(WriteVkey(env, paths, RetiredVkeyFile(keys.epoch()), keys.current()));
  SEAL_RETURN_IF_ERROR(WriteVkey(env, paths, kVkeyFile, keys.next->verifier()));
  keys.verifiers.push_back(keys.next->verifier());
  keys.signer = std::exchange(keys.next, nullptr);
  return SettleKeyFile(env, paths, keys);
}

// Opens the keys of a folder, and completes what was interrupted.
class Opening {
 public:
  Opening(const env::Env& env, const TrailPaths& paths, const ExternalKeys& external)
      : env_(env), paths_(paths), external_(external) {}

  Result<TrailKeys> Open(const std::string& origin) {
    SEAL_ASSIGN_OR_RETURN(in_place_, ReadKeyFile(env_, paths_, kKeyFile));
    SEAL_ASSIGN_OR_RETURN(in_next_, ReadKeyFile(env_, paths_, kNextFile));
    SEAL_ASSIGN_OR_RETURN(const tlog::Verifier current, Current(origin));
    SEAL_ASSIGN_OR_RETURN(const size_t epochs, CountEpochs(env_, paths_));
    bool interrupted = false;
    if (epochs != 0) {
      SEAL_ASSIGN_OR_RETURN(const bool retired, IsRetired(epochs - 1, current));
      interrupted = !retired;
    }
    TrailKeys keys;
    SEAL_ASSIGN_OR_RETURN(keys.verifiers,
                          ReadRetired(env_, paths_, interrupted ? epochs - 1 : epochs));
    keys.verifiers.push_back(current);
    if (interrupted) {
      SEAL_RETURN_IF_ERROR(GoOn(epochs, keys));
    } else {
      keys.signer = Find([&](const tlog::Verifier& key) { return key.vkey() == current.vkey(); });
      if (!keys.signer) return Missing(current.vkey());
      SEAL_RETURN_IF_ERROR(SettleKeyFile(env_, paths_, keys));
    }
    if (in_next_ && in_next_ != keys.signer) keys.next = in_next_;
    return keys;
  }

 private:
  // The key that log.vkey names. The first one, where a first start has not got as far.
  Result<tlog::Verifier> Current(const std::string& origin) {
    SEAL_ASSIGN_OR_RETURN(const bool named,
                          env::Exists(env_.files, env::JoinPath(paths_.keys, kVkeyFile)));
    if (named) return ReadVkey(env_, paths_, std::string(kVkeyFile));
    SharedKey first = in_place_ ? in_place_ : external_.signer;
    if (!first) {
      SEAL_ASSIGN_OR_RETURN(
          first,
          MakeKeyFile(env_, paths_, kKeyFile, origin.empty() ? RandomOrigin(env_.random) : origin));
      in_place_ = first;
    }
    if (!origin.empty() && origin != first->verifier().name()) {
      return FailedPrecondition("the trail's key is named \"{}\", the configuration says \"{}\"",
                                first->verifier().name(), origin);
    }
    SEAL_RETURN_IF_ERROR(WriteVkey(env_, paths_, kVkeyFile, first->verifier()));
    return first->verifier();
  }

  // Whether the key of this epoch has left its place to the one after it.
  Result<bool> IsRetired(size_t epoch, const tlog::Verifier& current) const {
    const std::string name = RetiredVkeyFile(epoch);
    const auto file = env_.files.Stat(env::JoinPath(paths_.keys, name));
    if (file.status().code() == StatusCode::kNotFound) return false;
    SEAL_ASSIGN_OR_RETURN(const tlog::Verifier retired, ReadVkey(env_, paths_, name));
    return retired.vkey() != current.vkey();
  }

  // The note of the epoch is there, and its key not yet in charge.
  Status GoOn(size_t epoch, TrailKeys& keys) {
    const std::string path = env::JoinPath(paths_.epochs, std::to_string(epoch));
    SEAL_ASSIGN_OR_RETURN(const std::string note, env::ReadText(env_.files, path, kFileBytesMax));
    keys.next = Find([&](const tlog::Verifier& key) {
      return !HasKey(keys.verifiers, key) && key.Open(note).ok();
    });
    if (!keys.next) {
      return FailedPrecondition(
          "the key that takes over with {} is not at hand: the last signature in it is by it; it "
          "is "
          "not in {}, and no signer that is configured has it",
          path, paths_.keys);
    }
    // The name of its note may not be durable: the sync that failed may be what ended that process.
    SEAL_RETURN_IF_ERROR(env_.files.SyncDir(paths_.epochs));
    return SwitchKeys(env_, paths_, keys);
  }

  template <typename Wanted>
  SharedKey Find(const Wanted& wanted) const {
    for (const SharedKey& key : {in_place_, in_next_, external_.signer, external_.next_signer}) {
      if (key && wanted(key->verifier())) return key;
    }
    return nullptr;
  }

  Status Missing(const std::string& vkey) const {
    if (in_place_) {
      return FailedPrecondition(
          "the key of this trail is {}; {}/{} holds another one, and no signer that is configured "
          "has it",
          vkey, paths_.keys, kKeyFile);
    }
    const bool configured = external_.signer || external_.next_signer;
    return FailedPrecondition(
        "{}/{} is missing, and without it this trail cannot be continued: the key {} is held by a "
        "signer command, or lost; {}",
        paths_.keys, kKeyFile, vkey,
        configured ? "the signers in the configuration have other keys"
                   : "start the server with the configuration that has its signer, and ask that");
  }

  const env::Env& env_;
  const TrailPaths& paths_;
  const ExternalKeys& external_;
  SharedKey in_place_;
  SharedKey in_next_;
};

// Not a checkpoint, whose second line is a number.
std::string TestText(const tlog::Verifier& key) {
  return fmt::format("sealtrail/key-test/v1\n{}\n", key.vkey());
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
                                const std::string& origin, const ExternalKeys& external) {
  return Opening(env, paths, external).Open(origin);
}

Result<TrailKeys> ReadTrailKeys(const env::Env& env, const TrailPaths& paths) {
  TrailKeys keys;
  SEAL_ASSIGN_OR_RETURN(const size_t epochs, CountEpochs(env, paths));
  SEAL_ASSIGN_OR_RETURN(keys.verifiers, ReadRetired(env, paths, epochs));
  SEAL_ASSIGN_OR_RETURN(tlog::Verifier current, ReadVkey(env, paths, std::string(kVkeyFile)));
  keys.verifiers.push_back(std::move(current));
  return keys;
}

// A next key that cannot sign would be named by a record, and then nothing could be signed any more.
Result<NextKey> PrepareNextKey(const env::Env& env, const TrailPaths& paths, const TrailKeys& keys,
                               const SharedKey& external, bool to_file) {
  if (to_file || !external || HasKey(keys.verifiers, external->verifier())) {
    if (!to_file && !keys.signer->in_file()) {
      return NextKey{
          .key = nullptr,
          .refusal = FailedPrecondition(
              "a command holds the current key, and no next_signer is configured that has not had "
              "its turn: configure one and start again, or give --to-file to go on with a key file "
              "in the folder, which whoever reads the disk can copy")};
    }
    SEAL_ASSIGN_OR_RETURN(SharedKey made, MakeKeyFile(env, paths, kNextFile, keys.log_origin()));
    return NextKey{.key = std::move(made), .refusal = {}};
  }
  if (external->verifier().name() != keys.log_origin()) {
    return NextKey{
        .key = nullptr,
        .refusal = FailedPrecondition("the key {} does not have the name of this log, \"{}\"",
                                      external->verifier().vkey(), keys.log_origin())};
  }
  const auto test = external->SignatureLine(TestText(external->verifier()));
  if (!test.ok()) return NextKey{.key = nullptr, .refusal = test.status()};
  return NextKey{.key = external, .refusal = {}};
}

SharedKey FindNextKey(const TrailKeys& keys, const ExternalKeys& external, std::string_view vkey) {
  for (const SharedKey& key : {keys.next, external.signer, external.next_signer}) {
    if (key && key->verifier().vkey() == vkey) return key;
  }
  return nullptr;
}

Status DropNextKey(const env::Env& env, const TrailPaths& paths, TrailKeys& keys) {
  keys.next = nullptr;
  return RemoveKeyFile(env, paths, kNextFile);
}

Status HandOver(const env::Env& env, const TrailPaths& paths, std::string_view note,
                TrailKeys& keys) {
  SEAL_RETURN_IF_ERROR(
      env::ReplaceFile(env.files, paths.epochs, std::to_string(keys.epoch() + 1), AsBytes(note)));
  return SwitchKeys(env, paths, keys);
}

}  // namespace sealtrail::ledger
