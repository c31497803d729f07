// Child processes that get descriptors and nothing else, and the channel to talk with them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/status.h"
#include "env/descriptor.h"

namespace sealtrail::env {

// One end of a connection between two processes: messages of bytes and descriptors, in order.
//
// Threads  Compatible.
// Errors   Sticky in effect: after an error the stream is torn, and the channel is only good for closing.
class Channel {
 public:
  struct Message {
    Bytes bytes;
    std::vector<Descriptor> descriptors;
  };

  explicit Channel(Descriptor end) : end_(std::move(end)) {}

  // Two connected ends.
  static Result<std::pair<Channel, Channel>> MakePair();

  // Sends `bytes` with copies of `descriptors` (at most kDescriptorsMax). Unavailable if the other side is gone or
  // does not read before `timeout_ns` has passed.
  Status Send(ByteView bytes, const std::vector<int>& descriptors, int64_t timeout_ns);

  // The next message. Cancelled if the other side closed its end between two messages; Unavailable if it did so
  // inside one, or if `timeout_ns` has passed; ResourceExhausted if the message is larger than `bytes_max`.
  Result<Message> Receive(size_t bytes_max, int64_t timeout_ns);

  int descriptor() const { return end_.get(); }
  void Close() { end_ = Descriptor(); }

  static constexpr size_t kDescriptorsMax = 2048;
  static constexpr int64_t kForever = INT64_MAX;

 private:
  Descriptor end_;
};

// How a child ended.
struct ChildExit {
  int code = 0;    // of exit(), where no signal ended it
  int signal = 0;  // which signal ended it, else 0
  std::string ToString() const;
};

struct SpawnOptions {
  std::vector<std::string> arguments;  // argv[1] on
  std::vector<std::pair<int, int>>
      descriptors;  // ours → the number it has in the child (3 or more)
  int nice = 0;     // added to the priority, lower being more urgent
};

// Threads  Compatible, but Kill() may be called from any thread, also while another one waits.
class ChildProcess {
 public:
  // Starts this very program once more (/proc/self/exe). Its standard input and output are /dev/null, standard
  // error is ours, no other descriptor stays open, and the environment holds only what sanitizers and the dynamic
  // linker read.
  static Result<std::unique_ptr<ChildProcess>> SpawnSelf(const SpawnOptions& options);

  // Kills it if it still runs, and waits for its end.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  int pid() const { return pid_; }
  void Kill();
  // Whether it is over already; never blocks.
  bool HasEnded();
  // Blocks until it has ended; the same answer again afterwards.
  ChildExit Wait();

 private:
  explicit ChildProcess(int pid) : pid_(pid) {}

  void NoteExit(int status) SEAL_REQUIRES(mutex_);

  const int pid_;
  Mutex mutex_;  // held while the process is reaped: its number may be another's afterwards
  std::optional<ChildExit> exit_ SEAL_GUARDED_BY(mutex_);
};

// For a child that must not outlive its task, whatever its parent does: this process is ended by the system once
// `lifetime_ns` (rounded up to seconds) has passed. Also leaves no core file, which would hold record contents.
void LimitThisProcess(int64_t lifetime_ns);

}  // namespace sealtrail::env
