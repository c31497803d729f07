// A client of HTTP/1.1 that sends exactly the bytes it is told to, for tests of servers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sealtrail::net::testing {

struct RawResponse {
  int status = 0;  // 0: the connection ended before a whole response had come
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  bool complete = false;  // the body ended as its framing demands

  std::string Header(std::string_view name) const;
};

// Blocking; gives up after 20 s without a byte, so that a broken server fails a test instead of
// hanging it.
class RawClient {
 public:
  // "127.0.0.1:4318", or the path of a Unix socket (anything with a slash).
  explicit RawClient(const std::string& address);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False if the server has closed the connection.
  bool Send(std::string_view bytes);
  // No more will be sent.
  void FinishSending();

  RawResponse Read(bool has_body = true);
  // The next `size` bytes, or fewer if the connection ends before.
  std::string ReadBytes(size_t size);
  // True once the server has closed the connection and nothing was left to read.
  bool AtEnd();

  // "POST path" with a body, and Read().
  RawResponse Post(std::string_view path, std::string_view content_type, std::string_view body,
                   std::string_view more_headers = "");
  RawResponse Get(std::string_view path);

 private:
  bool Fill();
  bool ReadLine(std::string& line);
  bool ReadExactly(size_t size, std::string& out);

  int fd_;
  std::string buffer_;
};

}  // namespace sealtrail::net::testing
