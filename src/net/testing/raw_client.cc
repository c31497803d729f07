#include "net/testing/raw_client.h"

#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/check.h"
#include "net/listen.h"

namespace sealtrail::net::testing {
namespace {

int ConnectTcp(const std::string& address) {
  const HostPort to = ParseHostPort(address).value();
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(to.port);
  SEAL_CHECK(::inet_pton(AF_INET, to.host.c_str(), &at.sin_addr) == 1);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SEAL_CHECK(fd >= 0);
  SEAL_CHECK(::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  return fd;
}

}  // namespace

std::string RawResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

RawClient::RawClient(const std::string& address)
    : fd_(address.find('/') == std::string::npos ? ConnectTcp(address)
                                                 : ConnectUnix(address).value()) {
  const timeval patience{.tv_sec = 60, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

RawClient::~RawClient() {
  ::close(fd_);
}

bool RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void RawClient::FinishSending() {
  ::shutdown(fd_, SHUT_WR);
}

bool RawClient::Fill() {
  char bytes[16384];
  const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
  if (got > 0) buffer_.append(bytes, static_cast<size_t>(got));
  return got > 0;
}

bool RawClient::AtEnd() {
  if (!buffer_.empty()) return false;
  char byte;
  return ::recv(fd_, &byte, 1, 0) == 0;
}

bool RawClient::ReadLine(std::string& line) {
  for (size_t end; (end = buffer_.find("\r\n")) == std::string::npos;) {
    if (!Fill()) return false;
  }
  const size_t end = buffer_.find("\r\n");
  line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return true;
}

bool RawClient::ReadExactly(size_t size, std::string& out) {
  while (buffer_.size() < size) {
    if (!Fill()) return false;
  }
  out.append(buffer_, 0, size);
  buffer_.erase(0, size);
  return true;
}

std::string RawClient::ReadBytes(size_t size) {
  std::string out;
  if (!ReadExactly(size, out)) out = std::exchange(buffer_, "");
  return out;
}

RawResponse RawClient::Read(bool has_body) {
  RawResponse out;
  std::string line;
  if (!ReadLine(line) || !line.starts_with("HTTP/1.1 ")) return out;
  const int status = std::stoi(line.substr(9, 3));
  for (;;) {
    if (!ReadLine(line)) return out;
    if (line.empty()) break;
    const size_t colon = line.find(": ");
    SEAL_CHECK(colon != std::string::npos);
    std::string name = line.substr(0, colon);
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    out.headers.emplace_back(std::move(name), line.substr(colon + 2));
  }
  out.status = status;
  if (!has_body || status == 204 || status == 304 || status == 100) {
    out.complete = true;
  } else if (const std::string length = out.Header("content-length"); !length.empty()) {
    out.complete = ReadExactly(std::stoul(length), out.body);
  } else if (out.Header("transfer-encoding") == "chunked") {
    for (;;) {
      if (!ReadLine(line)) return out;
      const size_t size = std::stoul(line, nullptr, 16);
      std::string end;
      if (!ReadExactly(size, out.body) || !ReadExactly(2, end) || end != "\r\n") return out;
      if (size == 0) break;
    }
    out.complete = true;
  } else {
    while (Fill()) {
    }
    out.body = std::exchange(buffer_, "");
    out.complete = true;
  }
  return out;
}

RawResponse RawClient::Post(std::string_view path, std::string_view content_type,
                            std::string_view body, std::string_view more_headers) {
  Send(
      fmt::format("POST {} HTTP/1.1\r\nHost: test\r\nContent-Type: {}\r\n{}"
                  "Content-Length: {}\r\n\r\n",
                  path, content_type, more_headers, body.size()));
  Send(body);
  return Read();
}

RawResponse RawClient::Get(std::string_view path) {
  Send(fmt::format("GET {} HTTP/1.1\r\nHost: test\r\n\r\n", path));
  return Read();
}

}  // namespace sealtrail::net::testing
