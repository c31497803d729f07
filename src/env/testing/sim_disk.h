// The machine behind SimFs: numbers each operation, decides its fate (done, failed, cut), and keeps
// the tree of files and folders. Rules: sim_fs.h. Thread-compatible: SimFs holds the lock.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "env/files.h"
#include "env/testing/sim_fs.h"
#include "env/testing/sim_node.h"

namespace sealtrail::env::testing {

class SimDisk {
 public:
  explicit SimDisk(const SimFsOptions& options);

  // An open file or a held lock: dead once the power failed.
  struct Handle {
    std::string path;
    SimNodePtr node;
    int boot;
    bool closed = false;
    SimNodePtr folder = nullptr;  // of a lock
  };

  Result<Handle> Create(const std::string& path);
  Result<Handle> Open(const std::string& path, std::string_view verb = "open") const;
  Result<Handle> Lock(const std::string& path);
  void Unlock(const Handle& handle);
  bool IsLocked(const std::string& path) const;
  Status Truncate(const std::string& path, uint64_t size);
  Status Rewrite(const std::string& path, uint64_t offset);
  Status Rename(const std::string& from, const std::string& to);
  Status Remove(const std::string& path);
  Status MakeDir(const std::string& path);
  Status SyncDir(const std::string& path);
  Result<std::vector<std::string>> List(const std::string& path) const;
  Result<FileInfo> Stat(const std::string& path) const;
  Result<uint64_t> FreeBytes(const std::string& path) const;

  // Adds what was written to `size`, also where the answer is an error.
  Status Append(const Handle& handle, std::span<const ByteView> parts, uint64_t& size);
  Status Sync(const Handle& handle);
  // OK if `handle` may be used: the power is on and never failed since it was opened, and it is not
  // closed.
  Status Usable(const Handle& handle, std::string_view verb) const;

  int operations() const { return operations_; }
  bool powered() const { return powered_; }
  int power_cuts() const { return boot_; }
  void CutPowerAt(int number) { cut_at_ = number; }
  void CutPower();
  void PowerOn();
  void FailOperation(int number, int error) { failures_[number] = error; }
  void LoseSync(int number) { lost_syncs_.insert(number); }
  void SpoilWrite(int number) { spoiled_writes_.insert(number); }
  void ClearFaults();
  void Observe(SimFs::OnAppend on_append) { on_append_ = std::move(on_append); }
  void SetReadOnly(bool read_only) { read_only_ = read_only; }
  uint64_t capacity() const { return capacity_; }
  void SetCapacity(uint64_t bytes) { capacity_ = bytes; }
  void FlipBit(const std::string& path, uint64_t offset, int bit);
  std::string trace() const;

 private:
  // Where a path leads. `error` is errno; else `folder` holds it (null for the root), under `name`,
  // and `node` is null if nothing has that name yet.
  struct Place {
    int error = 0;
    SimNodePtr folder;
    std::string name;
    SimNodePtr node;
  };

  // An operation: what it does whole, and what it may leave behind when the power fails or an error
  // was asked for.
  struct Operation {
    std::string_view verb;  // as the real file system's errors name it
    const std::string& path;
    std::string details;
    std::function<Status(bool syncs)> whole;  // `syncs` is false where a sync is to be lost
    std::function<void()> when_cut;           // without it: all or nothing
    std::function<void()> when_failed;        // without it: nothing
    bool changes = true;                      // refused on a read-only file system
    bool is_dir_sync = false;
  };

  Status Run(const Operation& operation);
  Status Perform(const Operation& operation, int number);
  Status FailWith(const Operation& operation, int error);
  Status ChangeAndSync(const Handle& handle, std::string_view verb, std::string details,
                       const std::function<void(SimFile&)>& change);

  Place Find(std::string_view path) const;
  Status CreateNow(const std::string& path, std::string_view verb, bool is_directory);
  Status RenameNow(const std::string& from, const std::string& to);
  Status RemoveNow(const std::string& path);
  Status AppendNow(const Handle& handle, std::span<const ByteView> parts, uint64_t& size);
  void TellObserver(const Handle& handle, std::span<const ByteView> parts) const;
  void SpoilFrom(const Handle& handle, uint64_t offset);
  uint64_t FreeNow() const;
  void Settle(SimNode& node, const std::string& path, Survival survival);
  void Note(std::string line);

  const SimFsOptions options_;
  Seeded choices_;
  SimNodePtr root_;
  std::set<SimNodePtr> locked_;
  std::map<int, int> failures_;  // number of the operation, errno
  std::set<int> lost_syncs_;
  std::set<int> spoiled_writes_;
  SimFs::OnAppend on_append_;
  std::optional<int> cut_at_;
  uint64_t capacity_;
  bool read_only_ = false;
  bool powered_ = true;
  int boot_ = 0;  // how often the power failed
  int operations_ = 0;
  std::deque<std::string> trace_;
};

}  // namespace sealtrail::env::testing
