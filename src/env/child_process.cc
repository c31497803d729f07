#include "env/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string_view>
#include <time.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/endian.h"
#include "env/file_actions.h"

extern char** environ;

namespace sealtrail::env {
namespace {

constexpr size_t kHeaderBytes = 8;          // u32 length of bytes, u32 count of descriptors
constexpr size_t kDescriptorsAtOnce = 250;  // the kernel takes at most 253 (SCM_MAX_FD)

int64_t Monotonic() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kNanosPerSecond + t.tv_nsec;
}

class Deadline {
 public:
  explicit Deadline(int64_t timeout_ns)
      : at_(timeout_ns == Channel::kForever ? Channel::kForever : Monotonic() + timeout_ns) {}

  // Waits until `fd` is ready for `events`.
  Status Wait(int fd, short events) const {
    for (;;) {
      pollfd poll_fd{.fd = fd, .events = events, .revents = 0};
      const int ready = ::poll(&poll_fd, 1, LeftMs());
      if (ready > 0) return OkStatus();
      if (ready == 0) return Unavailable("no answer in time");
      if (errno != EINTR) return Unavailable("poll: {}", ::strerror(errno));
    }
  }

 private:
  int LeftMs() const {
    if (at_ == Channel::kForever) return -1;
    const int64_t left = (at_ - Monotonic() + kNanosPerMilli - 1) / kNanosPerMilli;
    return static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000));
  }

  const int64_t at_;
};

// The space for one control message with descriptors.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptorsAtOnce * sizeof(int))> bytes;
};

// Sends some of `bytes`, and all of `descriptors` with the first of them. Returns how many bytes went.
Result<size_t> SendSome(int fd, ByteView bytes, std::span<const int> descriptors,
                        const Deadline& deadline) {
  iovec part{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Control control{};
  if (!descriptors.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      SEAL_RETURN_IF_ERROR(deadline.Wait(fd, POLLOUT));
    } else if (errno != EINTR) {
      return Unavailable("send: {}", ::strerror(errno));
    }
  }
}

Status SendAll(int fd, ByteView bytes, std::span<const int> descriptors, const Deadline& deadline) {
  while (!bytes.empty()) {
    SEAL_ASSIGN_OR_RETURN(const size_t sent, SendSome(fd, bytes, descriptors, deadline));
    descriptors = {};
    bytes = bytes.subspan(sent);
  }
  return OkStatus();
}

void TakeDescriptors(msghdr& message, std::vector<Descriptor>& out) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
      out.emplace_back(fd);
    }
  }
}

// Fills `out`, collecting descriptors on the way. Returns how many bytes came before the other side closed.
Result<size_t> ReceiveAll(int fd, std::span<uint8_t> out, std::vector<Descriptor>& descriptors,
                          const Deadline& deadline) {
  size_t got = 0;
  while (got < out.size()) {
    iovec part{out.data() + got, out.size() - got};
    msghdr message{};
    Control control{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    const ssize_t received = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (received == 0) break;
    if (received > 0) {
      TakeDescriptors(message, descriptors);
      if (message.msg_flags & MSG_CTRUNC) return Unavailable("receive: too many descriptors");
      got += static_cast<size_t>(received);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      SEAL_RETURN_IF_ERROR(deadline.Wait(fd, POLLIN));
    } else if (errno != EINTR) {
      return Unavailable("receive: {}", ::strerror(errno));
    }
  }
  return got;
}

// Environment that the dynamic linker and sanitizers read; nothing of the user's reaches a child.
std::vector<char*> ChildEnvironment() {
  constexpr std::array<std::string_view, 6> kKept = {
      "LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "LSAN_OPTIONS=",
      "UBSAN_OPTIONS=",   "TSAN_OPTIONS=", "LLVM_PROFILE_FILE="};
  std::vector<char*> kept;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const bool wanted = std::any_of(kKept.begin(), kKept.end(),
                                    [&](std::string_view name) { return text.starts_with(name); });
    if (wanted) kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

}  // namespace

Result<std::pair<Channel, Channel>> Channel::MakePair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Unavailable("socketpair: {}", ::strerror(errno));
  }
  return std::pair<Channel, Channel>(Channel(Descriptor(ends[0])), Channel(Descriptor(ends[1])));
}

Status Channel::Send(ByteView bytes, const std::vector<int>& descriptors, int64_t timeout_ns) {
  if (descriptors.size() > kDescriptorsMax || bytes.size() > UINT32_MAX) {
    return InvalidArgument("message of {} bytes with {} descriptors", bytes.size(),
                           descriptors.size());
  }
  const Deadline deadline(timeout_ns);
  uint8_t header[kHeaderBytes];
  PutBig32(header, static_cast<uint32_t>(bytes.size()));
  PutBig32(header + 4, static_cast<uint32_t>(descriptors.size()));
  SEAL_RETURN_IF_ERROR(SendAll(end_.get(), header, {}, deadline));
  // Each lot of descriptors rides on one byte, since the kernel takes only so many at once.
  for (std::span<const int> left = descriptors; !left.empty();) {
    const auto lot = left.first(std::min(left.size(), kDescriptorsAtOnce));
    const uint8_t carrier = 0;
    SEAL_RETURN_IF_ERROR(SendAll(end_.get(), ByteView(&carrier, 1), lot, deadline));
    left = left.subspan(lot.size());
  }
  return SendAll(end_.get(), bytes, {}, deadline);
}

