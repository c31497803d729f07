#include "ledger/backup_folder.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/limits.h"
#include "ledger/file_copy.h"
#include "ledger/segment_files.h"
#include "tlog/note.h"

namespace sealtrail::ledger {
namespace {

constexpr std::string_view kIncoming = "incoming";
constexpr std::string_view kFirstLine = "sealtrail/backup/v1\n";
constexpr uint64_t kListBytesMax = 256 * kMiB;
constexpr uint64_t kSmallBytes = 64 * kKiB;  // others up to this are always compared byte by byte
constexpr std::array<std::string_view, 8> kFolders = {
    "segments", "tiles", "epochs", "anchors", "anchors/evidence", "aside", "signing", "keys"};

std::string Staged(const std::string& path) {
  return path + std::string(kStagedSuffix);
}

// A file that stands in the folder or in one of kFolders: the list is read from where others may have written, and must not
// lead out of it.
bool IsOurs(std::string_view path) {
  const size_t slash = path.rfind('/');
  const std::string_view name = path.substr(slash == path.npos ? 0 : slash + 1);
  if (name.empty() || name == "." || name == "..") return false;
  return slash == path.npos || std::ranges::find(kFolders, path.substr(0, slash)) != kFolders.end();
}

// The paths that the file `incoming` lists.
Result<std::vector<std::string>> ParseList(std::string_view text) {
  if (!text.starts_with(kFirstLine) || !text.ends_with('\n'))
    return DataLoss("it is not the list of a backup");
  text.remove_prefix(kFirstLine.size());
  std::vector<std::string> paths;
  for (size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    paths.emplace_back(text.substr(0, end));
    if (!IsOurs(paths.back()))
      return DataLoss("it lists \"{}\", which no backup has", paths.back());
  }
  return paths;
}

// Logs whose sealed form is there now.
Status RemoveSealedLogs(env::FileSystem& files, const std::string& segments) {
  SEAL_ASSIGN_OR_RETURN(const SegmentFiles present, ListSegmentFiles(files, segments));
  for (const Seq first : present.logs) {
    if (!present.manifests.contains(first)) continue;
    SEAL_RETURN_IF_ERROR(files.Remove(
        env::JoinPath(segments, format::SegmentFileName(first, format::FileKind::kLog))));
  }
  return files.SyncDir(segments);
}

// Each file to its place. May be done again from any point.
Status PutInPlace(env::FileSystem& files, const std::string& dir,
                  const std::vector<std::string>& paths) {
  std::set<std::string> folders;
  for (const std::string& path : paths) {
    const std::string place = env::JoinPath(dir, path);
    folders.insert(env::ParentPath(place));
    SEAL_ASSIGN_OR_RETURN(const bool staged, env::Exists(files, Staged(place)));
    if (staged) SEAL_RETURN_IF_ERROR(files.Rename(Staged(place), place));
  }
  for (const std::string& folder : folders) SEAL_RETURN_IF_ERROR(files.SyncDir(folder));
  return OkStatus();
}

// The segment whose sealed form the file is, or nothing.
std::optional<Seq> SealedSegmentOf(std::string_view path) {
  const auto name = format::ParseSegmentFileName(path.substr(path.rfind('/') + 1));
  if (!name.ok() || name->kind != format::FileKind::kSealed) return std::nullopt;
  return name->first;
}

// What its manifest says.
Result<crypto::Hash> SealedHash(env::FileSystem& files, const std::string& from, Seq first) {
  const std::string path = env::JoinPath(
      from, "segments/" + format::SegmentFileName(first, format::FileKind::kManifest));
  SEAL_ASSIGN_OR_RETURN(const std::string text,
                        env::ReadText(files, path, format::kManifestBytesMax));
  SEAL_ASSIGN_OR_RETURN(const tlog::Note note, tlog::ParseNote(text));
  SEAL_ASSIGN_OR_RETURN(const format::Manifest manifest, format::ParseManifestText(note.text));
  return manifest.file_hash;
}

}  // namespace

Status FinishBackup(env::FileSystem& files, const std::string& dir) {
  const std::string list = env::JoinPath(dir, kIncoming);
  const auto text = env::ReadText(files, list, kListBytesMax);
  if (text.status().code() == StatusCode::kNotFound) return OkStatus();
  if (!text.ok()) return text.status();
  const auto paths = ParseList(*text);
  if (!paths.ok()) return paths.status().Annotate(list);
  SEAL_RETURN_IF_ERROR(PutInPlace(files, dir, *paths));
  SEAL_RETURN_IF_ERROR(RemoveSealedLogs(files, env::JoinPath(dir, "segments")));
  SEAL_RETURN_IF_ERROR(files.Remove(list));
  return files.SyncDir(dir);
}

Result<BackupFolder> BackupFolder::Open(const env::Env& env, std::string dir,
                                        const std::string& trail_note) {
  BackupFolder folder(env, std::move(dir));
  SEAL_RETURN_IF_ERROR(MakeOwnFolder(env.files, folder.dir_));
  SEAL_RETURN_IF_ERROR(folder.CheckNoStrangers());
  SEAL_ASSIGN_OR_RETURN(folder.lock_, env.files.Lock(folder.Place("LOCK")));
  SEAL_RETURN_IF_ERROR(FinishBackup(env.files, folder.dir_));
  SEAL_RETURN_IF_ERROR(folder.DropStaged());
  SEAL_RETURN_IF_ERROR(folder.CheckTrail(trail_note));
  SEAL_RETURN_IF_ERROR(folder.ReadNewest());
  return folder;
}

// Before anything is written: a folder of other things, or one in which a trail lives, must not become a backup.
Status BackupFolder::CheckNoStrangers() const {
  static const std::set<std::string_view> kOurs = {
      "LOCK",    "keys",   "segments", "aside",   "trail",      "checkpoint",  "tiles",
      "signing", "epochs", "anchors",  kIncoming, "lost+found", "incoming.tmp"};
  for (const std::string_view name : {"signing/state", "signing/elsewhere"}) {
    SEAL_ASSIGN_OR_RETURN(const bool there, env::Exists(env_.files, Place(std::string(name))));
    if (!there) continue;
    return FailedPrecondition("{} is the data folder of a store, which has {}, and no backup", dir_,
                              name);
  }
  SEAL_ASSIGN_OR_RETURN(const auto names, env_.files.List(dir_));
  for (const std::string& name : names) {
    if (kOurs.contains(name) || name.ends_with(kStagedSuffix)) continue;
    return FailedPrecondition(
        "{} holds \"{}\" and is no backup; give the backup a folder of its own", dir_, name);
  }
  return OkStatus();
}

Status BackupFolder::CheckTrail(const std::string& trail_note) const {
  const auto note = env::ReadText(env_.files, Place("trail"), kSmallBytes);
  if (note.status().code() == StatusCode::kNotFound) return OkStatus();
  if (!note.ok()) return note.status();
  if (*note == trail_note) return OkStatus();
  return FailedPrecondition("{} is the backup of another trail", dir_);
}

Status BackupFolder::DropStaged() const {
  const auto drop = [&](const std::string& folder) {
    const auto names = env_.files.List(folder);
    if (names.status().code() == StatusCode::kNotFound) return OkStatus();
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      if (name.ends_with(kStagedSuffix) && name != kIncoming)
        SEAL_RETURN_IF_ERROR(env_.files.Remove(env::JoinPath(folder, name)));
    }
    return OkStatus();
  };
  for (const std::string_view folder : kFolders)
    SEAL_RETURN_IF_ERROR(drop(Place(std::string(folder))));
  return drop(dir_);
}

