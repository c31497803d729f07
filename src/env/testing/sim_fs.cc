#include "env/testing/sim_fs.h"

#include <algorithm>
#include <utility>

#include "env/system_error.h"
#include "env/testing/sim_disk.h"

namespace sealtrail::env::testing {

class SimFs::Writable : public WritableFile {
 public:
  Writable(SimFs& fs, SimDisk::Handle handle)
      : fs_(fs), handle_(std::move(handle)), size_(handle_.node->file.seen().size()) {}

  Status Append(std::span<const ByteView> parts) override {
    MutexLock lock(fs_.mutex_);
    return fs_.disk_->Append(handle_, parts, size_);
  }
  Status Sync() override {
    MutexLock lock(fs_.mutex_);
    return fs_.disk_->Sync(handle_);
  }
  Status Close() override {
    MutexLock lock(fs_.mutex_);
    if (handle_.closed) return OkStatus();
    Status status = fs_.disk_->Usable(handle_, "close");
    handle_.closed = true;
    return status;
  }
  uint64_t size() const override { return size_; }

 private:
  SimFs& fs_;
  SimDisk::Handle handle_;
  uint64_t size_;
};

class SimFs::Readable : public ReadableFile {
 public:
  Readable(SimFs& fs, SimDisk::Handle handle) : fs_(fs), handle_(std::move(handle)) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
    MutexLock lock(fs_.mutex_);
    SEAL_RETURN_IF_ERROR(fs_.disk_->Usable(handle_, "read"));
    SEAL_RETURN_IF_ERROR(fs_.Read("read", handle_.path));
    const Bytes& content = handle_.node->file.seen();
    if (offset >= content.size()) return size_t{0};
    const size_t count = std::min<uint64_t>(out.size(), content.size() - offset);
    std::copy_n(content.begin() + static_cast<ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  Result<uint64_t> Size() const override {
    MutexLock lock(fs_.mutex_);
    SEAL_RETURN_IF_ERROR(fs_.disk_->Usable(handle_, "stat"));
    SEAL_RETURN_IF_ERROR(fs_.Read("stat", handle_.path));
    return static_cast<uint64_t>(handle_.node->file.seen().size());
  }

 private:
  SimFs& fs_;
  const SimDisk::Handle handle_;
};

class SimFs::HeldLock : public FileLock {
 public:
  HeldLock(SimFs& fs, SimDisk::Handle handle) : fs_(fs), handle_(std::move(handle)) {}
  ~HeldLock() override {
    MutexLock lock(fs_.mutex_);
    fs_.disk_->Unlock(handle_);
  }

