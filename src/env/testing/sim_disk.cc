#include "env/testing/sim_disk.h"

#include <algorithm>
#include <utility>

#include "env/system_error.h"

namespace sealtrail::env::testing {
namespace {

constexpr size_t kTraceLinesMax = 1000;
constexpr uint64_t kFileBytesMax = 8 * kGiB;  // there is no more memory

SimNodePtr NewNode(bool is_directory) {
  return std::make_shared<SimNode>(SimNode{.is_directory = is_directory});
}

uint64_t TotalSize(std::span<const ByteView> parts) {
  uint64_t total = 0;
  for (ByteView part : parts) total += part.size();
  return total;
}

uint64_t UsedBytes(const SimNode& node) {
  uint64_t used = node.file.seen().size();
  for (const auto& [name, child] : node.folder.seen()) used += UsedBytes(*child);
  return used;
}

// True if `node` is `tree` or lies somewhere in it.
bool Holds(const SimNode& tree, const SimNode& node) {
  return &tree == &node || std::ranges::any_of(tree.folder.seen(), [&](const auto& entry) {
    return Holds(*entry.second, node);
  });
}

Status PowerIsOff() {
  return Unavailable("power is off");
}

}  // namespace

SimDisk::SimDisk(const SimFsOptions& options)
    : options_(options),
      choices_(options.seed),
      root_(NewNode(true)),
      cut_at_(options.power_cut_at),
      capacity_(options.capacity_bytes) {
  if (options.fail_at) failures_[*options.fail_at] = options.fail_with;
}

// --- The fate of an operation.

Status SimDisk::Run(const Operation& operation) {
  if (!powered_) return PowerIsOff();
  const int number = operations_++;
  Status status = Perform(operation, number);
  Note(fmt::format("{} {} {}{}{}", number, operation.verb, operation.path, operation.details,
                   status.ok() ? "" : " -> " + status.ToString()));
  if (cut_at_ == number) CutPower();
  return status;
}

Status SimDisk::Perform(const Operation& operation, int number) {
  if (cut_at_ == number) {
    if (operation.when_cut) {
      operation.when_cut();
    } else if (choices_.Chance(1, 2)) {
      [[maybe_unused]] const Status lost_with_the_power = operation.whole(true);
    }
    return PowerIsOff();
  }
  if (read_only_ && operation.changes) return SystemError(EROFS, operation.verb, operation.path);
  if (const auto failure = failures_.find(number); failure != failures_.end()) {
    return FailWith(operation, failure->second);
  }
  const bool lost = operation.is_dir_sync ? options_.lose_dir_syncs : options_.lose_file_syncs;
  return operation.whole(!lost && !lost_syncs_.contains(number));
}

Status SimDisk::FailWith(const Operation& operation, int error) {
  if (operation.when_failed) operation.when_failed();
  return SystemError(error, operation.verb, operation.path);
}

// --- Paths.

SimDisk::Place SimDisk::Find(std::string_view path) const {
  if (path.empty()) return {.error = ENOENT};
  Place place{.node = root_};
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    SEAL_CHECK(part != "..");  // nobody here needs it
    if (place.node == nullptr) return {.error = ENOENT};
    if (!place.node->is_directory) return {.error = ENOTDIR};
    place.folder = place.node;
    place.name = part;
    const auto& entries = place.folder->folder.seen();
    const auto found = entries.find(part);
    place.node = found == entries.end() ? nullptr : found->second;
  }
  return place;
}

// --- Operations, in the order of files.h.

Result<SimDisk::Handle> SimDisk::Create(const std::string& path) {
  SEAL_RETURN_IF_ERROR(Run({.verb = "create", .path = path, .whole = [&](bool) {
                              return CreateNow(path, "create", false);
                            }}));
  return Open(path);
}

Status SimDisk::CreateNow(const std::string& path, std::string_view verb, bool is_directory) {
  const Place place = Find(path);
  if (place.error != 0) return SystemError(place.error, verb, path);
  if (place.node != nullptr) return SystemError(EEXIST, verb, path);
  place.folder->folder.Set(place.name, NewNode(is_directory));
  return OkStatus();
}

