#include "ledger/backup_plan.h"

#include <algorithm>
#include <charconv>

#include "crypto/sha256.h"
#include "ledger/folder_reader.h"
#include "ledger/segment_files.h"
#include "ledger/trail_keys.h"
#include "ledger/tree_store.h"

namespace sealtrail::ledger {
namespace {

constexpr int kTileBits = 8;
constexpr size_t kSizeDigits = 20;  // of the names in anchors/

class Planner {
 public:
  Planner(env::FileSystem& files, const TrailPaths& paths, const BackupScope& scope)
      : files_(files),
        paths_(paths),
        scope_(scope),
        plan_{.checkpoint = scope.checkpoint, .vkeys = scope.vkeys, .files = {}, .key = {}} {}

  Result<BackupPlan> Run() {
    if (scope_.log_bytes != 0) {
      plan_.files.push_back(
          {.path = "segments/" + format::SegmentFileName(scope_.log_first, format::FileKind::kLog),
           .bytes = scope_.log_bytes});
    }
    SEAL_RETURN_IF_ERROR(AddSealed());
    SEAL_RETURN_IF_ERROR(AddTiles());
    SEAL_RETURN_IF_ERROR(
        AddFolder("epochs", [this](std::string_view name) { return Epoch(name); }));
    SEAL_RETURN_IF_ERROR(
        AddFolder("anchors", [this](std::string_view name) { return Anchor(name); }));
    SEAL_RETURN_IF_ERROR(AddFolder("anchors/evidence", Lasting));
    SEAL_RETURN_IF_ERROR(AddFolder("aside", Lasting));
    SEAL_RETURN_IF_ERROR(AddFolder("signing", [](std::string_view name) {
      return name.starts_with("state-") && Lasting(name);
    }));
    SEAL_RETURN_IF_ERROR(Add("trail"));
    return std::move(plan_);
  }

 private:
  Status Add(const std::string& path, uint64_t bytes_max = UINT64_MAX) {
    SEAL_ASSIGN_OR_RETURN(const env::FileInfo info,
                          files_.Stat(env::JoinPath(paths_.data_dir, path)));
    if (!info.is_directory)
      plan_.files.push_back({.path = path, .bytes = std::min(info.size, bytes_max)});
    return OkStatus();
  }

  Status AddSealed() {
    SEAL_ASSIGN_OR_RETURN(const SegmentFiles present, ListSegmentFiles(files_, paths_.segments));
    for (const Seq first : present.manifests) {
      if (first >= scope_.log_first) continue;
      for (const format::FileKind kind : {format::FileKind::kSealed, format::FileKind::kManifest})
        SEAL_RETURN_IF_ERROR(Add("segments/" + format::SegmentFileName(first, kind)));
    }
    return OkStatus();
  }

  Status AddTiles() {
    for (int level = 1; level <= kTileLevelMax; ++level) {
      const uint64_t hashes = Value(scope_.log_first) >> (kTileBits * level);
      const std::string path = fmt::format("tiles/{}", level);
      if (hashes == 0) continue;
      SEAL_ASSIGN_OR_RETURN(const bool there,
                            env::Exists(files_, env::JoinPath(paths_.data_dir, path)));
      if (there) SEAL_RETURN_IF_ERROR(Add(path, hashes * sizeof(crypto::Hash)));
    }
    return OkStatus();
  }

  template <typename Wanted>
  Status AddFolder(const std::string& dir, const Wanted& wanted) {
    const auto names = files_.List(env::JoinPath(paths_.data_dir, dir));
    if (names.status().code() == StatusCode::kNotFound) return OkStatus();
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      if (wanted(name)) SEAL_RETURN_IF_ERROR(Add(fmt::format("{}/{}", dir, name)));
    }
    return OkStatus();
  }

  static bool Lasting(std::string_view name) { return !name.ends_with(".tmp"); }

  // Not one that has come since.
  bool Epoch(std::string_view name) const {
    uint64_t epoch = 0;
    std::from_chars(name.data(), name.data() + name.size(), epoch);
    return Lasting(name) && epoch < scope_.vkeys.size();
  }

  // Not one of a tree that is larger than this one. What is remembered of witnesses is made anew, and is no evidence.
  bool Anchor(std::string_view name) const {
    uint64_t size = 0;
    const std::string_view digits = name.substr(0, kSizeDigits);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    const bool sized = error == std::errc() && end == digits.data() + kSizeDigits;
    return Lasting(name) && sized && size <= Value(scope_.checkpoint.size);
  }

  env::FileSystem& files_;
  const TrailPaths& paths_;
  const BackupScope& scope_;
  BackupPlan plan_;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> BackupPlan::Texts() const {
  std::vector<std::pair<std::string, std::string>> texts;
  for (size_t epoch = 0; epoch + 1 < vkeys.size(); ++epoch)
    texts.emplace_back("keys/" + RetiredVkeyFile(epoch), vkeys[epoch] + "\n");
  texts.emplace_back("keys/log.vkey", vkeys.back() + "\n");
  if (!key.empty()) texts.emplace_back("keys/log.key", key);
  texts.emplace_back("checkpoint", checkpoint.note);
  return texts;
}

Result<BackupPlan> PlanBackup(env::FileSystem& files, const TrailPaths& paths,
                              const BackupScope& scope) {
  return Planner(files, paths, scope).Run();
}

Result<BackupPlan> PlanFolder(const env::Env& env, const std::string& data_dir) {
  SEAL_ASSIGN_OR_RETURN(const auto reader, FolderReader::Open(env, data_dir));
  BackupScope scope{.checkpoint = reader->checkpoint(), .vkeys = reader->vkeys()};
  scope.log_first = Seq{Value(reader->heights().durable)};
  const std::vector<SegmentInfo> segments = reader->segments();
  if (!segments.empty() && !segments.back().sealed) {
    scope.log_first = segments.back().first;
    scope.log_bytes = segments.back().bytes;
  }
  return PlanBackup(env.files, TrailPaths(data_dir), scope);
}

}  // namespace sealtrail::ledger
