#include <cstdio>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/store_client.h"

namespace sealtrail::cli {
namespace {

constexpr size_t kProofBytesMax =
    2 * kMiB;  // 63 hashes, and a checkpoint with room for many signatures

Result<std::string> FetchProof(const env::Env& env, const ProveArgs& args) {
  SEAL_ASSIGN_OR_RETURN(const auto client, StoreClient::OpenFolder(env, args.data_dir));
  auto proof = client->FetchText(
      "GET", fmt::format("/api/v1/proof?seq={}{}", args.seq, args.cosigned ? "&cosigned=1" : ""),
      kProofBytesMax, {{"Accept", args.json ? "application/json" : "text/plain"}});
  const Status closed = client->Close();
  if (proof.ok() && !closed.ok()) return closed;
  return proof;
}

// In one step, so that a file of this name is a whole proof. Where the name is a link, what it leads to.
Status WriteProof(const env::Env& env, const std::string& given, std::string_view proof) {
  const auto real = env.files.RealPath(given);
  if (real.ok()) {
    SEAL_ASSIGN_OR_RETURN(const env::FileInfo info, env.files.Stat(*real));
    if (!info.is_file)
      return FailedPrecondition("{} is no file; without --output the proof goes to standard output",
                                given);
  }
  const std::string path = real.ok() ? *real : given;
  const std::string dir = env::ParentPath(path);
  const std::string name = path.substr(path.find_last_of('/') + 1);
  return env::ReplaceFile(env.files, dir, name, AsBytes(proof));
}

}  // namespace

int Prove(const env::Env& env, const ProveArgs& args) {
  const auto proof = FetchProof(env, args);
  if (!proof.ok()) return Complain(proof.status().message());
  if (!args.output.empty()) {
    const Status written = WriteProof(env, args.output, *proof);
    return written.ok() ? 0 : Complain(written.message());
  }
  if (std::fwrite(proof->data(), 1, proof->size(), stdout) != proof->size() ||
      std::fflush(stdout) != 0) {
    return Complain("standard output cannot be written");
  }
  return 0;
}

}  // namespace sealtrail::cli
