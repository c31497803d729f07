#include "net/http_client.h"

#include <algorithm>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "base/limits.h"
#include "net/listen.h"

namespace sealtrail::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kErrorBodyBytesMax = 64 * kKiB;
constexpr size_t kPieceBytes = 64 * kKiB;

Status BrokenOff(const error_code& error) {
  return Unavailable("the connection broke: {}", error.message());
}

// Reads the body piece by piece. A buffer_body parser fills `piece` and says need_buffer when it is full.
template <typename Stream>
Status ReadBody(Stream& stream, boost::beast::flat_buffer& buffer,
                http::response_parser<http::buffer_body>& parser,
                const std::function<Status(std::string_view)>& sink) {
  std::string piece(kPieceBytes, '\0');
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = piece.data();
    body.size = piece.size();
    error_code error;
    http::read(stream, buffer, parser, error);
    if (error == http::error::need_buffer) error = {};
    if (error) return BrokenOff(error);
    SEAL_RETURN_IF_ERROR(sink(std::string_view(piece).substr(0, piece.size() - body.size)));
  }
  return OkStatus();
}

template <typename Stream>
Result<HttpClientResponse> Exchange(Stream& stream, const HttpClientRequest& request,
                                    const std::function<Status(std::string_view)>& sink) {
  http::request<http::string_body> message(http::string_to_verb(request.method), request.target,
                                           11);
  message.set(http::field::host, request.address.empty() ? "localhost" : request.address);
  message.set(http::field::connection, "close");
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.body() = request.body;
  message.prepare_payload();
  error_code error;
  http::write(stream, message, error);
  if (error) return BrokenOff(error);

  boost::beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  http::read_header(stream, buffer, parser, error);
  if (error) return BrokenOff(error);

  HttpClientResponse response{.status = static_cast<int>(parser.get().result_int())};
  for (const auto& field : parser.get()) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    response.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  const bool good = response.status >= 200 && response.status < 300;
  SEAL_RETURN_IF_ERROR(ReadBody(stream, buffer, parser, [&](std::string_view piece) {
    if (good) return sink(piece);
    response.error_body += piece.substr(
        0, kErrorBodyBytesMax - std::min(kErrorBodyBytesMax, response.error_body.size()));
    return OkStatus();
  }));
  return response;
}

}  // namespace

Result<HttpClientResponse> FetchHttp(const HttpClientRequest& request,
                                     const std::function<Status(std::string_view)>& sink) {
  asio::io_context context;
  error_code error;
  if (!request.unix_path.empty()) {
    asio::local::stream_protocol::socket socket(context);
    SEAL_ASSIGN_OR_RETURN(const int fd, ConnectUnix(request.unix_path));
    socket.assign(asio::local::stream_protocol(), fd, error);
    if (error) return Unavailable("{}: {}", request.unix_path, error.message());
    return Exchange(socket, request, sink);
  }
  SEAL_ASSIGN_OR_RETURN(const HostPort place, ParseHostPort(request.address));
  asio::ip::tcp::resolver resolver(context);
  const auto endpoints = resolver.resolve(place.host, std::to_string(place.port), error);
  if (error) return Unavailable("{}: {}", request.address, error.message());
  asio::ip::tcp::socket socket(context);
  asio::connect(socket, endpoints, error);
  if (error) return Unavailable("connect to {}: {}", request.address, error.message());
  return Exchange(socket, request, sink);
}

}  // namespace sealtrail::net