Result<SimDisk::Handle> SimDisk::Open(const std::string& path, std::string_view verb) const {
  if (!powered_) return PowerIsOff();
  const Place place = Find(path);
  if (place.error != 0) return SystemError(place.error, verb, path);
  if (place.node == nullptr) return SystemError(ENOENT, verb, path);
  if (place.node->is_directory) return SystemError(EISDIR, verb, path);
  return Handle{.path = path, .node = place.node, .boot = boot_};
}

Status SimDisk::Truncate(const std::string& path, uint64_t size) {
  SEAL_ASSIGN_OR_RETURN(const Handle handle, Open(path));
  if (size > kFileBytesMax) return SystemError(EFBIG, "truncate", path);
  return ChangeAndSync(handle, "truncate", fmt::format(" to {} bytes", size),
                       [&](SimFile& file) { file.Resize(size); });
}

Status SimDisk::Rewrite(const std::string& path, uint64_t offset) {
  SEAL_ASSIGN_OR_RETURN(const Handle handle, Open(path));
  return ChangeAndSync(handle, "rewrite", fmt::format(" from {}", offset),
                       [&](SimFile& file) { file.Redirty(offset); });
}

// Cut, it did nothing, changed the file, or synced it too. Failed, it was the change or the sync that failed.
Status SimDisk::ChangeAndSync(const Handle& handle, std::string_view verb, std::string details,
                              const std::function<void(SimFile&)>& change) {
  SimFile& file = handle.node->file;
  return Run({.verb = verb,
              .path = handle.path,
              .details = std::move(details),
              .whole =
                  [&](bool syncs) {
                    change(file);
                    if (syncs) file.Sync();
                    return OkStatus();
                  },
              .when_cut =
                  [&] {
                    const uint64_t steps = choices_.Below(3);
                    if (steps > 0) change(file);
                    if (steps > 1) file.Sync();
                  },
              .when_failed =
                  [&] {
                    if (choices_.Chance(1, 2)) return;
                    change(file);
                    file.FailSync(choices_);
                  }});
}

Status SimDisk::Rename(const std::string& from, const std::string& to) {
  return Run({.verb = "rename to",
              .path = to,
              .details = fmt::format(" from {}", from),
              .whole = [&](bool) { return RenameNow(from, to); }});
}

Status SimDisk::RenameNow(const std::string& from, const std::string& to) {
  const auto fail = [&](int error) { return SystemError(error, "rename to", to); };
  const Place source = Find(from);
  if (source.error != 0) return fail(source.error);
  const Place target = Find(to);
  if (target.error != 0) return fail(target.error);
  if (source.node == nullptr) return fail(ENOENT);
  if (source.node == target.node) return OkStatus();
  if (source.folder == nullptr || target.folder == nullptr) return fail(EBUSY);
  if (Holds(*source.node, *target.folder)) return fail(EINVAL);
  if (target.node != nullptr) {
    if (Holds(*target.node, *source.folder)) return fail(ENOTEMPTY);
    if (source.node->is_directory && !target.node->is_directory) return fail(ENOTDIR);
    if (!source.node->is_directory && target.node->is_directory) return fail(EISDIR);
    if (!target.node->folder.seen().empty()) return fail(ENOTEMPTY);
  }
  if (source.folder == target.folder) {
    source.folder->folder.Rename(source.name, target.name);
  } else {
    target.folder->folder.Set(target.name, source.node);
    source.folder->folder.Erase(source.name);
  }
  return OkStatus();
}

Status SimDisk::Remove(const std::string& path) {
  return Run({.verb = "remove", .path = path, .whole = [&](bool) { return RemoveNow(path); }});
}

Status SimDisk::RemoveNow(const std::string& path) {
  const Place place = Find(path);
  if (place.error != 0) return SystemError(place.error, "remove", path);
  if (place.node == nullptr) return SystemError(ENOENT, "remove", path);
  if (place.folder == nullptr) return SystemError(EBUSY, "remove", path);
  if (!place.node->folder.seen().empty()) return SystemError(ENOTEMPTY, "remove", path);
  place.folder->folder.Erase(place.name);
  return OkStatus();
}