// Not verified: it is only asked whether the trail has this tree.
Status BackupFolder::ReadNewest() {
  const std::string path = Place("checkpoint");
  auto text = env::ReadText(env_.files, path, kSmallBytes);
  if (text.status().code() == StatusCode::kNotFound) return OkStatus();
  if (!text.ok()) return text.status();
  const auto note = tlog::ParseNote(*text);
  if (!note.ok()) return note.status().Annotate(path);
  const auto checkpoint = tlog::ParseCheckpointText(note->text);
  if (!checkpoint.ok()) return checkpoint.status().Annotate(path);
  newest_ = {.size = checkpoint->size, .root = checkpoint->root, .note = *std::move(text)};
  return OkStatus();
}

Result<BackupResult> BackupFolder::Take(const std::string& from, const BackupPlan& plan,
                                        bool check) {
  SEAL_RETURN_IF_ERROR(DropStaged());  // of a try before this one
  staged_.clear();
  BackupResult result;
  for (const BackupFile& file : plan.files)
    SEAL_RETURN_IF_ERROR(StageFile(from, file, check, result));
  for (const auto& [path, text] : plan.Texts()) SEAL_RETURN_IF_ERROR(StageText(path, text, result));
  if (staged_.empty()) return result;
  std::set<std::string> folders;
  std::string list(kFirstLine);
  for (const std::string& path : staged_) {
    folders.insert(env::ParentPath(Place(path)));
    list += path + "\n";
  }
  for (const std::string& folder : folders) SEAL_RETURN_IF_ERROR(env_.files.SyncDir(folder));
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env_.files, dir_, kIncoming, AsBytes(list)));
  SEAL_RETURN_IF_ERROR(FinishBackup(env_.files, dir_));
  newest_ = plan.checkpoint;
  return result;
}

