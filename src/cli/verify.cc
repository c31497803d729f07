#include "verify/verify.h"

#include <cstdio>

#include "cli/commands.h"

namespace sealtrail::cli {
namespace {

// Whether a process holds the folder. Looks only: the lock is dropped at once, and a folder that cannot be locked
// (read-only) holds no writer of this machine that we could know of.
bool IsRunning(const env::Env& env, const std::string& path) {
  const std::string lock = env::JoinPath(path, "LOCK");
  return env.files.IsLocked(lock);
}

}  // namespace

int Verify(const env::Env& env, const VerifyArgs& args) {
  const verify::FolderSource source(env.files, args.path);
  const verify::Report report =
      verify::Verify(source, {.vkey = args.vkey, .running = IsRunning(env, args.path)});
  const std::string text = args.json ? verify::ReportJson(report) : verify::ReportText(report);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return Complain("standard output cannot be written");
  }
  return verify::ExitCode(report.verdict);
}

}  // namespace sealtrail::cli