Status SimDisk::MakeDir(const std::string& path) {
  if (const Place place = Find(path);
      powered_ && place.node != nullptr && place.node->is_directory) {
    return OkStatus();
  }
  return Run({.verb = "mkdir", .path = path, .whole = [&](bool) {
                return CreateNow(path, "mkdir", true);
              }});
}

Result<std::vector<std::string>> SimDisk::List(const std::string& path) const {
  if (!powered_) return PowerIsOff();
  const Place place = Find(path);
  if (place.error != 0) return SystemError(place.error, "list", path);
  if (place.node == nullptr) return SystemError(ENOENT, "list", path);
  if (!place.node->is_directory) return SystemError(ENOTDIR, "list", path);
  std::vector<std::string> names;
  for (const auto& [name, node] : place.node->folder.seen()) names.push_back(name);
  return names;
}

Result<FileInfo> SimDisk::Stat(const std::string& path) const {
  if (!powered_) return PowerIsOff();
  const Place place = Find(path);
  if (place.error != 0) return SystemError(place.error, "stat", path);
  if (place.node == nullptr) return SystemError(ENOENT, "stat", path);
  return FileInfo{.size = place.node->file.seen().size(),
                  .is_directory = place.node->is_directory,
                  .is_file = !place.node->is_directory};
}

Status SimDisk::SyncDir(const std::string& path) {
  return Run({.verb = "fsync folder",
              .path = path,
              .whole =
                  [&](bool syncs) {
                    const Place place = Find(path);
                    if (place.error != 0) return SystemError(place.error, "open folder", path);
                    if (place.node == nullptr) return SystemError(ENOENT, "open folder", path);
                    if (!place.node->is_directory) return SystemError(ENOTDIR, "open folder", path);
                    if (syncs) place.node->folder.Sync();
                    return OkStatus();
                  },
              .changes = false,
              .is_dir_sync = true});
}

Result<uint64_t> SimDisk::FreeBytes(const std::string& path) const {
  if (!powered_) return PowerIsOff();
  const Place place = Find(path);
  if (place.error != 0) return SystemError(place.error, "statvfs", path);
  if (place.node == nullptr) return SystemError(ENOENT, "statvfs", path);
  return FreeNow();
}

uint64_t SimDisk::FreeNow() const {
  const uint64_t used = UsedBytes(*root_);
  return used < capacity_ ? capacity_ - used : 0;
}

Result<SimDisk::Handle> SimDisk::Lock(const std::string& path) {
  if (!powered_) return PowerIsOff();
  const Place place = Find(path);
  if (locked_.contains(place.folder)) return Unavailable("{} is held by another process", path);
  if (place.node == nullptr) {
    SEAL_RETURN_IF_ERROR(Run({.verb = "open lock", .path = path, .whole = [&](bool) {
                                return CreateNow(path, "open lock", false);
                              }}));
  }
  if (read_only_) return SystemError(EROFS, "open lock", path);
  SEAL_ASSIGN_OR_RETURN(Handle handle, Open(path, "open lock"));
  handle.folder = Find(path).folder;
  if (locked_.contains(handle.node) || locked_.contains(handle.folder)) {
    return Unavailable("{} is held by another process", path);
  }
  locked_.insert({handle.node, handle.folder});
  return handle;
}

void SimDisk::Unlock(const Handle& handle) {
  if (handle.boot != boot_) return;
  locked_.erase(handle.node);
  locked_.erase(handle.folder);
}

bool SimDisk::IsLocked(const std::string& path) const {
  const Place place = Find(path);
  return powered_ && locked_.contains(place.node != nullptr ? place.node : place.folder);
}

// --- Open files.

Status SimDisk::Usable(const Handle& handle, std::string_view verb) const {
  if (!powered_) return PowerIsOff();
  if (handle.boot != boot_) {
    return Unavailable("{} {}: opened before the power failed", verb, handle.path);
  }
  if (handle.closed) return SystemError(EBADF, verb, handle.path);
  return OkStatus();
}

