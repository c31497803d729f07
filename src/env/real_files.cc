// POSIX files. Each call is retried on EINTR; every other error is returned with its path.
#include "env/real_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <limits>
#include <memory>
#include <unistd.h>
#include <utility>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#include "base/ids.h"
#include "base/limits.h"
#include "env/pause.h"
#include "env/system_error.h"

namespace sealtrail::env {
namespace {

constexpr uint64_t kOffsetMax = std::numeric_limits<off_t>::max();

template <typename Call>
auto Retry(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result == -1 && errno == EINTR);
  return result;
}

FileInfo ToInfo(const struct stat& info) {
  const bool is_directory = S_ISDIR(info.st_mode);
  return {.size = is_directory ? 0 : static_cast<uint64_t>(info.st_size),
          .is_directory = is_directory,
          .is_file = S_ISREG(info.st_mode),
          .open_to_others = (info.st_mode & (S_IRWXG | S_IRWXO)) != 0};
}

Result<FileInfo> InfoOf(int fd, const std::string& path) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return SystemError(errno, "stat", path);
  return ToInfo(info);
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

class RealWritableFile : public WritableFile {
 public:
  RealWritableFile(std::string path, Fd fd, uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  Status Append(std::span<const ByteView> parts) override {
    std::vector<iovec> left;
    left.reserve(parts.size());
    for (ByteView part : parts) {
      if (!part.empty()) left.push_back({const_cast<uint8_t*>(part.data()), part.size()});
    }
    size_t first = 0;
    while (first < left.size()) {
      const int count = static_cast<int>(std::min<size_t>(left.size() - first, IOV_MAX));
      const ssize_t written =
          Retry([&] { return ::writev(fd_.get(), left.data() + first, count); });
      if (written < 0) return SystemError(errno, "write", path_);
      size_ += static_cast<uint64_t>(written);
      first = Skip(left, first, static_cast<size_t>(written));
    }
    return OkStatus();
  }

  Status Sync() override {
    if (Retry([&] { return ::fdatasync(fd_.get()); }) != 0)
      return SystemError(errno, "fdatasync", path_);
    return OkStatus();
  }

  Status Close() override {
    const int fd = fd_.Release();
    if (fd >= 0 && ::close(fd) != 0 && errno != EINTR) return SystemError(errno, "close", path_);
    return OkStatus();
  }

  uint64_t size() const override { return size_; }

 private:
  // Drops `written` bytes from left[first...] and returns the new first.
  static size_t Skip(std::vector<iovec>& left, size_t first, size_t written) {
    while (first < left.size() && written >= left[first].iov_len) written -= left[first++].iov_len;
    if (written > 0) {
      left[first].iov_base = static_cast<uint8_t*>(left[first].iov_base) + written;
      left[first].iov_len -= written;
    }
    return first;
  }

  const std::string path_;
  Fd fd_;
  uint64_t size_;
};

class RealReadableFile : public ReadableFile {
 public:
  RealReadableFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
    if (offset > kOffsetMax)
      return size_t{0};  // no file is that long; pread would call it negative
    const size_t wanted = std::min<uint64_t>(out.size(), kOffsetMax - offset);
    size_t done = 0;
    while (done < wanted) {
      const ssize_t got = Retry([&] {
        return ::pread(fd_.get(), out.data() + done, wanted - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) return SystemError(errno, "read", path_);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Result<uint64_t> Size() const override {
    SEAL_ASSIGN_OR_RETURN(const FileInfo info, InfoOf(fd_.get(), path_));
    return info.size;
  }

 private:
  const std::string path_;
  const Fd fd_;
};

// A named pipe in somebody's folder must not make us wait for its writer; it then reads as an empty file.
int OpenToRead(const std::string& path) {
  return Retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); });
}

// Takes the lock of the folder unless somebody else holds it. One who only asks holds it for a moment.
constexpr int kLooksMax = 5;
constexpr int64_t kPauseNanos = 10 * kNanosPerMilli;
bool IsHeld(const Fd& folder, int operation) {
  return Retry([&] { return ::flock(folder.get(), operation | LOCK_NB); }) != 0 &&
         errno == EWOULDBLOCK;
}

struct flock WholeFile(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

class RealFileLock : public FileLock {
 public:
  RealFileLock(Fd file, Fd folder) : file_(std::move(file)), folder_(std::move(folder)) {}

 private:
  const Fd file_, folder_;
};

class RealFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    Fd fd(Retry([&] {
      return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    }));
    if (fd.get() < 0) return SystemError(errno, "create", path);
    return {std::make_unique<RealWritableFile>(path, std::move(fd), 0)};
  }

