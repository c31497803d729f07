#include "verify/verify.h"

#include <cstdio>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "env/machine.h"
#include "verify/inclusion.h"
#include "verify/policy.h"
#include "verify/tile_folder.h"

namespace sealtrail::cli {
namespace {

// Whether a process holds the folder. Looks only: the lock is dropped at once, and a folder that cannot be locked
// (read-only) holds no writer of this machine that we could know of.
bool IsRunning(const env::Env& env, const std::string& path) {
  const std::string lock = env::JoinPath(path, "LOCK");
  return env.files.IsLocked(lock);
}

constexpr char kKeyIsNeeded[] =
    "--vkey KEY is needed (the log's verifier key, from somebody you trust), or --policy FILE that "
    "names it";

constexpr char kClearLine[] = "\r\x1b[K";

// For a person who waits: what was read so far, a few times a second, on standard error.
std::function<void(uint64_t, uint64_t)> ShowProgress(const env::Env& env) {
  if (!env::StandardErrorIsTerminal()) return {};
  constexpr int64_t kEveryNanos = 200 * kNanosPerMilli;
  return [&env, shown = env.clock.Monotonic()](uint64_t records, uint64_t bytes) mutable {
    const MonotonicNanos now = env.clock.Monotonic();
    if (now - shown < kEveryNanos) return;
    shown = now;
    std::fprintf(stderr, "%s%llu records, %llu MiB", kClearLine,
                 static_cast<unsigned long long>(records),
                 static_cast<unsigned long long>(bytes / kMiB));
    std::fflush(stderr);
  };
}

// A small file that the caller names; nothing where none is named.
Result<std::optional<std::string>> ReadGiven(const env::Env& env, const std::string& path) {
  if (path.empty()) return std::optional<std::string>();
  SEAL_ASSIGN_OR_RETURN(const Bytes text, env::ReadFile(env.files, path, kMiB));
  return std::optional<std::string>(AsText(text));
}

int Print(const std::string& text, int exit_code) {
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return Complain("standard output cannot be written");
  }
  return exit_code;
}

int PrintReport(const verify::Report& report, bool json) {
  return Print(json ? verify::ReportJson(report) : verify::ReportText(report),
               verify::ExitCode(report));
}

// The record that a proof is about, without its line feed.
Result<Bytes> ReadLeaf(const env::Env& env, const std::string& path) {
  if (path.empty())
    return InvalidArgument(
        "--leaf FILE is needed: the record that the proof is about, as it is exported");
  Bytes leaf;
  if (path == "-") {
    for (int byte = 0; leaf.size() <= kLeafBytesMax + 1 && (byte = std::getchar()) != EOF;) {
      leaf.push_back(static_cast<uint8_t>(byte));
    }
  } else {
    SEAL_ASSIGN_OR_RETURN(leaf, env::ReadFile(env.files, path, kLeafBytesMax + 1));
  }
  if (!leaf.empty() && leaf.back() == '\n') leaf.pop_back();
  return leaf;
}

// One proof: exit 0 it holds, 1 it does not, 2 it cannot be told.
int VerifyProof(const env::Env& env, const VerifyArgs& args,
                const std::optional<std::string>& policy_text) {
  if (!args.vkey && !policy_text) return Complain(kKeyIsNeeded);
  if (!args.tsa_ca_file.empty())
    return Complain("--tsa-ca is for a data folder: a proof has no time stamp");
  const auto file = env::ReadFile(env.files, args.path, kMiB);
  if (!file.ok()) return Complain(file.status().message());
  const auto leaf = ReadLeaf(env, args.leaf_file);
  if (!leaf.ok()) return Complain(leaf.status().message());
  std::optional<verify::Policy> policy;
  if (policy_text) {
    auto parsed = verify::Policy::Parse(*policy_text);
    if (!parsed.ok()) return Complain(parsed.status().Annotate(args.policy_file).message());
    policy = *std::move(parsed);
  }
  const auto answer = verify::VerifyProofFile(*file, *leaf, args.vkey, policy ? &*policy : nullptr);
  const bool told = answer.ok() || answer.status().code() == StatusCode::kDataLoss;
  if (args.json) {
    nlohmann::ordered_json out = {{"verdict", answer.ok() ? "sound"
                                              : told      ? "not_sound"
                                                          : "cannot_tell"}};
    if (answer.ok()) {
      out.update({{"origin", answer->origin},
                  {"seq", answer->index},
                  {"size", answer->size},
                  {"root", Base64Encode(answer->root)},
                  {"witnesses", answer->witnesses}});
    } else {
      out["reason"] = answer.status().message();
    }
    return Print(out.dump() + "\n", answer.ok() ? 0 : told ? 1 : 2);
  }
  if (!answer.ok()) return Complain(answer.status().message(), told ? 1 : 2);
  std::string text =
      fmt::format("SOUND\nrecord {} is in the tree of {} records that {} signed, root {}\n",
                  answer->index, answer->size, answer->origin, Base64Encode(answer->root));
  if (policy) text += fmt::format("cosigned by {}\n", fmt::join(answer->witnesses, ", "));
  return Print(text, 0);
}

// What `export --tlog` writes, and not a data folder.
Result<bool> IsTileFolder(const env::Env& env, const std::string& path) {
  SEAL_ASSIGN_OR_RETURN(const bool tiles, env::Exists(env.files, env::JoinPath(path, "tile")));
  SEAL_ASSIGN_OR_RETURN(const bool trail, env::Exists(env.files, env::JoinPath(path, "trail")));
  return tiles && !trail;
}

}  // namespace

int Verify(const env::Env& env, const VerifyArgs& args) {
  const auto policy = ReadGiven(env, args.policy_file);
  if (!policy.ok()) return Complain(policy.status().message());
  const auto tsa_ca = ReadGiven(env, args.tsa_ca_file);
  if (!tsa_ca.ok()) return Complain(tsa_ca.status().message());
  const auto info = env.files.Stat(args.path);
  if (info.ok() && !info->is_directory) return VerifyProof(env, args, *policy);
  if (!args.leaf_file.empty())
    return Complain(fmt::format("--leaf is for a proof file, and {} is none", args.path));
  const verify::FolderSource source(env.files, args.path);
  const auto of_tiles = IsTileFolder(env, args.path);
  if (!of_tiles.ok()) {
    return PrintReport({.verdict = verify::Verdict::kCannotTell,
                        .obstacles = {std::string(of_tiles.status().message())}},
                       args.json);
  }
  if (*of_tiles) {
    if (!args.vkey && !*policy) return Complain(kKeyIsNeeded);
    if (!args.tsa_ca_file.empty())
      return Complain("--tsa-ca is for a data folder: a folder of tiles has no time stamp");
    return PrintReport(verify::VerifyTiles(source, {.vkey = args.vkey, .policy = *policy}),
                       args.json);
  }
  const verify::Report report = verify::Verify(source, {.vkey = args.vkey,
                                                        .policy = *policy,
                                                        .tsa_ca = *tsa_ca,
                                                        .running = IsRunning(env, args.path),
                                                        .progress = ShowProgress(env),
                                                        .executor = &env.executor,
                                                        .threads = env::CoreCount()});
  if (env::StandardErrorIsTerminal()) std::fputs(kClearLine, stderr);
  return PrintReport(report, args.json);
}

}  // namespace sealtrail::cli
