// Files and folders. Durability follows POSIX with fdatasync and fsync of directories, and nothing
// weaker: a new or renamed entry is durable only after SyncDir of its folder. Errors carry the
// operation, the path and the system's text: "write DATA/segments/…: No space left on device".
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace sealtrail::env {

// Threads  Compatible: one owner.
class WritableFile {
 public:
  virtual ~WritableFile() = default;

  // Writes all of `parts`, in order, at the end, or returns an error after which the tail is
  // unknown.
  virtual Status Append(std::span<const ByteView> parts) = 0;
  Status Append(ByteView bytes) { return Append(std::span<const ByteView>(&bytes, 1)); }

  // fdatasync. After an error it must not be tried again: the pages may be gone and the next call
  // may lie.
  virtual Status Sync() = 0;

  virtual Status Close() = 0;

  // Bytes in the file, written ones included whether synced or not.
  virtual uint64_t size() const = 0;
};

// Threads  Safe.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;

  // Reads at most out.size() bytes; fewer only at the end of the file, none beyond it. Any offset
  // is allowed.
  virtual Result<size_t> ReadAt(uint64_t offset, std::span<uint8_t> out) const = 0;

  virtual Result<uint64_t> Size() const = 0;
};

// Held until destroyed; the system releases it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct FileInfo {
  uint64_t size;  // of a folder: 0
  bool is_directory;
  bool is_file;                 // neither: a device, a pipe, a socket
  bool open_to_others = false;  // group or others may read or write it
};

// Threads  Safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // A new file, mode 0600. AlreadyExists if there is one.
  virtual Result<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;

  // An existing file, positioned at its end. NotFound if there is none.
  virtual Result<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) = 0;

  // NotFound if there is none.
  virtual Result<std::unique_ptr<ReadableFile>> OpenRead(const std::string& path) = 0;

  // Cuts the file to `size` and syncs it.
  virtual Status Truncate(const std::string& path, uint64_t size) = 0;

  // Writes the bytes from `offset` to the end over themselves and syncs the file. For what an earlier
  // process wrote: after a failed sync its pages may count as clean though they never reached the
  // disk, so that a sync alone would answer OK and do nothing.
  virtual Status Rewrite(const std::string& path, uint64_t offset) = 0;

  // Replaces `to` if it is there, in one step; after a power cut either name may hold the file
  // until SyncDir.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;

  // A file or an empty folder.
  virtual Status Remove(const std::string& path) = 0;

  // Mode 0700. OK if the folder is there already, AlreadyExists if a file has its name.
  virtual Status MakeDir(const std::string& path) = 0;

  // Names without path, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;

  // NotFound if there is nothing.
  virtual Result<FileInfo> Stat(const std::string& path) = 0;

  // From the root, and without links. NotFound if there is nothing.
  virtual Result<std::string> RealPath(const std::string& path) = 0;

  virtual Status SyncDir(const std::string& path) = 0;

  // Bytes free for us on the file system that holds `path`.
  virtual Result<uint64_t> FreeBytes(const std::string& path) = 0;

  // Bytes that it can hold in all.
  virtual Result<uint64_t> TotalBytes(const std::string& path) = 0;

  // Locks the file (made if absent) and with it the folder that holds it, for this process alone: one lock a folder.
  // Unavailable if someone else holds it, even where the file was removed meanwhile.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;

  // Whether a process holds that lock now. False where it cannot be looked at.
  virtual bool IsLocked(const std::string& path) = 0;
};

// All of a file. ResourceExhausted if it is larger than `bytes_max`.
Result<Bytes> ReadFile(FileSystem& files, const std::string& path, uint64_t bytes_max);
Result<std::string> ReadText(FileSystem& files, const std::string& path, uint64_t bytes_max);

// Whether there is anything. An error where that cannot be told: what cannot be looked at is not absent.
Result<bool> Exists(FileSystem& files, const std::string& path);

// Puts `content` in place of `dir`/`name` in one durable step: temporary file, sync, rename, sync
// of the folder. Threads  One writer per name.
Status ReplaceFile(FileSystem& files, const std::string& dir, std::string_view name,
                   ByteView content);

// Whether `path` is the folder or lies in it, whatever links lead there. What is not there yet lies where it would be made.
Result<bool> LiesIn(FileSystem& files, const std::string& path, const std::string& folder);

// Whether one of them lies in the other.
Result<bool> Overlap(FileSystem& files, const std::string& a, const std::string& b);

std::string JoinPath(std::string_view dir, std::string_view name);

// The folder that holds `path`: "/a" for "/a/b" and "/a/b/", "." for "b".
std::string ParentPath(std::string_view path);

}  // namespace sealtrail::env