  Result<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) override {
    Fd fd(Retry([&] { return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC); }));
    if (fd.get() < 0) return SystemError(errno, "open", path);
    SEAL_ASSIGN_OR_RETURN(const FileInfo info, InfoOf(fd.get(), path));
    return {std::make_unique<RealWritableFile>(path, std::move(fd), info.size)};
  }

  Result<std::unique_ptr<ReadableFile>> OpenRead(const std::string& path) override {
    Fd fd(OpenToRead(path));
    if (fd.get() < 0) return SystemError(errno, "open", path);
    SEAL_ASSIGN_OR_RETURN(const FileInfo info, InfoOf(fd.get(), path));
    if (info.is_directory) return SystemError(EISDIR, "open", path);
    return {std::make_unique<RealReadableFile>(path, std::move(fd))};
  }

  Status Truncate(const std::string& path, uint64_t size) override {
    Fd fd(Retry([&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC); }));
    if (fd.get() < 0) return SystemError(errno, "open", path);
    if (size > kOffsetMax) return SystemError(EFBIG, "truncate", path);
    if (Retry([&] { return ::ftruncate(fd.get(), static_cast<off_t>(size)); }) != 0) {
      return SystemError(errno, "truncate", path);
    }
    if (Retry([&] { return ::fsync(fd.get()); }) != 0) return SystemError(errno, "fsync", path);
    return OkStatus();
  }

  Status Rewrite(const std::string& path, uint64_t offset) override {
    Fd fd(Retry([&] { return ::open(path.c_str(), O_RDWR | O_CLOEXEC); }));
    if (fd.get() < 0) return SystemError(errno, "open", path);
    Bytes chunk(kMiB);
    for (auto at = static_cast<off_t>(offset);;) {
      const ssize_t got = Retry([&] { return ::pread(fd.get(), chunk.data(), chunk.size(), at); });
      if (got < 0) return SystemError(errno, "read", path);
      if (got == 0) break;
      const ssize_t put =
          Retry([&] { return ::pwrite(fd.get(), chunk.data(), static_cast<size_t>(got), at); });
      if (put < 0) return SystemError(errno, "write", path);
      at += put;
    }
    if (Retry([&] { return ::fsync(fd.get()); }) != 0) return SystemError(errno, "fsync", path);
    return OkStatus();
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return SystemError(errno, "rename to", to);
    return OkStatus();
  }

  Status Remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return SystemError(errno, "remove", path);
    return OkStatus();
  }

  Status MakeDir(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return OkStatus();
    const int error = errno;
    struct stat info;
    if (error == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      return OkStatus();
    }
    return SystemError(error, "mkdir", path);
  }

  Result<std::vector<std::string>> List(const std::string& path) override {
    DIR* dir = ::opendir(path.c_str());
    if (dir == nullptr) return SystemError(errno, "list", path);
    std::vector<std::string> names;
    errno = 0;  // readdir has no other way to tell an error from the end
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int error = errno;
    ::closedir(dir);
    if (error != 0) return SystemError(error, "list", path);
    std::ranges::sort(names);
    return names;
  }

  Result<FileInfo> Stat(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return SystemError(errno, "stat", path);
    return ToInfo(info);
  }

  Result<std::string> RealPath(const std::string& path) override {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                           &std::free);
    if (real == nullptr) return SystemError(errno, "resolve", path);
    return std::string(real.get());
  }

  Status SyncDir(const std::string& path) override {
    Fd fd(Retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (fd.get() < 0) return SystemError(errno, "open folder", path);
    if (Retry([&] { return ::fsync(fd.get()); }) != 0)
      return SystemError(errno, "fsync folder", path);
    return OkStatus();
  }

  Result<uint64_t> FreeBytes(const std::string& path) override {
    struct statvfs info;
    if (::statvfs(path.c_str(), &info) != 0) return SystemError(errno, "statvfs", path);
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }

  Result<uint64_t> TotalBytes(const std::string& path) override {
    struct statvfs info;
    if (::statvfs(path.c_str(), &info) != 0) return SystemError(errno, "statvfs", path);
    return static_cast<uint64_t>(info.f_blocks) * info.f_frsize;
  }

  // Locks belong to the open file (F_OFD_*), so that they can be asked about without taking one. That of a folder cannot:
  // where the file was removed it is taken for a moment. Only there: others lock folders too, and are no store.
  bool IsLocked(const std::string& path) override {
    Fd fd(OpenToRead(path));
    struct flock lock = WholeFile(F_RDLCK);
    if (fd.get() >= 0) return ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    Fd folder(OpenToRead(ParentPath(path)));
    return folder.get() >= 0 && IsHeld(folder, LOCK_SH);
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    // Who removes the file and makes a new one would hold a lock of its own; the folder stays the same. Not every file
    // system can lock one. It comes first: where it is held, no new file is made.
    Fd folder(OpenToRead(ParentPath(path)));
    for (int looks = 0; folder.get() >= 0 && IsHeld(folder, LOCK_EX); ++looks) {
      if (looks == kLooksMax) return Unavailable("{} is held by another process", path);
      Pause(kPauseNanos);
    }
    Fd fd(Retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); }));
    if (fd.get() < 0) return SystemError(errno, "open lock", path);
    struct flock lock = WholeFile(F_WRLCK);
    if (Retry([&] { return ::fcntl(fd.get(), F_OFD_SETLK, &lock); }) != 0) {
      if (errno == EAGAIN || errno == EACCES) {
        return Unavailable("{} is held by another process", path);
      }
      return SystemError(errno, "lock", path);
    }
    return {std::make_unique<RealFileLock>(std::move(fd), std::move(folder))};
  }
};

}  // namespace

FileSystem& RealFiles() {
  static RealFileSystem files;
  return files;
}

}  // namespace sealtrail::env