Status SimDisk::Append(const Handle& handle, std::span<const ByteView> parts, uint64_t& size) {
  SEAL_RETURN_IF_ERROR(Usable(handle, "write"));
  TellObserver(handle, parts);
  const uint64_t total = TotalSize(parts);
  const auto some = [&] {
    size += handle.node->file.Append(parts, std::min(choices_.Below(total + 1), FreeNow()));
  };
  return Run({.verb = "write",
              .path = handle.path,
              .details = fmt::format(" {} bytes", total),
              .whole = [&](bool) { return AppendNow(handle, parts, size); },
              .when_cut = some,
              .when_failed = some});
}

Status SimDisk::AppendNow(const Handle& handle, std::span<const ByteView> parts, uint64_t& size) {
  const uint64_t before = handle.node->file.seen().size();
  const uint64_t written = handle.node->file.Append(parts, FreeNow());
  size += written;
  if (spoiled_writes_.contains(operations_ - 1)) SpoilFrom(handle, before);
  if (written < TotalSize(parts)) return SystemError(ENOSPC, "write", handle.path);
  return OkStatus();
}

void SimDisk::TellObserver(const Handle& handle, std::span<const ByteView> parts) const {
  if (!on_append_) return;
  Bytes bytes;
  for (const ByteView part : parts) AppendTo(bytes, part);
  on_append_(operations_, handle.path, bytes);
}

void SimDisk::SpoilFrom(const Handle& handle, uint64_t offset) {
  const uint64_t end = handle.node->file.seen().size();
  if (offset == end) return;
  const uint64_t at = offset + choices_.Below(end - offset);
  handle.node->file.FlipBit(at, static_cast<int>(choices_.Below(8)));
  Note(fmt::format("  byte {} was written with a wrong bit", at));
}

Status SimDisk::Sync(const Handle& handle) {
  SEAL_RETURN_IF_ERROR(Usable(handle, "fdatasync"));
  SimFile& file = handle.node->file;
  return Run({.verb = "fdatasync",
              .path = handle.path,
              .whole =
                  [&](bool syncs) {
                    if (syncs) file.Sync();
                    return OkStatus();
                  },
              .when_failed = [&] { file.FailSync(choices_); },
              .changes = false});
}

// --- Power.

void SimDisk::CutPower() {
  if (!powered_) return;
  Survival survival = options_.survival;
  if (survival == Survival::kSeeded) {
    const uint64_t pick = choices_.Below(4);
    if (pick == 0) survival = Survival::kNothing;
    if (pick == 1) survival = Survival::kEverything;
  }
  Note("power cut");
  Settle(*root_, "", survival);
  locked_.clear();
  powered_ = false;
  ++boot_;
}

void SimDisk::ClearFaults() {
  cut_at_.reset();
  failures_.clear();
  lost_syncs_.clear();
  spoiled_writes_.clear();
}

void SimDisk::PowerOn() {
  CutPower();
  powered_ = true;
  Note("power on");
}

void SimDisk::Settle(SimNode& node, const std::string& path, Survival survival) {
  const std::string line = node.is_directory ? node.folder.Settle(survival, choices_)
                                             : node.file.Settle(survival, choices_);
  if (!line.empty()) Note(fmt::format("  {}: {}", path.empty() ? "/" : path, line));
  for (const auto& [name, child] : node.folder.seen()) {
    Settle(*child, fmt::format("{}/{}", path, name), survival);
  }
}

void SimDisk::FlipBit(const std::string& path, uint64_t offset, int bit) {
  const Place place = Find(path);
  SEAL_CHECK(place.error == 0 && place.node != nullptr && !place.node->is_directory);
  place.node->file.FlipBit(offset, bit);
  Note(fmt::format("bit {} of byte {} of {} rots", bit, offset, path));
}

void SimDisk::Note(std::string line) {
  trace_.push_back(std::move(line));
  if (trace_.size() > kTraceLinesMax) trace_.pop_front();
}

std::string SimDisk::trace() const {
  return fmt::format("seed {}\n{}\n", options_.seed, fmt::join(trace_, "\n"));
}

}  // namespace sealtrail::env::testing