Result<Channel::Message> Channel::Receive(size_t bytes_max, int64_t timeout_ns) {
  const Deadline deadline(timeout_ns);
  Message message;
  uint8_t header[kHeaderBytes];
  SEAL_ASSIGN_OR_RETURN(size_t got, ReceiveAll(end_.get(), header, message.descriptors, deadline));
  if (got == 0) return Cancelled("the other side closed the channel");
  const uint32_t size = GetBig32(header);
  const uint32_t count = GetBig32(header + 4);
  if (got == kHeaderBytes && (size > bytes_max || count > kDescriptorsMax)) {
    return ResourceExhausted("message of {} bytes with {} descriptors, allowed {} and {}", size,
                             count, bytes_max, kDescriptorsMax);
  }
  const size_t lots = (count + kDescriptorsAtOnce - 1) / kDescriptorsAtOnce;
  for (size_t lot = 0; lot < lots && got == kHeaderBytes; ++lot) {
    uint8_t carrier;
    SEAL_ASSIGN_OR_RETURN(const size_t one,
                          ReceiveAll(end_.get(), {&carrier, 1}, message.descriptors, deadline));
    if (one != 1) got = 0;
  }
  if (got == kHeaderBytes && message.descriptors.size() == count) {
    message.bytes.resize(size);
    SEAL_ASSIGN_OR_RETURN(const size_t body,
                          ReceiveAll(end_.get(), message.bytes, message.descriptors, deadline));
    if (body == size) return message;
  }
  return Unavailable("the other side closed the channel inside a message");
}

std::string ChildExit::ToString() const {
  if (signal != 0) return fmt::format("signal {} ({})", signal, ::strsignal(signal));
  return fmt::format("exit code {}", code);
}

// posix_spawn, because between fork and exec of a program with threads next to nothing is allowed.
// Descriptors are first moved above every number in use, so that no target overwrites a source.
Result<std::unique_ptr<ChildProcess>> ChildProcess::SpawnSelf(const SpawnOptions& options) {
  int highest = 2;
  for (const auto& [ours, theirs] : options.descriptors)
    highest = std::max({highest, ours, theirs});
  FileActions actions;
  actions.OpenNull(0, O_RDONLY);
  actions.OpenNull(1, O_WRONLY);
  int above = highest + 1;
  for (const auto& [ours, theirs] : options.descriptors) actions.Duplicate(ours, above++);
  above = highest + 1;
  int last = 2;
  for (const auto& [ours, theirs] : options.descriptors) {
    actions.Duplicate(above++, theirs);
    last = std::max(last, theirs);
  }
  actions.CloseFrom(last + 1);

  std::string program = "/proc/self/exe";
  std::vector<std::string> arguments = options.arguments;
  std::vector<char*> argv = {program.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<char*> environment = ChildEnvironment();
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, program.c_str(), actions.get(), nullptr, argv.data(), environment.data());
  if (error != 0) return Unavailable("start {}: {}", program, ::strerror(error));
  if (options.nice != 0) ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), options.nice);
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid));
}

ChildProcess::~ChildProcess() {
  Kill();
  (void)Wait();
}

void ChildProcess::Kill() {
  MutexLock lock(mutex_);
  if (!exit_) ::kill(pid_, SIGKILL);
}

bool ChildProcess::HasEnded() {
  MutexLock lock(mutex_);
  int status = 0;
  if (!exit_ && ::waitpid(pid_, &status, WNOHANG) == pid_) NoteExit(status);
  return exit_.has_value();
}

// Waits without reaping first, so that nobody who wants to kill it has to wait as long.
ChildExit ChildProcess::Wait() {
  {
    MutexLock lock(mutex_);
    if (exit_) return *exit_;
  }
  siginfo_t info;
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  MutexLock lock(mutex_);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  NoteExit(status);
  return *exit_;
}

void ChildProcess::NoteExit(int status) {
  ChildExit how;
  if (WIFSIGNALED(status)) {
    how.signal = WTERMSIG(status);
  } else {
    how.code = WEXITSTATUS(status);
  }
  exit_ = how;
}

void LimitThisProcess(int64_t lifetime_ns) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const int64_t seconds = (lifetime_ns + kNanosPerSecond - 1) / kNanosPerSecond;
  ::alarm(static_cast<unsigned>(std::clamp<int64_t>(seconds, 1, 1'000'000)));
}

}  // namespace sealtrail::env