Status BackupFolder::BeginStaging(const std::string& path) {
  SEAL_RETURN_IF_ERROR(MakeParents(env_.files, dir_, path));
  staged_.push_back(path);
  return OkStatus();
}

Status BackupFolder::StageFile(const std::string& from, const BackupFile& file, bool check,
                               BackupResult& result) {
  ++result.files;
  SEAL_ASSIGN_OR_RETURN(const auto source, env_.files.OpenRead(env::JoinPath(from, file.path)));
  const auto info = env_.files.Stat(Place(file.path));
  if (info.ok() && info->size == file.bytes) {
    SEAL_ASSIGN_OR_RETURN(const bool differs, Differs(*source, from, file, check));
    if (!differs) return OkStatus();
    result.differed.push_back(file.path);
  }
  SEAL_RETURN_IF_ERROR(BeginStaging(file.path));
  const auto copied = CopyFile(*source, file.bytes, env_.files, Staged(Place(file.path)));
  if (!copied.ok()) return copied.status().Annotate(file.path);
  if (const auto sealed = SealedSegmentOf(file.path)) {
    SEAL_ASSIGN_OR_RETURN(const crypto::Hash expected, SealedHash(env_.files, from, *sealed));
    if (*copied != expected) result.damaged.push_back(file.path);
  }
  ++result.copied;
  result.copied_bytes += file.bytes;
  return OkStatus();
}

// Of two files of one name and length. A sealed one is what its manifest says, whatever became of the source.
Result<bool> BackupFolder::Differs(const env::ReadableFile& source, const std::string& from,
                                   const BackupFile& file, bool check) const {
  const std::optional<Seq> sealed = SealedSegmentOf(file.path);
  if (!check && (sealed || file.bytes > kSmallBytes)) return false;
  SEAL_ASSIGN_OR_RETURN(const auto copy, env_.files.OpenRead(Place(file.path)));
  if (sealed) {
    SEAL_ASSIGN_OR_RETURN(const crypto::Hash expected, SealedHash(env_.files, from, *sealed));
    SEAL_ASSIGN_OR_RETURN(const crypto::Hash found, HashFile(*copy, file.bytes));
    return found != expected;
  }
  SEAL_ASSIGN_OR_RETURN(const bool same, SameBytes(source, *copy, file.bytes));
  return !same;
}

Status BackupFolder::StageText(const std::string& path, const std::string& text,
                               BackupResult& result) {
  ++result.files;
  const auto present = env::ReadText(env_.files, Place(path), kSmallBytes);
  if (present.ok() && *present == text) return OkStatus();
  SEAL_RETURN_IF_ERROR(BeginStaging(path));
  SEAL_ASSIGN_OR_RETURN(const auto copy, env_.files.Create(Staged(Place(path))));
  SEAL_RETURN_IF_ERROR(copy->Append(AsBytes(text)));
  SEAL_RETURN_IF_ERROR(copy->Sync());
  SEAL_RETURN_IF_ERROR(copy->Close());
  ++result.copied;
  result.copied_bytes += text.size();
  return OkStatus();
}

}  // namespace sealtrail::ledger
