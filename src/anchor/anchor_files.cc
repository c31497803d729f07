#include "anchor/anchor_files.h"

#include <charconv>

#include "base/limits.h"

namespace sealtrail::anchor {
namespace {

constexpr uint64_t kFileBytesMax = 1 * kMiB;
constexpr size_t kEvidenceFilesMax = 64;
constexpr size_t kSizeDigits = 20;
constexpr std::string_view kCosigned = ".checkpoint";
constexpr std::string_view kEvidence = "evidence";
constexpr std::string_view kPolicy = "policy";

std::optional<TreeSize> SizeIn(std::string_view name, std::string_view suffix) {
  if (name.size() != kSizeDigits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kSizeDigits, size);
  if (error != std::errc() || end != name.data() + kSizeDigits) return std::nullopt;
  return TreeSize{size};
}

std::optional<TreeSize> NewestOf(const std::vector<std::string>& names, std::string_view suffix,
                                 TreeSize at_most) {
  std::optional<TreeSize> newest;
  for (const std::string& name : names) {
    const auto size = SizeIn(name, suffix);
    if (size && *size <= at_most && (!newest || *size > *newest)) newest = size;
  }
  return newest;
}

}  // namespace

std::string CosignedName(TreeSize size) {
  return fmt::format("{:020}{}", Value(size), kCosigned);
}
std::string StampedName(TreeSize size) {
  return fmt::format("{:020}.stamped", Value(size));
}
std::string TokenName(TreeSize size, size_t authority) {
  return fmt::format("{:020}.{}.tsr", Value(size), authority);
}

Result<SizedNote> NewestCosigned(env::FileSystem& files, const std::string& dir, TreeSize above,
                                 TreeSize at_most) {
  const auto names = files.List(dir);
  if (!names.ok() && names.status().code() != StatusCode::kNotFound) return names.status();
  std::optional<TreeSize> newest;
  if (names.ok()) newest = NewestOf(*names, kCosigned, at_most);
  if (newest && *newest <= above) newest.reset();
  if (!newest) {
    return NotFound("no checkpoint of more than {} records that witnesses cosigned is kept",
                    Value(above));
  }
  SEAL_ASSIGN_OR_RETURN(
      std::string note,
      env::ReadText(files, env::JoinPath(dir, CosignedName(*newest)), kFileBytesMax));
  return SizedNote(*newest, std::move(note));
}

std::string PolicyPath(const std::string& dir) {
  return env::JoinPath(dir, kPolicy);
}

Status KeepPolicy(env::FileSystem& files, const std::string& dir, std::string_view policy) {
  if (!policy.empty()) return env::ReplaceFile(files, dir, kPolicy, AsBytes(policy));
  const std::string path = PolicyPath(dir);
  const auto there = files.Stat(path);
  if (there.ok())
    SEAL_RETURN_IF_ERROR(files.Remove(path));
  else if (there.status().code() != StatusCode::kNotFound)
    return there.status();
  return files.SyncDir(dir);
}

Result<AnchorFiles> AnchorFiles::Open(env::FileSystem& files, std::string dir) {
  SEAL_RETURN_IF_ERROR(files.MakeDir(dir));
  SEAL_RETURN_IF_ERROR(files.SyncDir(env::ParentPath(dir)));
  SEAL_RETURN_IF_ERROR(files.MakeDir(env::JoinPath(dir, kEvidence)));
  SEAL_RETURN_IF_ERROR(files.SyncDir(dir));
  return AnchorFiles(files, std::move(dir));
}

bool IsUnread(const Status& got) {
  return !got.ok() && got.code() != StatusCode::kNotFound &&
         got.code() != StatusCode::kResourceExhausted;
}

Status AnchorFiles::Put(std::string_view name, ByteView content) {
  const auto stored = Get(name);
  if (stored.ok()) {
    if (Equal(AsBytes(*stored), content)) return files_->SyncDir(dir_);
    return AlreadyExists("{} is there, with other bytes", env::JoinPath(dir_, name));
  }
  if (stored.status().code() != StatusCode::kNotFound) return stored.status();
  return env::ReplaceFile(*files_, dir_, name, content);
}

Result<std::string> AnchorFiles::Get(std::string_view name) const {
  return env::ReadText(*files_, env::JoinPath(dir_, name), kFileBytesMax);
}

Result<std::optional<TreeSize>> AnchorFiles::Newest(std::string_view suffix) const {
  SEAL_ASSIGN_OR_RETURN(const auto names, files_->List(dir_));
  return NewestOf(names, suffix, TreeSize{UINT64_MAX});
}

Result<std::vector<std::pair<std::string, std::string>>> AnchorFiles::Evidence() const {
  SEAL_ASSIGN_OR_RETURN(const auto names, files_->List(env::JoinPath(dir_, kEvidence)));
  std::vector<std::pair<std::string, std::string>> notes;
  for (const std::string& name : names) {
    if (!name.ends_with(".note")) continue;
    std::string path = env::JoinPath(kEvidence, name);
    SEAL_ASSIGN_OR_RETURN(std::string note, Get(path));
    notes.emplace_back(std::move(path), std::move(note));
  }
  return notes;
}

void AnchorFiles::KeepEvidence(UnixNanos now, const std::vector<SizedNote>& notes) {
  anchor::KeepEvidence(*files_, now, env::JoinPath(dir_, kEvidence), "", kEvidenceFilesMax, notes);
}

}  // namespace sealtrail::anchor
