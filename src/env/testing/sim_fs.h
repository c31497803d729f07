// A file system in memory that forgets what POSIX allows it to forget, and fails when told to.
//
// What is durable
//   Each file and folder has two states: what programs see, and what a power cut cannot take.
//   - Sync makes a file's content and size durable, not its name. Truncate and Rewrite sync by
//     themselves.
//   - SyncDir makes the entries of that one folder durable: made, renamed, removed; nothing of the
//     files behind them, and nothing of the folder's own name in its parent.
//   So a synced file vanishes with its name, and a name may outlive the content behind it.
//
// Power cut
//   Comes at a chosen operation, which itself may be done whole, in part or not at all. Then
//   - durable bytes stay as they were;
//   - a file's size lies anywhere between its durable and its seen size;
//   - the other bytes go page by page (512 or 4096 bytes, by file): kept, lost (what was durable
//     there, else zeros), torn (kept up to somewhere in the page), garbage;
//   - changes of entries happened or not. Those that share a name keep their order, others do not
//     wait for each other. A rename inside one folder is one change, between two folders it is two.
//   By seed, a quarter of the cuts takes all that was not durable, and a quarter nothing.
//   Until PowerOn() every call answers Unavailable("power is off"). Locks are gone. Files opened
//   before a cut stay dead after it.
//
// Failures
//   An operation told to fail answers what the real file system would. A failed Append may have
//   written a part. A failed sync leaves some pages clean though they never reached the disk: the
//   next one may answer OK and still not make them durable (Linux after EIO), until they are
//   written again. A spoiled write answers OK, and one bit of what it wrote is another.
//
// Operations
//   Create, Append, Sync, Truncate, Rewrite, Rename, Remove and SyncDir count, from 0, also where
//   they fail, MakeDir and Lock where they would make something. Truncate and Rewrite of a file
//   that cannot be opened, and calls on a file that is closed, do not; nor do opening, reading,
//   listing and closing.
//
// Reads
//   OpenRead, ReadAt, Size, List, Stat and RealPath have numbers of their own, from 0. One that is told to fail answers EIO,
//   whether there is something to be read or not, and the next one does not.
//
// Space
//   `capacity_bytes` is for the contents of all files that have a name; names and folders are free.
//   An Append that does not fit writes what fits and answers ENOSPC.
//
// Threads  Safe. Files must not outlive the file system.
// Chance   Every choice comes from the seed and from the order of calls: print trace(), which begins
//          with the seed, when a test fails.
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/mutex.h"
#include "env/files.h"
#include "env/testing/sim_node.h"

namespace sealtrail::env::testing {

class SimDisk;

struct SimFsOptions {
  uint64_t seed = 1;
  std::optional<int> power_cut_at;  // number of the operation during which the power fails
  Survival survival = Survival::kSeeded;
  std::optional<int> fail_at;    // number of the operation that fails
  int fail_with = EIO;           // errno
  bool lose_file_syncs = false;  // every Sync (and that of Truncate) answers OK and does nothing
  bool lose_dir_syncs = false;   // every SyncDir answers OK and does nothing
  uint64_t capacity_bytes = 1024 * kGiB;
};

class SimFs : public FileSystem {
 public:
  // Told of each Append before it is tried: its number, its file, and all that it would write. Must not call back.
  using OnAppend = std::function<void(int number, const std::string& path, ByteView bytes)>;

  explicit SimFs(SimFsOptions options = {});
  ~SimFs() override;

  Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> OpenRead(const std::string& path) override;
  Status Truncate(const std::string& path, uint64_t size) override;
  Status Rewrite(const std::string& path, uint64_t offset) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status MakeDir(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Result<FileInfo> Stat(const std::string& path) override;
  Result<std::string> RealPath(const std::string& path) override;
  Status SyncDir(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;
  Result<uint64_t> TotalBytes(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  bool IsLocked(const std::string& path) override;

  // Reads so far; the next one has this number.
  int reads() const;
  // Read `number` fails.
  void FailRead(int number);
  // While off, reads neither count nor fail: for whoever looks on. Returns what it was before.
  bool CountReads(bool count);

  // Operations begun so far; the next one has this number.
  int operations() const;

  // The power fails during operation `number`, or (CutPower) now, between two operations.
  void CutPowerAt(int number);
  void CutPower();
  bool powered() const;
  int power_cuts() const;  // so far
  // Brings the machine back with what survived; cuts the power first where it never failed.
  void PowerOn();

  // Operation `number` fails with errno `error`.
  void FailOperation(int number, int error);
  // Operation `number`, a Sync, SyncDir or Truncate, answers OK but makes nothing durable.
  void LoseSync(int number);
  // Operation `number`, an Append, answers OK, but a bit of what it wrote is flipped.
  void SpoilWrite(int number);
  // What is planned above and has not come yet will not.
  void ClearFaults();
  // One observer; null for none.
  void Observe(OnAppend on_append);
  // While on, everything that would change a file or an entry fails with EROFS.
  void SetReadOnly(bool read_only);
  void SetCapacity(uint64_t bytes);
  // Flips bit `bit` (0 to 7) of the byte at `offset`, seen and durable, as a rotting disk does. The
  // file must be that long.
  void FlipBit(const std::string& path, uint64_t offset, int bit);

  // The last 1,000 operations, one a line with number, arguments and error, and what each cut left
  // of each file.
  std::string trace() const;

 private:
  class Writable;
  class Readable;
  class HeldLock;

  // Counts a read, and fails it where it is told to.
  Status Read(std::string_view verb, const std::string& path) SEAL_REQUIRES(mutex_);

  mutable Mutex mutex_;
  const std::unique_ptr<SimDisk> disk_ SEAL_PT_GUARDED_BY(mutex_);
  int reads_ SEAL_GUARDED_BY(mutex_) = 0;
  std::set<int> failing_reads_ SEAL_GUARDED_BY(mutex_);
  bool counts_reads_ SEAL_GUARDED_BY(mutex_) = true;
};

}  // namespace sealtrail::env::testing
