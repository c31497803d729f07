// Listening sockets and the addresses of their two ends, as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace sealtrail::net {

// "host:port" taken apart; an IPv6 host stands in brackets, and here without them. Port 0 to 65535.
struct HostPort {
  std::string host;
  uint16_t port;
};
// InvalidArgument, saying what is expected.
Result<HostPort> ParseHostPort(std::string_view text);

// A socket that listens on the first address that `address` ("host:port") resolves to; port 0 picks
// a free one. The caller closes it. FailedPrecondition, with the system's reason, if that cannot
// be.
Result<int> ListenTcp(std::string_view address);

// A socket that listens at `path`, mode 0600 from its first moment. A socket file that a dead
// process left behind is replaced; FailedPrecondition if a live one listens there, or if anything
// but a socket is in the way. A path too long for a socket address is reached through
// /proc/self/fd.
Result<int> ListenUnix(const std::string& path);

// A blocking connection to the socket at `path`, of any length. The caller closes it.
// Unavailable if nobody listens there.
Result<int> ConnectUnix(const std::string& path);

// "127.0.0.1:4318", "[::1]:4318", or "unix".
std::string LocalAddress(int socket);
std::string PeerAddress(int socket);

// The user at the other end of a Unix socket; nothing for TCP.
std::optional<uint32_t> PeerUser(int socket);

}  // namespace sealtrail::net
