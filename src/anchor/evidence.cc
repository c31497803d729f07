#include "anchor/evidence.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/sha256.h"

namespace sealtrail::anchor {
namespace {

std::string NameOf(std::string_view prefix, const SizedNote& note) {
  const crypto::Hash hash = crypto::Sha256(AsBytes(note.second));
  return fmt::format("{}{:020}-{}.note", prefix, Value(note.first),
                     HexEncode(ByteView(hash).first(4)));
}

}  // namespace

void KeepEvidence(env::FileSystem& files, UnixNanos now, const std::string& folder,
                  std::string_view prefix, size_t files_max, const std::vector<SizedNote>& notes) {
  const auto names = files.List(folder);
  Status status = names.status();
  size_t kept = 0;
  if (names.ok()) {
    kept = static_cast<size_t>(std::ranges::count_if(
        *names, [&](const std::string& name) { return name.starts_with(prefix); }));
  }
  for (const SizedNote& note : notes) {
    const std::string name = NameOf(prefix, note);
    if (!status.ok() || std::ranges::find(*names, name) != names->end()) continue;
    if (kept++ >= files_max) {
      status = ResourceExhausted("{} holds {} files", folder, files_max);
    } else {
      status = env::ReplaceFile(files, folder, name, AsBytes(note.second));
    }
  }
  if (!status.ok()) LogLine(LogLevel::kError, now, "evidence_lost", status.message());
}

}  // namespace sealtrail::anchor