 private:
  SimFs& fs_;
  const SimDisk::Handle handle_;
};

SimFs::SimFs(SimFsOptions options) : disk_(std::make_unique<SimDisk>(options)) {}
SimFs::~SimFs() = default;

Result<std::unique_ptr<WritableFile>> SimFs::Create(const std::string& path) {
  MutexLock lock(mutex_);
  SEAL_ASSIGN_OR_RETURN(SimDisk::Handle handle, disk_->Create(path));
  return {std::make_unique<Writable>(*this, std::move(handle))};
}

Result<std::unique_ptr<WritableFile>> SimFs::OpenAppend(const std::string& path) {
  MutexLock lock(mutex_);
  SEAL_ASSIGN_OR_RETURN(SimDisk::Handle handle, disk_->Open(path));
  return {std::make_unique<Writable>(*this, std::move(handle))};
}

Result<std::unique_ptr<ReadableFile>> SimFs::OpenRead(const std::string& path) {
  MutexLock lock(mutex_);
  SEAL_RETURN_IF_ERROR(Read("open", path));
  SEAL_ASSIGN_OR_RETURN(SimDisk::Handle handle, disk_->Open(path));
  return {std::make_unique<Readable>(*this, std::move(handle))};
}

Status SimFs::Truncate(const std::string& path, uint64_t size) {
  MutexLock lock(mutex_);
  return disk_->Truncate(path, size);
}

Status SimFs::Rewrite(const std::string& path, uint64_t offset) {
  MutexLock lock(mutex_);
  return disk_->Rewrite(path, offset);
}

Status SimFs::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  return disk_->Rename(from, to);
}

Status SimFs::Remove(const std::string& path) {
  MutexLock lock(mutex_);
  return disk_->Remove(path);
}

Status SimFs::MakeDir(const std::string& path) {
  MutexLock lock(mutex_);
  return disk_->MakeDir(path);
}

Result<std::vector<std::string>> SimFs::List(const std::string& path) {
  MutexLock lock(mutex_);
  SEAL_RETURN_IF_ERROR(Read("list", path));
  return disk_->List(path);
}

Result<FileInfo> SimFs::Stat(const std::string& path) {
  MutexLock lock(mutex_);
  SEAL_RETURN_IF_ERROR(Read("stat", path));
  return disk_->Stat(path);
}

// There are no links in it.
Result<std::string> SimFs::RealPath(const std::string& path) {
  MutexLock lock(mutex_);
  SEAL_RETURN_IF_ERROR(Read("resolve", path));
  SEAL_RETURN_IF_ERROR(disk_->Stat(path).status());
  const size_t end = path.find_last_not_of('/');
  return path.substr(0, end == path.npos ? 1 : end + 1);
}

Status SimFs::SyncDir(const std::string& path) {
  MutexLock lock(mutex_);
  return disk_->SyncDir(path);
}

Result<uint64_t> SimFs::FreeBytes(const std::string& path) {
  MutexLock lock(mutex_);
  return disk_->FreeBytes(path);
}

bool SimFs::IsLocked(const std::string& path) {
  MutexLock lock(mutex_);
  return disk_->IsLocked(path);
}

Result<uint64_t> SimFs::TotalBytes(const std::string& path) {
  MutexLock lock(mutex_);
  SEAL_ASSIGN_OR_RETURN([[maybe_unused]] const uint64_t free, disk_->FreeBytes(path));
  return disk_->capacity();
}

Result<std::unique_ptr<FileLock>> SimFs::Lock(const std::string& path) {
  MutexLock lock(mutex_);
  SEAL_ASSIGN_OR_RETURN(SimDisk::Handle handle, disk_->Lock(path));
  return {std::make_unique<HeldLock>(*this, std::move(handle))};
}

int SimFs::reads() const {
  MutexLock lock(mutex_);
  return reads_;
}

void SimFs::FailRead(int number) {
  MutexLock lock(mutex_);
  failing_reads_.insert(number);
}

bool SimFs::CountReads(bool count) {
  MutexLock lock(mutex_);
  return std::exchange(counts_reads_, count);
}

Status SimFs::Read(std::string_view verb, const std::string& path) {
  if (!counts_reads_ || !failing_reads_.contains(reads_++)) return OkStatus();
  return SystemError(EIO, verb, path);
}

int SimFs::operations() const {
  MutexLock lock(mutex_);
  return disk_->operations();
}

void SimFs::CutPowerAt(int number) {
  MutexLock lock(mutex_);
  disk_->CutPowerAt(number);
}

void SimFs::CutPower() {
  MutexLock lock(mutex_);
  disk_->CutPower();
}

bool SimFs::powered() const {
  MutexLock lock(mutex_);
  return disk_->powered();
}

int SimFs::power_cuts() const {
  MutexLock lock(mutex_);
  return disk_->power_cuts();
}

void SimFs::PowerOn() {
  MutexLock lock(mutex_);
  disk_->PowerOn();
}

void SimFs::FailOperation(int number, int error) {
  MutexLock lock(mutex_);
  disk_->FailOperation(number, error);
}

void SimFs::LoseSync(int number) {
  MutexLock lock(mutex_);
  disk_->LoseSync(number);
}

void SimFs::SpoilWrite(int number) {
  MutexLock lock(mutex_);
  disk_->SpoilWrite(number);
}

void SimFs::ClearFaults() {
  MutexLock lock(mutex_);
  failing_reads_.clear();
  disk_->ClearFaults();
}

void SimFs::Observe(OnAppend on_append) {
  MutexLock lock(mutex_);
  disk_->Observe(std::move(on_append));
}

void SimFs::SetReadOnly(bool read_only) {
  MutexLock lock(mutex_);
  disk_->SetReadOnly(read_only);
}

void SimFs::SetCapacity(uint64_t bytes) {
  MutexLock lock(mutex_);
  disk_->SetCapacity(bytes);
}

void SimFs::FlipBit(const std::string& path, uint64_t offset, int bit) {
  MutexLock lock(mutex_);
  disk_->FlipBit(path, offset, bit);
}

std::string SimFs::trace() const {
  MutexLock lock(mutex_);
  return disk_->trace();
}

}  // namespace sealtrail::env::testing
