#include "net/listen.h"

#include <charconv>
#include <cstring>
#include <errno.h>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace sealtrail::net {
namespace {

constexpr int kBacklog = 512;

std::string ErrorText(int error) {
  return std::generic_category().message(error);
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string AddressText(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
  }
  return "unix";
}

// The address of a Unix socket. Keeps the folder open where the path is too long, for the address
// then names it by that descriptor.
struct UnixAddress {
  sockaddr_un address{};
  std::unique_ptr<Fd> folder;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Result<UnixAddress> MakeUnixAddress(const std::string& path) {
  UnixAddress out;
  out.address.sun_family = AF_UNIX;
  std::string name = path;
  if (path.size() >= sizeof out.address.sun_path) {
    const size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    out.folder = std::make_unique<Fd>(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (out.folder->get() < 0) return FailedPrecondition("open {}: {}", folder, ErrorText(errno));
    name = fmt::format("/proc/self/fd/{}/{}", out.folder->get(), path.substr(slash + 1));
  }
  if (name.size() >= sizeof out.address.sun_path) {
    return InvalidArgument("{}: the name of a socket has at most 80 characters", path);
  }
  std::memcpy(out.address.sun_path, name.c_str(), name.size() + 1);
  return out;
}

// Takes away the file of a listener that is gone.
Status RemoveStaleSocket(const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return OkStatus();  // bind says what else is wrong
  if (!S_ISSOCK(info.st_mode)) return FailedPrecondition("{} is in the way, and no socket", path);
  if (Result<int> other = ConnectUnix(path); other.ok()) {
    ::close(*other);
    return FailedPrecondition("another process listens there");
  }
  if (::unlink(path.c_str()) != 0) return FailedPrecondition("unlink: {}", ErrorText(errno));
  return OkStatus();
}

Result<int> BindUnix(const std::string& path) {
  SEAL_ASSIGN_OR_RETURN(const UnixAddress address, MakeUnixAddress(path));
  SEAL_RETURN_IF_ERROR(RemoveStaleSocket(path));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // The file inherits the mode of the socket (unix(7) does not say so, the kernel does), so nobody
  // else can connect between bind and a chmod.
  if (fd.get() < 0 || ::fchmod(fd.get(), 0600) != 0 ||
      ::bind(fd.get(), address.get(), sizeof address.address) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return FailedPrecondition("{}", ErrorText(errno));
  }
  return fd.release();
}

}  // namespace

Result<HostPort> ParseHostPort(std::string_view text) {
  const auto wrong = [&] {
    return InvalidArgument("\"{}\": expected host:port, for example 127.0.0.1:4317 or [::1]:4317",
                           text);
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong();
  }
  const std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (host.empty() || digits.empty() || error != std::errc() ||
      end != digits.data() + digits.size()) {
    return wrong();
  }
  return HostPort{std::string(host), port};
}

Result<int> ListenTcp(std::string_view address) {
  SEAL_ASSIGN_OR_RETURN(const HostPort parsed, ParseHostPort(address));
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error =
          ::getaddrinfo(parsed.host.c_str(), std::to_string(parsed.port).c_str(), &hints, &found);
      error != 0) {
    return FailedPrecondition("listen on {}: {}", address, ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
  Fd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (fd.get() < 0 || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return FailedPrecondition("listen on {}: {}", address, ErrorText(errno));
  }
  return fd.release();
}

Result<int> ListenUnix(const std::string& path) {
  Result<int> fd = BindUnix(path);
  if (!fd.ok()) return fd.status().Annotate(fmt::format("listen on {}", path));
  return fd;
}

Result<int> ConnectUnix(const std::string& path) {
  SEAL_ASSIGN_OR_RETURN(const UnixAddress address, MakeUnixAddress(path));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 || ::connect(fd.get(), address.get(), sizeof address.address) != 0) {
    return Unavailable("connect to {}: {}", path, ErrorText(errno));
  }
  return fd.release();
}

std::string LocalAddress(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return AddressText(address);
}

std::string PeerAddress(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return AddressText(address);
}

std::optional<uint32_t> PeerUser(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  int domain = 0;
  socklen_t domain_size = sizeof domain;
  if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) != 0 ||
      domain != AF_UNIX || ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
    return std::nullopt;
  }
  return who.uid;
}

}  // namespace sealtrail::net
