#include "env/run_command.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <sys/syscall.h>
#include <sys/wait.h>

#include "env/file_actions.h"
#include "env/shared_memory.h"

namespace sealtrail::env {
namespace {

constexpr size_t kErrorBytesMax = 300;
constexpr int kAboveStandard = 3;

int64_t Monotonic() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kNanosPerSecond + t.tv_nsec;
}

// Where one of the standard descriptors is closed, a new one gets its number, which the child's would then overwrite.
Result<Descriptor> Above(Descriptor low) {
  if (low.get() >= kAboveStandard) return low;
  const int above = ::fcntl(low.get(), F_DUPFD_CLOEXEC, kAboveStandard);
  if (above < 0) return Unavailable("fcntl: {}", ::strerror(errno));
  return Descriptor(above);
}

struct Pipe {
  Descriptor read, write;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Unavailable("pipe: {}", ::strerror(errno));
  Descriptor read(ends[0]), write(ends[1]);
  ::fcntl(read.get(), F_SETFL, O_NONBLOCK);
  SEAL_ASSIGN_OR_RETURN(write, Above(std::move(write)));
  return Pipe{.read = std::move(read), .write = std::move(write)};
}

class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

Result<pid_t> Spawn(const std::vector<std::string>& words, int in, int out, int err) {
  FileActions actions;
  actions.Duplicate(in, 0);
  actions.Duplicate(out, 1);
  actions.Duplicate(err, 2);
  actions.CloseFrom(kAboveStandard);
  const SpawnAttributes attributes;
  std::vector<std::string> arguments = words;
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* environment[] = {path.data(), nullptr};
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, argv[0], actions.get(), attributes.get(), argv.data(), environment);
  if (error != 0) return Unavailable("start {}: {}", words[0], ::strerror(error));
  return pid;
}

// Appends what there is to read, and forgets a stream that is over. At most `bytes_max` in all are kept; false beyond.
bool Drain(Descriptor& stream, size_t bytes_max, Bytes& out) {
  std::array<uint8_t, 4096> buffer;
  while (stream.valid()) {
    const ssize_t got = ::read(stream.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      stream = Descriptor();
      break;
    }
    const size_t room = bytes_max - out.size();
    const size_t taken = std::min(room, static_cast<size_t>(got));
    out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(taken));
    if (taken < static_cast<size_t>(got)) return false;
  }
  return true;
}

std::string OneLine(ByteView bytes) {
  std::string line(AsText(bytes));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

class Running {
 public:
  Running(const CommandOptions& options, pid_t pid, Descriptor ended, Descriptor out,
          Descriptor err)
      : options_(options),
        give_up_(Monotonic() + options.timeout_ns),
        pid_(pid),
        ended_(std::move(ended)),
        out_(std::move(out)),
        err_(std::move(err)) {}

  Result<CommandResult> Finish() {
    const Status status = Follow();
    // Its number, and so that of its group, is nobody else's until it is reaped.
    ::kill(-pid_, SIGKILL);
    int how = 0;
    while (::waitpid(pid_, &how, 0) < 0 && errno == EINTR) {
    }
    if (!status.ok()) return status;
    CommandResult result{.exit = {}, .output = std::move(output_), .errors = OneLine(errors_)};
    if (WIFSIGNALED(how)) {
      result.exit.signal = WTERMSIG(how);
    } else {
      result.exit.code = WEXITSTATUS(how);
    }
    return result;
  }

 private:
  // Until it has ended; somebody else may then still hold its output open.
  Status Follow() {
    for (;;) {
      const int64_t left_ms = (give_up_ - Monotonic() + kNanosPerMilli - 1) / kNanosPerMilli;
      if (left_ms <= 0)
        return Unavailable("{} did not end within {} ms and was killed", options_.argv[0],
                           options_.timeout_ns / kNanosPerMilli);
      pollfd polled[] = {{.fd = ended_.get(), .events = POLLIN, .revents = 0},
                         {.fd = out_.get(), .events = POLLIN, .revents = 0},
                         {.fd = err_.get(), .events = POLLIN, .revents = 0}};
      const int ready =
          ::poll(polled, std::size(polled), static_cast<int>(std::min<int64_t>(left_ms, 60'000)));
      if (ready < 0 && errno != EINTR) return Unavailable("poll: {}", ::strerror(errno));
      const bool ended = ready > 0 && polled[0].revents != 0;
      if (!Drain(out_, options_.output_bytes_max, output_)) {
        return ResourceExhausted("{} wrote more than {} bytes", options_.argv[0],
                                 options_.output_bytes_max);
      }
      // What is beyond is read all the same, so that it does not wait for us.
      while (!Drain(err_, kErrorBytesMax, errors_)) {
      }
      if (ended) return OkStatus();
    }
  }

  const CommandOptions& options_;
  const int64_t give_up_;
  const pid_t pid_;
  Descriptor ended_;  // readable then
  Descriptor out_, err_;
  Bytes output_, errors_;
};

}  // namespace

Result<CommandResult> RunCommand(const CommandOptions& options, ByteView input) {
  if (options.argv.empty() || !options.argv[0].starts_with('/'))
    return InvalidArgument("a command is an absolute path and its arguments");
  SEAL_ASSIGN_OR_RETURN(Descriptor in, MakeSealedMemory("input", input));
  SEAL_ASSIGN_OR_RETURN(in, Above(std::move(in)));
  if (::lseek(in.get(), 0, SEEK_SET) != 0) return Unavailable("lseek: {}", ::strerror(errno));
  SEAL_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  SEAL_ASSIGN_OR_RETURN(Pipe err, MakePipe());
  SEAL_ASSIGN_OR_RETURN(const pid_t pid,
                        Spawn(options.argv, in.get(), out.write.get(), err.write.get()));
  out.write = Descriptor();
  err.write = Descriptor();
  Descriptor ended(
      static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // glibc declares its own for C alone
  if (!ended.valid()) {
    const int error = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return Unavailable("pidfd_open: {}", ::strerror(error));
  }
  return Running(options, pid, std::move(ended), std::move(out.read), std::move(err.read)).Finish();
}

}  // namespace sealtrail::env
